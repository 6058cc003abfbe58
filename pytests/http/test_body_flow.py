"""Bodies against the application's pace: early answers, limits, back-pressure, pipelining.

robustness 31 to 34, lessons 4, 25, 28.
"""

import hashlib
import os
import threading

import pytest
from support.checks import (
    await_note,
    check_refused,
    chunked,
    chunks,
    fresh_id,
    post,
    request,
    seen,
    show,
    still_serves,
    tell,
)
from support.holds import holds
from support.patience import SANITIZED
from support.server import resident_bytes

HOST = "Host: test"
MIB = 1 << 20
# A body that would be requests if it were parsed as such.
POISON = b"GET /calls HTTP/1.1\r\nHost: test\r\n\r\n"


@pytest.mark.parametrize("framing", ["length", "chunked"])
@holds("robustness_31")
def test_early_answer_swallows_a_small_rest_and_goes_on(server, framing):
    body = POISON * 20
    with server.connect() as connection:
        if framing == "length":
            connection.send(post("/ignore-body", body))
        else:
            connection.send(chunked("/ignore-body", chunks(POISON, body)))
        response = connection.read_response()
        assert (response.status, response.body) == (200, b"early")
        if not response.says_close:
            still_serves(connection)
        connection.half_close()
        connection.expect_close()


@holds("robustness_31")
def test_early_answer_then_the_rest_of_the_body(server):
    """The rest comes after the answer; it is never a request."""
    body = POISON * 20
    with server.connect() as connection:
        data = post("/ignore-body", body)
        connection.send(data[:-400])
        response = connection.read_response()
        assert response.body == b"early"
        if response.says_close:
            connection.expect_close()
        else:
            connection.send(data[-400:])
            still_serves(connection)


