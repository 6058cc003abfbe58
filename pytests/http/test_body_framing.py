"""Where a request body ends: RFC 9112 §6 and §7, robustness 19 to 30."""

import pytest
from support.checks import (
    await_note,
    check_accepted,
    check_refused,
    chunked,
    chunks,
    fresh_id,
    post,
    raised_in,
    request,
    said,
    seen,
    show,
    still_serves,
)
from support.holds import holds, row
from support.patience import seconds

HOST = "Host: test"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: test\r\n\r\n"


def with_fields(*fields: str | bytes, body: bytes = b"") -> bytes:
    return request("POST /echo HTTP/1.1", HOST, *fields, body=body)


def coded(value: str | bytes, *more: str) -> bytes:
    """Transfer-Encoding as given, with a body that would do if it were right."""
    if isinstance(value, str):
        value = value.encode("latin-1")
    return with_fields(b"Transfer-Encoding: " + value, *more, body=chunks(b"hello"))


BAD_FRAMING = [
    row("robustness_19", "length and coding", coded("chunked", "Content-Length: 5")),
    row(
        "robustness_19",
        "coding and length",
        with_fields("Content-Length: 5", "Transfer-Encoding: chunked"),
    ),
    row("robustness_19", "length 0 and coding", coded("chunked", "Content-Length: 0")),
    row("robustness_20", "two lengths", with_fields("Content-Length: 5", "Content-Length: 6")),
    row("robustness_20", "two equal", with_fields("Content-Length: 5", "content-length: 5")),
    row("robustness_20", "a list", with_fields("Content-Length: 5, 6")),
    row("robustness_20", "an equal list", with_fields("Content-Length: 5,5")),
    *(
        row("robustness_21", f"{value!r}", with_fields(b"Content-Length: " + value))
        for value in (
            *(b"+5", b"-1", b"-0", b"0x5", b"1_0", b"5 5", b"", b"1e3", b"5.0", b"5;", b"five"),
            *(b"\xb2", "٥".encode(), b"9223372036854775808", b"18446744073709551621", b"9" * 100),
        )
    ),
    row(
        "robustness_22",
        "coding on 1.0",
        request("POST /echo HTTP/1.0", HOST, "Transfer-Encoding: chunked", body=chunks(b"a")),
    ),
    *(
        row("robustness_22", f"{value!r}", coded(value))
        for value in (
            *(b",chunked", b"chunked,", b"chunked;q=1", b"chunked chunked", b""),
            *(b"\x0bchunked", b"chunked\x0c", b"chunked\0", b"chunked, chunked", b'"chunked"'),
            *(b"chunked, gzip", b"chunked, identity", b"chunked\xa0"),
        )
    ),
    row(
        "robustness_22",
        "two lines",
        with_fields("Transfer-Encoding: chunked", "Transfer-Encoding: chunked", body=chunks(b"a")),
    ),
    row(
        "robustness_22", "two lines, one identity", coded("identity", "Transfer-Encoding: chunked")
    ),
]


@pytest.mark.parametrize("data", BAD_FRAMING)
def test_framing_that_is_wrong_gets_400(server, data):
    check_refused(server, data)


@pytest.mark.parametrize("value", ["gzip", "identity", "gzip, chunked"])
@holds("robustness_22")
def test_unknown_transfer_coding_gets_501(server, value):
    check_refused(server, coded(value), 501)


@pytest.mark.parametrize("value", ["xchunked", "chunked-not", "chunke"])
@holds("robustness_22")
def test_coding_that_resembles_chunked_is_refused(server, value):
    with server.connect() as connection:
        connection.send(coded(value), SMUGGLED)
        assert connection.read_response().status in (400, 501)
        connection.expect_close()


@pytest.mark.parametrize("value", ["chunked", "Chunked", "CHUNKED", "chunked \t"])
@holds("robustness_22")
def test_chunked_is_known_in_any_case(server, value):
    assert check_accepted(server, coded(value)).body == b"hello"


@pytest.mark.parametrize("length", ["5", "05", "0000000000000000000005"])
@holds("robustness_21")
def test_length_is_decimal_with_leading_zeros_or_refused(server, length):
    with server.connect() as connection:
        connection.send(with_fields(f"Content-Length: {length}", body=b"hello"))
        response = connection.read_response()
    assert (response.status, response.body) == (200, b"hello") or response.status == 400


