"""What goes out: framing, HEAD, bodyless statuses, default fields. robustness 43 to 45."""

import re
import time
from email.utils import parsedate_to_datetime

import pytest
from support.checks import await_note, fresh_id, raised_in, request, said, seen, show, still_serves
from support.holds import holds, row

HOST = "Host: test"


def exchange(connection, line: str, *fields: str):
    connection.send(request(f"{line} HTTP/1.1", HOST, *fields))
    return connection.read_response(line.split()[0])


# Framing.


@holds("asgi_40", "robustness_54")
def test_single_body_without_a_length_gets_one_or_is_chunked(server):
    with server.connect() as connection:
        response = exchange(connection, "GET /without-length")
        assert response.body == b"no length"
        assert response.chunked or response.value("content-length") == b"9"
        still_serves(connection)


@holds("asgi_40", "asgi_37", "robustness_56")
def test_stream_without_a_length_is_chunked(server):
    with server.connect() as connection:
        response = exchange(connection, "GET /stream?count=100&size=1000")
        assert response.chunked
        assert len(response.body) == 100_000
        assert response.body[:16] == b"0000000\n0000008\n"
        still_serves(connection)


@holds("asgi_40")
def test_stream_with_a_length_is_not_chunked(server):
    with server.connect() as connection:
        response = exchange(connection, "GET /stream?count=100&size=1000&length=1")
        assert response.value("content-length") == b"100000"
        assert not response.chunked
        still_serves(connection)


@holds("robustness_56", "asgi_15")
def test_pieces_of_bytes_bytearray_and_memoryview_are_sent(server):
    """An empty piece in the middle must not end a chunked body."""
    with server.connect() as connection:
        response = exchange(connection, "GET /pieces")
        assert response.body == b"one,two,three"
        still_serves(connection)


@pytest.mark.parametrize(
    "fields, length", [("te", None), ("te-gzip", None), ("both", 5), ("twice", 5)]
)
@pytest.mark.parametrize("pieces", ["", "&pieces=1"])
@holds("robustness_54", "asgi_40")
def test_framing_fields_of_the_app_are_replaced_by_ours(server, fields, length, pieces):
    with server.connect() as connection:
        response = exchange(connection, f"GET /framing?fields={fields}{pieces}")
        assert response.body == b"hello"
        assert b"gzip" not in response.head
        if length:
            assert response.value("content-length") == b"5"
        still_serves(connection)


@pytest.mark.parametrize(
    "target, body", [("/without-length", b"no length"), ("/pieces", b"one,two,three")]
)
@holds("robustness_43", "robustness_35")
def test_http_1_0_gets_no_chunks(server, target, body):
    """RFC 9112 §6.1: without a length the body ends with the connection."""
    with server.connect() as connection:
        connection.send(request(f"GET {target} HTTP/1.0", HOST))
        response = connection.read_response()
        assert not response.chunked
        assert response.body == body
        connection.expect_close()


@holds("robustness_35")
def test_http_1_0_keep_alive_with_an_unknown_length_closes_all_the_same(server):
    with server.connect() as connection:
        connection.send(request("GET /pieces HTTP/1.0", HOST, "Connection: keep-alive"))
        response = connection.read_response()
        assert response.says_close
        assert response.body == b"one,two,three"


@pytest.mark.parametrize("size", [0, 1, 1000, 65535, 65536, 65537, 1_000_000, 20_000_000])
@holds("lesson_35", "asgi_43")
def test_body_of_any_size_arrives_whole(server, size):
    with server.connect(timeout=20) as connection:
        response = exchange(connection, f"GET /sized?size={size}")
        assert response.value("content-length") == str(size).encode()
        assert len(response.body) == size
        expected = b"".join(b"%07d\n" % number for number in range(0, 8192, 8))
        whole, rest = divmod(size, len(expected))
        assert response.body == expected * whole + expected[:rest]
        still_serves(connection)


@holds("lesson_10", "asgi_39")
def test_head_and_small_body_leave_in_one_write(server):
    with server.connect() as connection:
        connection.get("/hello")
        assert connection.read_now().endswith(b"\r\n\r\nhello")
        connection.get("/stream?count=1&size=8&length=1")
        assert connection.read_now().endswith(b"\r\n\r\n0000000\n")


@holds("asgi_43", "asgi_08")
def test_piece_reaches_the_client_while_the_app_goes_on(server):
    key = fresh_id()
    with server.connect() as connection:
        connection.get(f"/hold-between?id={key}")
        assert connection.read_head().chunked
        assert connection.read_chunk() == b"first"
        server.get(f"/tell?id={key}&what=go")
        assert connection.read_chunk() == b"second"
        assert connection.read_until(b"\r\n\r\n") == b"0\r\n\r\n"
        still_serves(connection)


