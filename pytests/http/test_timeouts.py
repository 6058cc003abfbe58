"""Time limits, robustness 36 to 39 and lesson 23: small ones, and waits for bytes."""

import time

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
)
from support.holds import holds
from support.patience import SANITIZED, seconds
from support.server import resident_bytes

HOST = "Host: test"
KEEP_ALIVE = ("--timeout-keep-alive", "0.3")
HEADER = ("--timeout-header", "0.4")
BODY = ("--timeout-body", "0.4")
WRITE = ("--timeout-write", "0.4")


def errors(server, mark: int) -> list[str]:
    return [line for line in said(server, mark) if line.startswith(("ERROR", "WARNING"))]


@holds("robustness_36")
def test_idle_connection_is_closed_in_silence(shared):
    server = shared("raw:app", *KEEP_ALIVE)
    mark = server.mark()
    with server.connect() as connection:
        still_serves(connection)
        started = time.monotonic()
        connection.expect_close()
        assert time.monotonic() - started > 0.25
    assert not said(server, mark)


@holds("robustness_36")
def test_idle_timer_does_not_run_while_the_app_works(shared):
    server = shared("raw:app", *KEEP_ALIVE)
    with server.connect() as connection:
        connection.get("/sleep?seconds=0.8")
        connection.send(request("GET /sleep?seconds=0.5 HTTP/1.1", HOST))
        assert connection.read_response().body == b"slept"
        assert connection.read_response().body == b"slept"
        still_serves(connection)


@holds("robustness_36")
def test_idle_timer_begins_anew_with_each_request(shared):
    server = shared("raw:app", "--timeout-keep-alive", "0.6")
    with server.connect() as connection:
        started = time.monotonic()
        while time.monotonic() - started < 1.0:
            still_serves(connection)
            assert not connection.wait_readable(0.2)
        still_serves(connection)
        connection.expect_close()