@pytest.mark.parametrize("framing", ["length", "chunked"])
@holds("robustness_31", "lesson_25")
def test_early_answer_to_a_large_upload_arrives_and_the_connection_closes(server, framing):
    """The client sends all before it reads, as `requests` does: no RST may eat the answer."""
    body = POISON * (2 * MIB // len(POISON))
    data = (
        post("/ignore-body", body) if framing == "length" else chunked("/ignore-body", chunks(body))
    )
    with server.connect() as connection:
        connection.send(data)
        response = connection.read_response()
        assert (response.status, response.body) == (200, b"early")
        connection.expect_close()


@holds("robustness_31")
def test_early_answer_to_a_client_that_stops_sending_closes_within_seconds(server):
    with server.connect(timeout=4) as connection:
        connection.send(post("/ignore-body", b"x" * 1000)[:-500])
        assert connection.read_response().body == b"early"
        connection.expect_close()


@holds("robustness_31")
def test_application_that_answers_early_sees_a_disconnect_not_the_rest(server):
    """(c): receive() after the response gives the disconnect, the rest of the body is dropped."""
    key = fresh_id()
    with server.connect() as connection:
        connection.send(post(f"/receive-after-response?id={key}", b"x" * 100))
        assert connection.read_response().body == b"done"
        notes = await_note(server, key, "returned")
        still_serves(connection)
    assert notes == ["http.disconnect"] * 3 + ["returned"]


# The body limit.

LIMIT = ("--limit-body", "1000")


@holds("robustness_32", "robustness_21")
def test_declared_length_over_the_limit_gets_413_before_the_body(shared):
    server = shared("raw:app", *LIMIT)
    assert server.request(post("/echo", b"x" * 1000)).body == b"x" * 1000
    head = request("POST /echo HTTP/1.1", HOST, "Content-Length: 1001")
    check_refused(server, head, 413)


@holds("robustness_32", "robustness_21")
def test_length_just_below_2_63_gets_413_with_a_limit(shared):
    head = request("POST /echo HTTP/1.1", HOST, "Content-Length: 9223372036854775807")
    check_refused(shared("raw:app", *LIMIT), head, 413)


@holds("robustness_32")
def test_chunked_body_over_the_limit_gets_413_in_the_middle(shared):
    server, key = shared("raw:app", *LIMIT), fresh_id()
    with server.connect() as connection:
        connection.send(chunked(f"/messages-noted?id={key}", b""))
        await_note(server, key, "called")
        connection.send(chunks(b"x" * 600, b"y" * 600))
        response = connection.read_response()
        assert response.status == 413
        assert response.says_close
        connection.expect_close()
    assert "whole" not in await_note(server, key, "http.disconnect")


@holds("robustness_32")
def test_chunked_body_of_exactly_the_limit_is_served(shared):
    server = shared("raw:app", *LIMIT)
    response = server.request(chunked("/echo", chunks(b"x" * 600, b"y" * 400)))
    assert response.body == b"x" * 600 + b"y" * 400


@holds("lesson_25")
def test_refused_upload_is_read_so_that_the_status_arrives(shared):
    """A client that sends 2 MB before it reads gets 413, not a broken pipe."""
    server = shared("raw:app", *LIMIT)
    with server.connect() as connection:
        connection.send(post("/echo", b"x" * (2 * MIB)))
        assert connection.read_response().status == 413
        connection.expect_close()


@holds("lesson_25")
def test_bad_request_with_much_behind_it_still_gets_its_400(server):
    with server.connect() as connection:
        connection.send(b"GET / HTTP/1.1\r\nBad Name: 1\r\nHost: test\r\n\r\n", b"x" * (2 * MIB))
        assert connection.read_response().status == 400
        connection.expect_close()


@holds("lesson_28")
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_upload_of_four_mebibytes_needs_no_limit_raised(server, framing):
    body = os.urandom(4 * MIB)
    if framing == "length":
        data = post("/measure", body)
    else:
        data = chunked(
            "/measure", chunks(*(body[at : at + 10000] for at in range(0, len(body), 10000)))
        )
    with server.connect(timeout=20) as connection:
        connection.send(data)
        measured = show(connection.read_response())
    assert measured["length"] == len(body)
    assert measured["sha256"] == hashlib.sha256(body).hexdigest()


# Back-pressure.


@pytest.mark.slow
@holds("robustness_33")
def test_upload_that_nobody_reads_is_not_buffered(server):
    """64 MiB offered to each of eight; the socket stops being read, and others are served."""
    body_size, key = 64 * MIB, fresh_id()
    head = request("POST {} HTTP/1.1", HOST, f"Content-Length: {body_size}").decode()
    before = resident_bytes(server.pid)
    stalled, sent = [], []
    try:
        for number in range(8):
            # Not before its turn: who says nothing for --timeout-header is given up.
            connection = server.connect(timeout=30)
            stalled.append(connection)
            connection.send(head.replace("{}", f"/never-read?id={key}-{number}").encode())
            sent.append(connection.send_until_blocked(b"x" * 65536, body_size, 0.2))
        assert max(sent) < body_size, "the server read what nobody asked for"
        if not SANITIZED:
            assert resident_bytes(server.pid) - before < 16 * MIB
        upload = os.urandom(MIB)
        answer = show(server.request(post("/measure", upload)))
        assert answer["sha256"] == hashlib.sha256(upload).hexdigest()
        for number in range(8):
            tell(server, f"{key}-{number}")
        finish_upload(stalled[0], body_size, sent[0])
    finally:
        for connection in stalled:
            connection.reset()
    for number in range(1, 8):
        await_note(server, f"{key}-{number}", "http.disconnect")


def finish_upload(connection, body_size: int, sent: int) -> None:
    """The stalled upload goes on as soon as the application reads."""
    rest = body_size - sent
    while rest > 0:
        piece = min(rest, MIB)
        connection.send(b"x" * piece)
        rest -= piece
    measured = show(connection.read_response())
    assert measured["length"] == body_size
    assert measured["sha256"] == hashlib.sha256(b"x" * body_size).hexdigest()


@holds("robustness_33", "asgi_37")
def test_slow_reader_gets_every_byte_in_pieces(server):
    body = os.urandom(3 * MIB)
    key = fresh_id()
    with server.connect(timeout=20) as connection:
        sender = threading.Thread(
            target=connection.send, args=(post(f"/never-read?id={key}", body),)
        )
        sender.start()
        await_note(server, key, "called")
        tell(server, key)
        measured = show(connection.read_response())
        sender.join()
    assert measured["sha256"] == hashlib.sha256(body).hexdigest()


# Pipelining.


@pytest.mark.parametrize("count", [2, 16, 200])
@holds("robustness_34")
def test_pipelined_requests_are_answered_in_order(server, count):
    with server.connect() as connection:
        data = [request(f"GET /own-field?name=x-n&value={n} HTTP/1.1", HOST) for n in range(count)]
        connection.send(*data)
        found = [connection.read_response().value("x-n") for _ in range(count)]
    assert found == [str(number).encode() for number in range(count)]


@holds("robustness_34")
def test_pipelined_requests_run_one_at_a_time(server):
    first, second = fresh_id(), fresh_id()
    with server.connect() as connection:
        connection.send(request(f"GET /hold?id={first} HTTP/1.1", HOST))
        connection.send(request(f"GET /hold?id={second} HTTP/1.1", HOST))
        await_note(server, first, "called")
        tell(server, second)
        assert seen(server, second) == ["go"], "the second began before the first had ended"
        tell(server, first)
        assert connection.read_response().body == b"held"
        assert connection.read_response().body == b"held"
    assert seen(server, second) == ["go", "called"]


@holds("robustness_34")
def test_slow_first_answer_comes_before_a_quick_second(server):
    key = fresh_id()
    with server.connect() as connection:
        connection.send(request(f"GET /hold-between?id={key} HTTP/1.1", HOST))
        connection.send(request("GET /hello HTTP/1.1", HOST))
        await_note(server, key, "first sent")
        tell(server, key)
        assert connection.read_response().body == b"firstsecond"
        assert connection.read_response().body == b"hello"


@pytest.mark.slow
@holds("robustness_34")
def test_pipelined_bytes_are_bounded_while_an_answer_is_awaited(server):
    key = fresh_id()
    before = resident_bytes(server.pid)
    one = request("GET /hello HTTP/1.1", HOST, "X: " + "a" * 1000)
    with server.connect() as connection:
        connection.send(request(f"GET /hold?id={key} HTTP/1.1", HOST))
        await_note(server, key, "called")
        sent = connection.send_until_blocked(one * 64, 64 * MIB, 0.3)
        assert sent < 64 * MIB
        if not SANITIZED:
            assert resident_bytes(server.pid) - before < 8 * MIB
        tell(server, key)
        connection.reset()


@pytest.mark.parametrize("bad", [b"\0\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"GET /\n\n"])
@holds("robustness_34")
def test_bad_request_behind_a_good_one_waits_for_its_turn(server, bad):
    """http-garden 45: the answer under way is finished first, then the 400."""
    key = fresh_id()
    with server.connect() as connection:
        connection.send(request(f"GET /hold?id={key} HTTP/1.1", HOST), bad)
        await_note(server, key, "called")
        tell(server, key)
        assert connection.read_response().body == b"held"
        assert connection.read_response().status == 400
        connection.expect_close()


@holds("robustness_34", "robustness_35")
def test_nothing_is_served_behind_a_request_that_closes(server):
    key = fresh_id()
    with server.connect() as connection:
        # In one piece: what is sent after the answer may be met with a reset.
        last = request("GET /hello HTTP/1.1", HOST, "Connection: close")
        connection.send(last + request(f"GET /hold?id={key} HTTP/1.1", HOST))
        assert connection.read_response().says_close
        connection.expect_close()
    assert seen(server, key) == []


# Receive() that is cancelled.


@holds("lesson_04")
def test_cancelled_receive_leaves_the_body_to_the_next_one(server):
    key = fresh_id()
    with server.connect() as connection:
        data = post(f"/cancel-receive?id={key}", b"precious")
        head = data.index(b"\r\n\r\n") + 4
        connection.send(data[:head])
        await_note(server, key, "ready")
        connection.send(data[head:])
        assert connection.read_response().body == b"precious"
    assert "cancelled" in seen(server, key)


@holds("lesson_04")
def test_piece_that_arrives_as_its_receive_is_cancelled_is_not_lost(server, tmp_path):
    """The loop stands still while the piece and the cancellation arrive, then sees both at once."""
    key, fifo = fresh_id(), tmp_path / "fifo"
    os.mkfifo(fifo)
    with server.connect() as reader, server.connect() as blocker, server.connect() as canceller:
        data = post(f"/cancelled-reader?id={key}", b"precious")
        head = data.index(b"\r\n\r\n") + 4
        reader.send(data[:head])
        await_note(server, key, "ready")
        still_serves(canceller)
        blocker.get(f"/block?fifo={fifo}")
        with open(fifo, "wb"):  # open() returns when the server stands in its read()
            reader.send(data[head:])
            canceller.get(f"/cancel-reader?id={key}")
        assert reader.read_response().body == b"precious"
        assert canceller.read_response().body == b"cancelled"
        assert blocker.read_response().body == b"went on"


@holds("asgi_08", "lesson_04")
def test_two_receivers_get_the_body_once_and_the_end_once(server):
    key = fresh_id()
    with server.connect() as connection:
        connection.send(post(f"/two-receivers?id={key}", b"once"))
        assert connection.read_response().body == b"once"
        await_note(server, key, "http.disconnect")
        still_serves(connection)