@holds("asgi_39")
def test_start_may_wait_for_the_first_body(server):
    key = fresh_id()
    with server.connect() as connection:
        connection.get(f"/hold-after-start?id={key}")
        await_note(server, key, "started")
        server.get(f"/tell?id={key}&what=go")
        response = connection.read_response()
        assert (response.status, response.body) == (202, b"at last")
        still_serves(connection)


# HEAD and statuses without a body.


@pytest.mark.parametrize(
    "target, length",
    [
        row("robustness_43", "one body", "/sized?size=1000", b"1000"),
        row("robustness_43", "large", "/sized?size=5000000", b"5000000"),
        row("robustness_43", "stream with a length", "/stream?count=10&size=10&length=1", b"100"),
        row("robustness_43", "stream", "/stream?count=10&size=10", None),
        row("robustness_43", "pieces", "/pieces", None),
    ],
)
def test_head_has_the_fields_of_get_and_no_body(server, target, length):
    mark = server.mark()
    with server.connect() as connection:
        response = exchange(connection, f"HEAD {target}")
        assert response.status == 200
        assert response.value("content-length") == length
        still_serves(connection)
    assert not [line for line in said(server, mark) if line.startswith("ERROR")]


@holds("lesson_19", "robustness_43")
def test_head_of_an_endless_stream_ends_with_its_head(server):
    key = fresh_id()
    with server.connect() as connection:
        response = exchange(connection, f"HEAD /endless?id={key}&yield=1")
        assert response.status == 200
        still_serves(connection)
    await_note(server, key, "ended")


@pytest.mark.parametrize(
    "target, length",
    [
        row("robustness_43", "204", "/status?status=204", None),
        row("robustness_43", "204 with a length", "/status?status=204&length=5", None),
        row("lesson_19", "204 with length 0", "/status?status=204&length=0", None),
        row("robustness_43", "304", "/status?status=304", None),
        row("lesson_19", "304 with a length", "/status?status=304&length=1234", b"1234"),
        row("lesson_05", "204, late end", "/status?status=204&late=1", None),
        row("lesson_05", "304, late end", "/status?status=304&late=1", None),
        row("robustness_43", "205", "/status?status=205", b"0"),
    ],
)
def test_status_without_a_body_has_none(server, target, length):
    mark = server.mark()
    with server.connect() as connection:
        response = exchange(connection, f"GET {target}")
        assert response.body == b""
        assert response.value("content-length") == length
        assert response.value("transfer-encoding") is None
        assert response.value("x-extra") == b"1"
        still_serves(connection)
    assert not [line for line in said(server, mark) if line.startswith(("WARNING", "ERROR"))]


@pytest.mark.parametrize("status", [204, 304])
@pytest.mark.parametrize("late", ["", "&late=1"])
@holds("robustness_43")
def test_body_of_a_status_without_one_is_dropped_with_one_warning(server, status, late):
    mark = server.mark()
    with server.connect() as connection:
        response = exchange(connection, f"GET /status?status={status}&body=dropped{late}")
        assert response.status == status
        still_serves(connection)
    server.wait_for_line(r"^WARNING: ", since=mark)
    warnings = [line for line in server.stderr_lines(mark) if line.startswith("WARNING")]
    assert len(warnings) == 1, warnings


@pytest.mark.parametrize("late", ["", "&late=1"])
@holds("lesson_05")
def test_head_answered_with_an_empty_final_body_is_legal(server, late):
    mark = server.mark()
    with server.connect() as connection:
        response = exchange(connection, f"HEAD /status?status=200&length=7{late}")
        assert response.value("content-length") == b"7"
        still_serves(connection)
    assert not [line for line in said(server, mark) if line.startswith(("WARNING", "ERROR"))]


@pytest.mark.parametrize(
    "status, phrase",
    [
        (200, b"OK"),
        (201, b"Created"),
        (404, b"Not Found"),
        (418, None),
        (299, None),
        (599, None),
        (999, None),
    ],
)
@holds("robustness_56")
def test_any_final_status_is_sent(server, status, phrase):
    with server.connect() as connection:
        response = exchange(connection, f"GET /status?status={status}&body=x")
        assert (response.status, response.body) == (status, b"x")
        if phrase is not None:
            assert response.reason == phrase
        still_serves(connection)


# Default fields.

DATE = re.compile(rb"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT")


@holds("robustness_44", "robustness_82")
def test_date_and_server_come_once_and_first(server):
    response = server.get("/hello")
    assert [name for name, _ in response.fields[:2]] == [b"date", b"server"]
    assert DATE.fullmatch(response.value("date"))
    assert response.value("server") == server.door.program.encode()
    date = parsedate_to_datetime(response.value("date").decode()).timestamp()
    assert abs(date - time.time()) < 2


@holds("robustness_44")
def test_date_is_refreshed_each_second(server):
    first = server.get("/hello").value("date")
    server.get("/sleep?seconds=1.1")
    second = server.get("/hello").value("date")
    assert parsedate_to_datetime(second.decode()) > parsedate_to_datetime(first.decode())