@pytest.mark.parametrize("data", [b"G", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: test\r\n"])
@holds("robustness_37")
def test_head_that_does_not_end_gets_408(shared, data):
    server = shared("raw:app", *HEADER)
    before = calls(server)
    with server.connect() as connection:
        connection.send(data)
        response = connection.read_response()
        assert response.status == 408
        assert response.says_close
        connection.expect_close()
    assert calls(server) == before + 1


@holds("robustness_37")
def test_connection_without_a_byte_is_closed_in_silence(shared):
    server = shared("raw:app", *HEADER)
    mark = server.mark()
    with server.connect() as connection:
        connection.expect_close()
    assert not errors(server, mark)


@holds("robustness_37")
def test_header_timeout_is_absolute(shared):
    """Slowloris: a byte now and then does not move the limit."""
    server = shared("raw:app", *HEADER)
    started = time.monotonic()
    with server.connect() as connection:
        data = b"GET / HTTP/1.1\r\nHost: test\r\n" + b"X: 1\r\n" * 20
        assert connection.drip(data, every=0.1), "the whole head went through"
        assert connection.read_response().status == 408
    assert time.monotonic() - started < seconds(3)


@holds("robustness_37")
def test_header_timeout_holds_for_the_second_request_too(shared):
    server = shared("raw:app", *HEADER)
    with server.connect() as connection:
        still_serves(connection)
        connection.send(b"GET / HTTP")
        assert connection.read_response().status == 408
        connection.expect_close()


@holds("robustness_37")
def test_header_timer_does_not_run_while_the_app_works(shared):
    server = shared("raw:app", *HEADER)
    with server.connect() as connection:
        connection.get("/sleep?seconds=0.8")
        assert connection.read_response().body == b"slept"
        still_serves(connection)


@holds("robustness_38")
def test_body_that_stalls_gets_408_and_a_disconnect(shared):
    server, key = shared("raw:app", *BODY), fresh_id()
    mark = server.mark()
    with server.connect() as connection:
        connection.send(post(f"/messages-noted?id={key}", b"hello")[:-2])
        response = connection.read_response()
        assert response.status == 408
        assert response.says_close
        connection.expect_close()
    assert "whole" not in await_note(server, key, "http.disconnect")
    assert not [line for line in said(server, mark) if line.startswith("ERROR")]


@holds("robustness_38")
def test_body_that_stalls_behind_a_started_answer_cuts_it(shared):
    server, key = shared("raw:app", *BODY), fresh_id()
    with server.connect() as connection:
        connection.send(post(f"/echo-pieces?id={key}", b"hello")[:-2])
        assert connection.read_head().status == 200
        assert connection.read_chunk() == b"hel"
        rest, _ = connection.read_to_any_end()
    assert rest == b""
    await_note(server, key, "http.disconnect")


@holds("robustness_38")
def test_body_that_makes_progress_is_not_cut(shared):
    server = shared("raw:app", "--timeout-body", "0.5")
    data = post("/echo", b"0123456789")
    with server.connect() as connection:
        connection.send(data[:-10])
        assert not connection.drip(data[-10:-1], every=0.1)
        connection.send(data[-1:])
        assert connection.read_response().body == b"0123456789"


@holds("lesson_23", "robustness_38")
def test_body_timer_stops_with_the_body(shared):
    """It neither answers a slow application's client nor closes the idle connection later."""
    server = shared("raw:app", *BODY)
    with server.connect() as connection:
        connection.send(post("/echo", b"small"))
        assert connection.read_response().body == b"small"
        connection.get("/sleep?seconds=0.7")
        assert connection.read_response().body == b"slept"
        connection.send(post("/sleep?seconds=0.7", b"unread"))
        assert connection.read_response().body == b"slept"
        still_serves(connection)


@holds("lesson_23", "robustness_38")
def test_body_timer_does_not_run_while_nobody_asks_for_the_body(shared):
    """The application is slow, not the client: its upload is held back by us."""
    server, key = shared("raw:app", *BODY), fresh_id()
    with server.connect(timeout=10) as connection:
        body = b"x" * 3_000_000
        connection.send(
            request(f"POST /never-read?id={key} HTTP/1.1", HOST, f"Content-Length: {len(body)}")
        )
        sent = connection.send_until_blocked(body[:500_000], 2_500_000, patience=0.2)
        server.get("/sleep?seconds=0.8")
        assert seen(server, key) == ["called"]
        server.get(f"/tell?id={key}&what=go")
        connection.send(body[sent:])
        assert show(connection.read_response())["length"] == len(body)


@pytest.mark.slow
@holds("robustness_39", "asgi_08", "asgi_47")
def test_client_that_does_not_read_is_dropped(shared):
    """send() really waits; then it raises, the task ends, and memory was bounded throughout."""
    server, key = shared("raw:app", *WRITE), fresh_id()
    before, mark = resident_bytes(server.pid), server.mark()
    with server.connect(receive_buffer=4096) as connection:
        connection.get(f"/endless?id={key}&size=65536")
        assert connection.read_head().status == 200
        notes = await_note(server, key, "ended")
        _, how = connection.read_to_any_end()
    assert how in ("reset", "fin")
    assert raised_in(notes)[0].startswith("raised OSError")
    count = next(item for item in notes if isinstance(item, str) and item.startswith("pieces "))
    assert int(count.split()[1]) * 65536 < 16_000_000
    if not SANITIZED:
        assert resident_bytes(server.pid) - before < 16_000_000
    assert not [line for line in said(server, mark) if line.startswith("ERROR")]


@holds("robustness_39", "lesson_23")
def test_slow_but_steady_reader_is_not_dropped(shared):
    server, size = shared("raw:app", "--timeout-write", "1"), 20_000_000
    with server.connect(timeout=20, receive_buffer=4096) as connection:
        connection.get(f"/sized?size={size}")
        assert connection.read_head().value("content-length") == str(size).encode()
        received = 0
        started = time.monotonic()
        while time.monotonic() - started < 2.5:
            received += len(connection.read_exactly(400_000))
            pace(0.1)
        assert received < size, "the reader was not slow"
        assert len(connection.read_exactly(size - received)) == size - received


def pace(interval: float) -> None:
    """The client's own slowness; nothing of the server is waited for."""
    import select

    select.select([], [], [], interval)


@holds("robustness_39", "lesson_12", "asgi_43")
def test_two_producers_both_wait_for_a_slow_client(server):
    key = fresh_id()
    with server.connect(receive_buffer=4096) as connection:
        connection.get(f"/two-producers?id={key}")
        connection.read_head()
        progress = -1
        while progress != (progress := show(server.get(f"/progress?id={key}"))):
            server.get("/sleep?seconds=0.05")
        assert progress * 65536 < 16_000_000, "a producer was not held back"
        connection.reset()


@pytest.mark.parametrize("limit", ["header", "body", "write", "keep-alive"])
@holds("robustness_37")
def test_time_limit_of_zero_is_none_at_all(shared, limit):
    """Ringhorn's own limits are switched off by 0; with keep-alive 0 the answer still comes."""
    server = shared("raw:app", f"--timeout-{limit}", "0")
    with server.connect() as connection:
        if limit == "keep-alive":
            connection.get("/hello")
            assert connection.read_response().body == b"hello"
            return
        data = post("/echo", b"hello")
        connection.send(data[:20])
        assert not connection.wait_readable(0.2)
        connection.send(data[20:-2])
        assert not connection.wait_readable(0.2)
        connection.send(data[-2:])
        assert connection.read_response().body == b"hello"