@holds("robustness_21")
def test_octal_looking_length_is_decimal(server):
    with server.connect() as connection:
        connection.send(with_fields("Content-Length: 010", body=b"0123456789"))
        response = connection.read_response()
        if response.status == 200:
            assert response.body == b"0123456789"
            still_serves(connection)
        else:
            assert response.status == 400


# What stands between the head and the end of a chunked body.
BAD_CHUNKS = [
    *(
        row("robustness_23", f"size {size!r}", size + b"\r\nhello\r\n0\r\n\r\n")
        for size in (
            *(b"0x5", b"+5", b"-5", b"5_0", b" 5", b"5 ", b"", b"g", b"5\t", b"\xb2", b"5\0"),
            *(b"8000000000000000", b"f" * 16, b"f" * 17, b"1" + b"0" * 16, b"5,5", b"0" * 4000),
        )
    ),
    row("robustness_01", "bare LF behind the size", b"5\nhello\r\n0\r\n\r\n"),
    row("robustness_01", "bare LF behind the data", b"5\r\nhello\n0\r\n\r\n"),
    row("robustness_01", "bare LF behind the last size", b"5\r\nhello\r\n0\n\r\n"),
    row("robustness_01", "bare LF ends the body", b"5\r\nhello\r\n0\r\n\n"),
    row("robustness_01", "bare CR behind the size", b"5\rhello\r\n0\r\n\r\n"),
    row("robustness_24", "other bytes behind the data", b"5\r\nhelloXX0\r\n\r\n"),
    row("robustness_24", "LF CR", b"5\r\nhello\n\r0\r\n\r\n"),
    row("robustness_24", "CR CR", b"5\r\nhello\r\r0\r\n\r\n"),
    row("robustness_24", "more data than said", b"5\r\nhello!\r\n0\r\n\r\n"),
    row("robustness_24", "less data than said", b"6\r\nhello\r\n0\r\n\r\n"),
    *(
        row("robustness_25", f"{extension!r}", b"5" + extension + b"\r\nhello\r\n0\r\n\r\n")
        for extension in (
            *(b";", b";;", b";a;", b";=b", b";a=", b";a=b=c", b";a b", b";a=\x01", b";a\x7f"),
            *(b";a=\rb", b";a=\nb", b';a="b', b';a="\x01"', b";a=b,c", b";\xff"),
        )
    ),
    row("robustness_28", "a trailer without a colon", b"0\r\nx\r\n\r\n"),
    row("robustness_28", "a trailer with a space", b"0\r\nx : 1\r\n\r\n"),
    row("robustness_28", "a folded trailer", b"0\r\nx: 1\r\n 2\r\n\r\n"),
    row("robustness_28", "a control in a trailer", b"0\r\nx: \x01\r\n\r\n"),
    row("robustness_28", "a bare LF in trailers", b"0\r\nx: 1\n\r\n"),
]


@pytest.mark.parametrize("wire", BAD_CHUNKS)
def test_chunk_that_is_wrong_together_with_its_head_gets_400(server, wire):
    """The application may be spared, or gets http.disconnect; it never sees a whole body."""
    key = fresh_id()
    with server.connect() as connection:
        connection.send(chunked(f"/messages-noted?id={key}", wire), SMUGGLED)
        response = connection.read_response()
        connection.expect_close()
    assert (response.status, response.says_close) == (400, True)
    notes = seen(server, key)
    assert "whole" not in notes
    assert not notes or "http.disconnect" in notes


@pytest.mark.parametrize("wire", BAD_CHUNKS)
def test_chunk_that_is_wrong_while_the_app_reads_ends_the_connection(server, wire):
    """robustness_29: the application gets http.disconnect, the client 400."""
    key = fresh_id()
    mark = server.mark()
    with server.connect() as connection:
        connection.send(chunked(f"/messages-noted?id={key}", b""))
        await_note(server, key, "called")
        connection.send(wire, SMUGGLED)
        response = connection.read_response()
        connection.expect_close()
    assert (response.status, response.says_close) == (400, True)
    notes = await_note(server, key, "http.disconnect")
    assert "whole" not in notes
    assert not [line for line in said(server, mark) if line.startswith("ERROR")]


@holds("robustness_29")
def test_chunk_that_is_wrong_after_the_start_cuts_the_response(server):
    """No clean end: the client must see that the response is not whole."""
    key = fresh_id()
    with server.connect() as connection:
        connection.send(chunked(f"/echo-pieces?id={key}", b"5\r\nhello\r\n"))
        assert connection.read_head().status == 200
        assert connection.read_chunk() == b"hello"
        connection.send(b"XYZ\r\nhello\r\n0\r\n\r\n")
        rest, _ = connection.read_to_any_end()
    assert b"0\r\n\r\n" not in rest
    assert b"HTTP/1.1" not in rest
    assert "http.disconnect" in await_note(server, key, "http.disconnect")