@pytest.mark.parametrize(
    "name, value", [("server", "mine"), ("date", "Sun, 06 Nov 1994 08:49:37 GMT")]
)
@holds("robustness_44")
def test_date_and_server_of_the_app_win(server, name, value):
    response = server.get(f"/own-field?name={name}&value={value.replace(' ', '+')}")
    assert response.value(name) == value.encode()


@holds("robustness_44")
def test_refusals_carry_the_default_fields_too(server):
    response = server.request(b"\0\r\n\r\n")
    assert response.status == 400
    assert DATE.fullmatch(response.value("date"))


@holds("lesson_18", "asgi_41", "asgi_27")
def test_fields_of_the_app_go_out_verbatim_and_in_order(server):
    response = server.get("/field-bytes")
    sent = [(name, value) for name, value in response.fields if name not in (b"date", b"server")]
    assert sent == [
        (b"content-length", b"6"),
        (b"set-cookie", b"a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT; SameSite=Lax; Path=/"),
        (b"x-first", b"1"),
        (b"set-cookie", b"b=2; Secure; HttpOnly"),
        (b"x-obs", b"caf\xc3\xa9 \xff\x80"),
        (b"x-empty", b""),
        (b"x-tab", b"a\tb c"),
        (b"x-mixed-case", b"MiXeD"),
        (b"x-first", b"2"),
        (b"connection", b"close"),
    ]


@holds("lesson_18")
def test_no_content_type_is_invented(server):
    assert server.get("/sized?size=5").value("content-type") is None
    assert server.get("/without-length").value("content-type") is None


@pytest.mark.parametrize("form", ["missing", "tuple", "lists", "generator", "items", "iterators"])
@holds("asgi_41", "asgi_42", "robustness_56")
def test_headers_may_be_any_iterable_of_pairs(server, form):
    response = server.get(f"/head-forms?form={form}")
    assert (response.status, response.body) == (200, b"forms")
    expected = (None, None) if form == "missing" else (b"1", b"2")
    assert (response.value("x-a"), response.value("x-b")) == expected


# Trailers.


@holds("asgi_45")
def test_trailers_follow_the_last_chunk_for_a_client_that_takes_them(server):
    key = fresh_id()
    with server.connect() as connection:
        response = exchange(connection, f"GET /trailers?id={key}", "TE: trailers", "Connection: TE")
        assert response.chunked
        assert response.body == b"body"
        assert response.trailers == [(b"x-checksum", b"abc"), (b"x-more", b"def")]
        still_serves(connection)
    assert "http.disconnect" in await_note(server, key, "http.disconnect")
    assert not raised_in(seen(server, key))


@pytest.mark.parametrize(
    "version, te", [("1.1", ()), ("1.0", ("TE: trailers",)), ("1.1", ("TE: gzip",))]
)
@holds("asgi_45")
def test_trailers_are_dropped_for_a_client_that_does_not_take_them(server, version, te):
    key, mark = fresh_id(), server.mark()
    with server.connect() as connection:
        connection.send(request(f"GET /trailers?id={key} HTTP/{version}", HOST, *te))
        response = connection.read_response()
        assert (response.body, response.trailers) == (b"body", [])
    assert not raised_in(await_note(server, key, "http.disconnect"))
    assert not [line for line in said(server, mark) if line.startswith("ERROR")]


@holds("asgi_45")
def test_trailers_behind_a_declared_length_are_dropped(server):
    """A body with a content-length has no place for them (RFC 9112 §7.1.2)."""
    key = fresh_id()
    with server.connect() as connection:
        response = exchange(
            connection, f"GET /trailers?id={key}&length=4", "TE: trailers", "Connection: TE"
        )
        assert response.body == b"body"
        still_serves(connection)


# Methods of their own.


@holds("robustness_45")
def test_options_asterisk_reaches_the_app_or_is_answered(server):
    with server.connect() as connection:
        response = exchange(connection, "OPTIONS *")
        assert response.status in (200, 204)
        if response.status == 200 and response.body:
            assert show(response)["path"] == "*"
        still_serves(connection)


@holds("robustness_45")
def test_trace_is_answered_by_the_app_never_echoed(server):
    with server.connect() as connection:
        response = exchange(connection, "TRACE /trace", "X-Secret: 42")
        assert response.body == b"the application: TRACE"
        assert b"42" not in response.body
        still_serves(connection)


@pytest.mark.parametrize("when", ["before", "after"])
@holds("asgi_14", "asgi_42")
def test_early_hints_are_taken_when_they_are_offered(server, when):
    """(c): HTTP/1.1 need not offer them; what is in `extensions` must work."""
    key = fresh_id()
    with server.connect() as connection:
        response = exchange(connection, f"GET /informational?id={key}&when={when}")
        assert response.body == b"hinted"
        offered = "offered" in seen(server, key)
        if offered and when == "before":
            assert [interim.status for interim in response.interim] == [103]
        still_serves(connection)
