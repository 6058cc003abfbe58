"""The life of a connection: keep-alive, close, half-close, the clients that leave.

robustness 35, 40, 41, 87; lessons 24, 26, 29, 30, 34.
"""

import os
import time
from contextlib import ExitStack

import pytest
from support.checks import (
    await_note,
    calls,
    fresh_id,
    post,
    raised_in,
    request,
    said,
    seen,
    show,
    still_serves,
    tell,
)
from support.holds import holds, row
from support.patience import seconds
from support.server import cpu_seconds, open_files

HOST = "Host: test"


@pytest.mark.parametrize(
    "line, fields, keeps",
    [
        row("robustness_35", "1.1", "GET /hello HTTP/1.1", [HOST], True),
        row(
            "robustness_35", "1.1 close", "GET /hello HTTP/1.1", [HOST, "Connection: close"], False
        ),
        row(
            "robustness_35", "1.1 Close", "GET /hello HTTP/1.1", [HOST, "Connection: Close"], False
        ),
        row(
            "robustness_35",
            "in a list",
            "GET /hello HTTP/1.1",
            [HOST, "Connection: x, close"],
            False,
        ),
        row(
            "robustness_35",
            "two lines",
            "GET /hello HTTP/1.1",
            [HOST, "Connection: x", "Connection: close"],
            False,
        ),
        row(
            "robustness_35",
            "1.1 keep-alive",
            "GET /hello HTTP/1.1",
            [HOST, "Connection: keep-alive"],
            True,
        ),
        row(
            "robustness_35",
            "another word",
            "GET /hello HTTP/1.1",
            [HOST, "Connection: closed"],
            True,
        ),
        row("robustness_35", "1.0", "GET /hello HTTP/1.0", [HOST], False),
        row(
            "robustness_35",
            "1.0 keep-alive",
            "GET /hello HTTP/1.0",
            [HOST, "Connection: keep-alive"],
            True,
        ),
        row(
            "robustness_35",
            "1.0 both",
            "GET /hello HTTP/1.0",
            [HOST, "Connection: close, keep-alive"],
            False,
        ),
        row("robustness_35", "app says close", "GET /close HTTP/1.1", [HOST], False),
        row(
            "robustness_35",
            "both say close",
            "GET /close HTTP/1.1",
            [HOST, "Connection: close"],
            False,
        ),
        row(
            "robustness_35",
            "app over keep-alive",
            "GET /close HTTP/1.0",
            [HOST, "Connection: keep-alive"],
            False,
        ),
    ],
)
def test_connection_goes_on_or_closes_as_both_sides_say(server, line, fields, keeps):
    with server.connect() as connection:
        connection.send(request(line, *fields))
        response = connection.read_response()
        assert response.status == 200
        if keeps:
            assert not response.says_close
            if "1.0" in line:
                assert response.value("connection").lower() == b"keep-alive"
            still_serves(connection)
        else:
            assert response.value("connection") == b"close"
            connection.expect_close()


@holds("robustness_35")
def test_close_comes_in_the_same_flush_as_the_answer(server):
    """One read gives the whole response; the next one the FIN, with nothing in between."""
    with server.connect() as connection:
        connection.get("/hello", "Connection: close")
        assert connection.read_now().endswith(b"hello")
        assert connection.read_now() == b""


@holds("lesson_24", "robustness_35")
def test_connection_serves_two_thousand_requests(server):
    with server.connect() as connection:
        for _ in range(20):
            connection.send(request("GET /hello HTTP/1.1", HOST) * 100)
            for _ in range(100):
                assert connection.read_response().body == b"hello"


@holds("robustness_40")
def test_client_that_leaves_in_the_head_leaves_no_trace(server):
    before, mark = calls(server), server.mark()
    for data in (b"", b"\r\n", b"GET", b"GET / HTTP/1.1\r\nHost: te"):
        with server.connect() as connection:
            connection.send(data)
            connection.half_close()
            connection.expect_close()
        with server.connect() as connection:
            connection.send(data)
            connection.reset()
    assert calls(server) == before + 1
    assert not [line for line in said(server, mark) if not line.startswith("DEBUG")]


@pytest.mark.parametrize("leave", ["half_close", "reset"])
@holds("robustness_40", "asgi_46")
def test_client_that_leaves_in_the_body_is_a_disconnect(server, leave):
    key, mark = fresh_id(), server.mark()
    with server.connect() as connection:
        connection.send(post(f"/messages-noted?id={key}", b"hello")[:-2])
        await_note(server, key, "http.request")
        getattr(connection, leave)()
        notes = await_note(server, key, "http.disconnect")
    assert "whole" not in notes
    assert not [line for line in said(server, mark) if line.startswith("ERROR")]


