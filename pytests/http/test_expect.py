"""Expect: 100-continue (RFC 9110 §10.1.1), robustness 42: 100 goes out at the first receive()."""

import pytest
from support.checks import await_note, check_refused, chunks, fresh_id, request, still_serves, tell
from support.holds import holds

HOST = "Host: test"
EXPECT = "Expect: 100-continue"


def head(target: str, *fields: str, version: str = "1.1") -> bytes:
    return request(f"POST {target} HTTP/{version}", HOST, *fields)


@pytest.mark.parametrize("spelling", ["100-continue", "100-Continue", "100-CONTINUE"])
@holds("robustness_42")
def test_continue_comes_before_the_body_is_read(server, spelling):
    with server.connect() as connection:
        connection.send(head("/echo", "Content-Length: 5", f"Expect: {spelling}"))
        interim = connection.read_head()
        assert interim.head.startswith(b"HTTP/1.1 100 Continue\r\n")
        assert not interim.values("content-length")
        assert not interim.values("transfer-encoding")
        connection.send(b"hello")
        assert connection.read_response().body == b"hello"
        still_serves(connection)


@holds("robustness_42")
def test_continue_works_for_a_chunked_body(server):
    with server.connect() as connection:
        connection.send(head("/echo", "Transfer-Encoding: chunked", EXPECT))
        assert connection.read_head().status == 100
        connection.send(chunks(b"hello"))
        assert connection.read_response().body == b"hello"
        still_serves(connection)


@holds("robustness_42")
def test_continue_waits_for_the_first_receive(server):
    key = fresh_id()
    with server.connect() as connection:
        connection.send(head(f"/never-read?id={key}", "Content-Length: 5", EXPECT))
        await_note(server, key, "called")
        assert not connection.wait_readable(0)
        tell(server, key)
        assert connection.read_head().status == 100
        connection.send(b"hello")
        assert connection.read_response().status == 200


@holds("robustness_42")
def test_final_answer_without_a_receive_comes_without_100(server):
    """No deadlock with a client that waits for its 100, and no bytes of its body as a request."""
    with server.connect() as connection:
        connection.send(head("/ignore-body", "Content-Length: 5", EXPECT))
        response = connection.read_response()
        assert (response.status, response.body, response.interim) == (200, b"early", [])
        if response.says_close:
            connection.expect_close()
        else:
            connection.send(b"hello")
            still_serves(connection)


@holds("robustness_42")
def test_final_answer_without_100_and_without_a_body_ends_the_connection(server):
    """The client may keep its body to itself: what follows cannot be told from it."""
    with server.connect() as connection:
        connection.send(head("/ignore-body", "Content-Length: 5", EXPECT))
        assert connection.read_response().body == b"early"
        connection.expect_close()


@holds("robustness_42")
def test_body_that_is_here_already_needs_no_100(server):
    """RFC 9110 §10.1.1: it may be left out when bytes of the body have come."""
    with server.connect() as connection:
        connection.send(head("/echo", "Content-Length: 5", EXPECT), b"hello")
        response = connection.read_response()
        assert response.body == b"hello"
        assert [interim.status for interim in response.interim] in ([], [100])
        still_serves(connection)


@holds("robustness_42", "robustness_05")
def test_http_1_0_gets_no_100(server):
    with server.connect() as connection:
        connection.send(head("/echo", "Content-Length: 5", EXPECT, version="1.0"), b"hello")
        response = connection.read_response()
        assert (response.body, response.interim) == (b"hello", [])


@holds("robustness_42")
def test_request_without_a_body_gets_no_100(server):
    with server.connect() as connection:
        connection.send(request("GET /messages HTTP/1.1", HOST, EXPECT))
        response = connection.read_response()
        assert (response.status, response.interim) == (200, [])
        still_serves(connection)


@pytest.mark.parametrize("value", ["200-ok", "100-continue, x", "x=y", "100-continue=1"])
@holds("robustness_42")
def test_unknown_expectation_gets_417(server, value):
    check_refused(server, head("/echo", "Content-Length: 5", f"Expect: {value}"), 417)


@holds("robustness_42", "robustness_32")
def test_upload_over_the_limit_is_refused_instead_of_continued(shared):
    server = shared("raw:app", "--limit-body", "1000")
    check_refused(server, head("/echo", "Content-Length: 1001", EXPECT), 413)


@holds("robustness_42")
def test_continue_is_sent_once(server):
    with server.connect() as connection:
        connection.send(head("/echo-pieces", "Content-Length: 10", EXPECT))
        assert connection.read_head().status == 100
        connection.send(b"01234")
        assert connection.read_head().status == 200
        assert connection.read_chunk() == b"01234"
        connection.send(b"56789")
        assert connection.read_chunk() == b"56789"
        assert connection.read_until(b"\r\n\r\n") == b"0\r\n\r\n"
        still_serves(connection)