GOOD_CHUNKS = [
    row("robustness_23", "one chunk", b"5\r\nhello\r\n0\r\n\r\n", b"hello"),
    row("robustness_23", "two chunks", b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", b"hello"),
    row("robustness_23", "upper case", b"A\r\n0123456789\r\n0\r\n\r\n", b"0123456789"),
    row("robustness_23", "lower case", b"a\r\n0123456789\r\n0\r\n\r\n", b"0123456789"),
    row("robustness_23", "leading zeros", b"0005\r\nhello\r\n000\r\n\r\n", b"hello"),
    row("robustness_23", "empty", b"0\r\n\r\n", b""),
    row("robustness_23", "CRLF as data", b"4\r\n\r\n\r\n\r\n0\r\n\r\n", b"\r\n\r\n"),
    row("robustness_25", "an extension", b"5;a\r\nhello\r\n0;b\r\n\r\n", b"hello"),
    row("robustness_25", "a value", b"5;a=b\r\nhello\r\n0\r\n\r\n", b"hello"),
    row("robustness_25", "a quoted value", b'5;a="b;\\" c"\r\nhello\r\n0\r\n\r\n', b"hello"),
    row("robustness_25", "two extensions", b"5;a=b;c\r\nhello\r\n0\r\n\r\n", b"hello"),
    row("robustness_28", "a trailer", b"5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n", b"hello"),
    row("robustness_28", "two trailers", b"5\r\nhello\r\n0\r\nX: 1\r\nY: 2\r\n\r\n", b"hello"),
]


@pytest.mark.parametrize("wire, body", GOOD_CHUNKS)
@pytest.mark.parametrize("cut", ["whole", "byte by byte"])
def test_chunked_body_reaches_the_app_decoded(server, wire, body, cut):
    data = chunked("/echo", wire)
    with server.connect() as connection:
        if cut == "whole":
            connection.send(data)
        else:
            connection.send_byte_by_byte(data)
        response = connection.read_response()
        assert (response.status, response.body) == (200, body)
        still_serves(connection)


def begin_noted(connection, server, key: str, wire: bytes = b"") -> None:
    """A request whose end shall be noted: one that is over before the application is called would
    never reach it."""
    connection.send(chunked(f"/messages-noted?id={key}", wire))
    await_note(server, key, "called")


@holds("robustness_25")
def test_extensions_are_bounded_per_request(server):
    """CVE-2024-22019: endless extensions are endless work for nothing."""
    key = fresh_id()
    with server.connect() as connection:
        begin_noted(connection, server, key)
        piece = b"1;" + b"a" * 900 + b"\r\nx\r\n"
        for _ in range(40):
            if connection.wait_readable(0):
                break
            connection.send(piece)
        assert connection.read_response().status == 400
    assert "whole" not in await_note(server, key, "http.disconnect")


@pytest.mark.slow
@pytest.mark.parametrize("cut", ["large writes", "small writes"])
@holds("robustness_26", "lesson_28")
def test_million_chunks_of_one_byte_cost_linear_time(server, cut):
    size = 1_000_000 if cut == "large writes" else 100_000
    used = show(server.get("/process"))["cpu"]
    with server.connect(timeout=30) as connection:
        connection.send(chunked("/measure", b""))
        piece = b"1\r\nx\r\n" * (10_000 if cut == "large writes" else 10)
        for _ in range(size // (len(piece) // 6)):
            connection.send(piece)
        connection.send(b"0\r\n\r\n")
        measured = show(connection.read_response())
    assert measured["length"] == size
    assert show(server.get("/process"))["cpu"] - used < seconds(6)
    if cut == "large writes":
        assert measured["pieces"] < size / 20, "chunks are not coalesced"


@holds("robustness_27")
def test_body_cut_before_its_last_crlf_is_not_whole(server):
    key = fresh_id()
    with server.connect() as connection:
        begin_noted(connection, server, key, b"5\r\nhello\r\n0\r\n")
        connection.half_close()
        connection.expect_close()
    assert "whole" not in await_note(server, key, "http.disconnect")


@pytest.mark.parametrize(
    "data",
    [
        row("robustness_27", "chunked", chunked("/messages-noted?id={}", b"5\r\nhel")),
        row("robustness_27", "length", post("/messages-noted?id={}", b"hello")[:-1]),
    ],
)
def test_body_cut_by_fin_ends_in_a_disconnect(server, data):
    key = fresh_id()
    with server.connect() as connection:
        connection.send(data.replace(b"{}", key.encode()))
        await_note(server, key, "called")
        connection.half_close()
        connection.expect_close()
    assert "whole" not in await_note(server, key, "http.disconnect")


@holds("robustness_28")
def test_trailers_are_never_headers(server):
    with server.connect() as connection:
        connection.send(chunked("/scope", b"0\r\nX-Trailer: 1\r\n\r\n"))
        names = [name["bytes"] for name, _ in show(connection.read_response())["headers"]]
        assert "x-trailer" not in names
        still_serves(connection)


@pytest.mark.parametrize(
    "name", ["Content-Length", "Transfer-Encoding", "Host", "Authorization", "Content-Type"]
)
@holds("robustness_28")
def test_trailer_with_a_forbidden_name_is_refused_or_dropped(server, name):
    with server.connect() as connection:
        connection.send(chunked("/echo", b"5\r\nhello\r\n0\r\n" + name.encode() + b": 7\r\n\r\n"))
        response = connection.read_response()
        if response.status == 200:
            assert response.body == b"hello"
            still_serves(connection)
        else:
            assert response.status == 400
            connection.expect_close()


@pytest.mark.parametrize("piece", [b"x: " + b"a" * 1000 + b"\r\n", b"a" * 1000])
@holds("robustness_28")
def test_trailers_are_bounded_like_headers(server, piece):
    """CVE-2026-22815."""
    key = fresh_id()
    with server.connect() as connection:
        begin_noted(connection, server, key, b"5\r\nhello\r\n0\r\n")
        for _ in range(1000):
            if connection.wait_readable(0):
                break
            connection.send(piece)
        assert connection.read_response().status in (400, 431)
    assert "whole" not in await_note(server, key, "http.disconnect")


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS", "PUT"])
@holds("robustness_30")
def test_request_without_body_fields_has_no_body(server, method):
    key = fresh_id()
    with server.connect() as connection:
        connection.send(request(f"{method} /messages?id={key} HTTP/1.1", HOST))
        message, kinds = show(connection.read_response())[0]
        assert message == {"type": "http.request", "body": {"bytes": ""}, "more_body": False}
        assert kinds == {"type": "str", "body": "bytes", "more_body": "bool"}
        still_serves(connection)
    assert seen(server, key) == ["http.request"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("framing", ["length", "chunked"])
@holds("robustness_30")
def test_body_is_consumed_as_framed_whatever_the_method(server, method, framing):
    """RFC 9112 §6: its presence is told by the fields, not by the method."""
    if framing == "length":
        fields, body = ("Content-Length: 5",), b"hello"
    else:
        fields, body = ("Transfer-Encoding: chunked",), chunks(b"hello")
    with server.connect() as connection:
        connection.send(request(f"{method} /echo HTTP/1.1", HOST, *fields, body=body))
        response = connection.read_response(method)
        assert response.status == 200
        assert response.body == (b"" if method == "HEAD" else b"hello")
        still_serves(connection)


@holds("robustness_30", "robustness_19")
def test_bytes_behind_a_body_are_the_next_request(server):
    with server.connect() as connection:
        connection.send(post("/echo", b"hello"), chunked("/echo", chunks(b"world")))
        connection.send(request("GET /hello HTTP/1.1", HOST))
        bodies = [connection.read_response().body for _ in range(3)]
    assert bodies == [b"hello", b"world", b"hello"]


@pytest.mark.parametrize("cut", ["head first", "byte by byte", "all at once"])
@holds("asgi_37", "robustness_30")
def test_length_body_cut_anywhere_is_the_same_body(server, cut):
    data = post("/messages", b"0123456789")
    head = data.index(b"\r\n\r\n") + 4
    with server.connect() as connection:
        if cut == "byte by byte":
            connection.send_byte_by_byte(data)
        elif cut == "head first":
            connection.send(data[:head])
            connection.send(data[head:])
        else:
            connection.send(data)
        messages = [message for message, _ in show(connection.read_response())]
    assert "".join(message["body"]["bytes"] for message in messages) == "0123456789"
    assert [message["more_body"] for message in messages] == [True] * (len(messages) - 1) + [False]
    assert not raised_in(messages)