@holds("robustness_40", "asgi_46", "asgi_47", "asgi_48", "asgi_13")
@pytest.mark.parametrize("app", ["watch", "watch-through"])
def test_long_poll_hears_that_its_client_has_gone(server, app):
    """send() then raises an OSError; when the application lets it through nothing is logged."""
    key, mark = fresh_id(), server.mark()
    with server.connect() as connection:
        connection.get(f"/{app}?id={key}")
        await_note(server, key, "called")
        connection.reset()
    await_note(server, key, "over")
    # `over` of the second comes before its send(): another round trip lets it end.
    notes = seen(server, key)
    assert "http.disconnect" in notes
    assert raised_in(notes) and raised_in(notes)[0].startswith("raised OSError")
    kinds = next(item for item in notes if isinstance(item, list))
    assert kinds[0] != "OSError", "a subclass of the server's own"
    assert not [line for line in said(server, mark) if line.startswith("ERROR")]


@holds("robustness_40", "asgi_46", "asgi_47", "asgi_48", "asgi_49")
def test_stream_whose_client_resets_gets_an_os_error(server):
    key, mark = fresh_id(), server.mark()
    with server.connect() as connection:
        connection.get(f"/watch-and-stream?id={key}")
        assert connection.read_head().status == 200
        assert connection.read_chunk() == b"first"
        connection.reset()
    notes = await_note(server, key, "over")
    assert "http.disconnect" in notes
    assert raised_in(notes)[0].startswith("raised OSError")
    assert not [line for line in said(server, mark) if line.startswith("ERROR")]


@holds("lesson_26", "lesson_29", "robustness_41")
def test_reset_while_send_is_blocked_ends_the_stream_at_once(server):
    key = fresh_id()
    with server.connect(receive_buffer=4096) as connection:
        connection.get(f"/endless?id={key}&size=1000000")
        connection.read_head()
        connection.reset()
    notes = await_note(server, key, "ended")
    assert raised_in(notes)[0].startswith("raised OSError")


# Half-close.


@holds("robustness_41", "lesson_26")
@pytest.mark.parametrize("target", ["/hello", "/stream?count=50&size=20000", "/sized?size=3000000"])
def test_half_closed_client_gets_its_whole_answer(server, target):
    with server.connect() as connection:
        connection.get(target)
        connection.half_close()
        response = connection.read_response()
        assert response.status == 200
        assert len(response.body) in (5, 1_000_000, 3_000_000)
        connection.expect_close()


@holds("robustness_41", "lesson_26")
def test_half_closed_client_is_waited_for_while_the_app_works(server):
    key = fresh_id()
    with server.connect() as connection:
        connection.get(f"/hold?id={key}")
        connection.half_close()
        await_note(server, key, "called")
        tell(server, key)
        assert connection.read_response().body == b"held"
        connection.expect_close()


@holds("robustness_41", "robustness_34")
def test_pipelined_requests_before_a_half_close_are_all_answered(server):
    with server.connect() as connection:
        connection.send(request("GET /hello HTTP/1.1", HOST) * 5, post("/echo", b"last"))
        connection.half_close()
        bodies = [connection.read_response().body for _ in range(6)]
        connection.expect_close()
    assert bodies == [b"hello"] * 5 + [b"last"]


@holds("robustness_41")
def test_half_closed_upload_is_answered(server):
    with server.connect() as connection:
        connection.send(post("/echo", b"hello"))
        connection.half_close()
        assert connection.read_response().body == b"hello"
        connection.expect_close()


@holds("lesson_26")
def test_incomplete_request_with_fin_closes_at_once(server):
    """At once: well before the header timeout of 10 s."""
    with server.connect(timeout=3) as connection:
        connection.send(b"GET / HTTP/1.1\r\nHost")
        connection.half_close()
        connection.expect_close()


@pytest.mark.slow
@holds("lesson_29")
def test_half_closed_client_does_not_spin_the_loop(server):
    key = fresh_id()
    with server.connect() as connection:
        connection.get(f"/hold?id={key}")
        connection.half_close()
        await_note(server, key, "called")
        used = cpu_seconds(server.pid)
        server.get("/sleep?seconds=1")
        assert cpu_seconds(server.pid) - used < seconds(0.3)
        tell(server, key)
        connection.read_response()


@pytest.mark.slow
@holds("lesson_29", "robustness_39")
def test_client_that_does_not_read_does_not_spin_the_loop(server):
    key = fresh_id()
    with server.connect(receive_buffer=4096) as connection:
        connection.get(f"/endless?id={key}")
        connection.read_head()
        progress = -1
        while progress != (progress := show(server.get(f"/progress?id={key}"))):
            pass
        used = cpu_seconds(server.pid)
        server.get("/sleep?seconds=1")
        assert cpu_seconds(server.pid) - used < seconds(0.3)
        connection.reset()
    await_note(server, key, "ended")


# Many of them.


@pytest.mark.slow
@holds("robustness_76", "robustness_41", "lesson_35")
def test_descriptors_are_back_after_thousands_of_connections(server):
    """The kernel forgets to tell of a few resets (about one in ten thousand when the machine is
    busy); the server looks for them after a second or two, long before the header timeout."""
    server.get("/hello")
    before = open_files(server.pid)
    for number in range(3000):
        with server.connect() as connection:
            if number % 3 == 0:
                connection.get("/hello", "Connection: close")
                connection.read_to_end()
            elif number % 3 == 1:
                connection.get("/hello")
                connection.reset()
            else:
                connection.send(b"GET ")
                connection.reset()
    deadline = time.monotonic() + seconds(5)
    while open_files(server.pid) > before and time.monotonic() < deadline:
        server.get("/sleep?seconds=0.05")
    assert open_files(server.pid) <= before


@holds("lesson_30")
def test_burst_of_300_connections_is_served_whole(server):
    connections = [server.connect() for _ in range(300)]
    for connection in connections:
        connection.get("/hello", "Connection: close")
    for connection in connections:
        assert connection.read_response().body == b"hello"
        connection.expect_close()
        connection.close()


@holds("lesson_34")
def test_quiet_connection_is_probed_by_the_kernel(server):
    """SO_KEEPALIVE: timer 02 of /proc/net/tcp on the server's side of the connection."""
    key = fresh_id()
    with server.connect() as connection:
        connection.get(f"/hold?id={key}")
        await_note(server, key, "called")
        ends = f":{server.port:04X} 0100007F:{connection.local_port:04X} 01"
        with open("/proc/net/tcp") as table:
            line = next(line for line in table if ends in line)
        assert line.split()[5].startswith("02:"), line
        tell(server, key)
        connection.read_response()


# The race of the idle timeout.


@holds("robustness_87", "robustness_36")
def test_request_that_arrives_as_the_idle_timeout_strikes_is_served(serve, tmp_path):
    """The loop stands still past the timeout; the request lies in the socket when it goes on."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with serve("raw:app", "--timeout-keep-alive", "1") as server:
        with server.connect() as connection, server.connect() as blocker:
            still_serves(connection)
            blocker.get(f"/block?fifo={fifo}")
            with open(fifo, "wb"):
                # The client's own clock: nothing can tell us that a stopped server's timer is due.
                assert not connection.wait_readable(1.5)
                connection.get("/hello")
            assert connection.read_response().body == b"hello"
            assert blocker.read_response().body == b"went on"


# Who waits, and who comes.


@pytest.mark.parametrize("beside", ["nobody", "restless"])
def test_request_that_comes_does_not_take_what_another_waits_for(server, tmp_path, beside):
    """asyncio.Queue, as a pool of connections has it: who comes between the return of one and the
    waiter that is woken for it would have it, and the waiter stand at the end of the line again."""
    key, fifo = fresh_id(), tmp_path / "fifo"
    os.mkfifo(fifo)
    with ExitStack() as stack:
        holder, waiter, newcomer, freeing, other = (
            stack.enter_context(server.connect()) for _ in range(5)
        )
        holder.get(f"/token-hold?id={key}")
        await_note(server, key, "held")
        waiter.get(f"/token-take?id={key}&name=waiter")
        await_note(server, key, "waiter wants it")
        if beside == "restless":
            other.get(f"/restless?id={key}")
            await_note(server, key, "never rests")
        still_serves(newcomer)
        still_serves(freeing)
        freeing.get(f"/token-free?id={key}&fifo={fifo}")
        with open(fifo, "wb"):  # the holder is about to put it back, and the waiter not yet woken
            newcomer.get(f"/token-take?id={key}&name=newcomer")
        for connection in (holder, waiter, newcomer, freeing):
            assert connection.read_response().status == 200
    order = [noted for noted in seen(server, key) if noted.endswith("has it")]
    assert order == ["waiter has it", "newcomer has it"]
