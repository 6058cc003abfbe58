"""Applications that break the rules of ASGI: robustness 48 to 57 and 59, lesson 7.

A broken application gets a log line and a 500, or a cut connection once bytes are out.
"""

import json

import pytest
from support.checks import (
    await_note,
    check_accepted,
    fresh_id,
    raised_in,
    request,
    said,
    seen,
    still_serves,
)
from support.holds import holds, row
from support.raw import Truncated

HOST = "Host: test"
PAGE = b"Internal Server Error"


def errors(server, mark: int) -> list[str]:
    return [line for line in said(server, mark) if line.startswith("ERROR")]


def check_not_whole(data: bytes) -> None:
    """Nothing, a 500, or a response whose end the client must miss."""
    if not data.startswith(b"HTTP/1.1 200 "):
        assert data == b"" or data.startswith(b"HTTP/1.1 500 "), data
        return
    head, _, body = data.partition(b"\r\n\r\n")
    declared = [line for line in head.split(b"\r\n") if line.startswith(b"content-length: ")]
    if declared:
        assert len(body) < int(declared[0].split()[1]), data
    else:
        assert b"transfer-encoding: chunked" in head
        assert not body.endswith(b"0\r\n\r\n"), data


def check_500(server, target: str):
    """500, close, and one ERROR record; its lines."""
    mark = server.mark()
    with server.connect() as connection:
        connection.get(target)
        response = connection.read_response()
        connection.expect_close()
    assert (response.status, response.body) == (500, PAGE)
    assert response.value("content-length") == b"21"
    assert response.value("connection") == b"close"
    assert response.value("content-type").startswith(b"text/plain")
    server.wait_for_line("^ERROR", since=mark)
    assert len(errors(server, mark)) == 1, errors(server, mark)
    return server.stderr_lines(mark)


def check_cut(server, target: str, sent: bytes = b"") -> list[str]:
    """The client sees that the response is not whole: no last chunk, a length not reached."""
    mark = server.mark()
    with server.connect() as connection:
        connection.get(target)
        with pytest.raises(Truncated):
            connection.read_response()
    server.wait_for_line("^ERROR", since=mark)
    assert len(errors(server, mark)) == 1, errors(server, mark)
    return server.stderr_lines(mark)


@holds("robustness_48", "asgi_11")
def test_raise_before_the_start_gets_500_and_one_traceback(server):
    lines = check_500(server, "/raise-before-start")
    text = "\n".join(lines)
    assert text.count("Exception in ASGI application") == 1
    assert text.count("Traceback (most recent call last)") == 1
    assert "ValueError: before the start" in text
    assert "raw_faults.py" in text


@holds("robustness_48")
def test_traceback_shows_the_frames_of_the_application(server):
    text = "\n".join(check_500(server, "/raise-before-start"))
    assert "in raise_before_start" in text
    assert 'raise ValueError("before the start")' in text


@holds("robustness_49")
def test_raise_after_the_start_with_nothing_sent_gets_500_or_a_cut(server):
    """The start is held back until the first body, so that a 500 is still possible."""
    mark = server.mark()
    with server.connect() as connection:
        connection.get("/raise-after-start")
        data, _ = connection.read_to_any_end()
    check_not_whole(data)
    server.wait_for_line("^ERROR", since=mark)
    assert "ValueError: after the start" in "\n".join(server.stderr_lines(mark))


@pytest.mark.parametrize("length", ["", "&length=100"])
@holds("robustness_49", "asgi_11")
def test_raise_in_the_body_cuts_the_response(server, length):
    text = "\n".join(check_cut(server, f"/raise-in-body?id={fresh_id()}{length}"))
    assert text.count("Traceback (most recent call last)") == 1
    assert "ValueError: in the body" in text


@holds("lesson_07")
def test_whole_page_before_a_raise_is_kept(server):
    mark = server.mark()
    with server.connect() as connection:
        connection.get("/raise-after-end")
        response = connection.read_response()
        assert (response.status, response.body) == (500, b"page")
    server.wait_for_line("ValueError: after the end", since=mark)
    assert len(errors(server, mark)) == 1


@holds("robustness_50")
def test_return_without_a_start_gets_500(server):
    text = "\n".join(check_500(server, "/return-without-start"))
    assert "ASGI callable returned without starting response." in text


@pytest.mark.parametrize("target", ["/return-after-start", "/return-in-body"])
@holds("robustness_51")
def test_return_without_the_end_cuts_the_response(server, target):
    mark = server.mark()
    with server.connect() as connection:
        connection.get(target)
        data, _ = connection.read_to_any_end()
    assert not data.endswith(b"0\r\n\r\n")
    if data.startswith(b"HTTP/1.1 200"):
        assert b"content-length" not in data
    server.wait_for_line(
        r"^ERROR: +ASGI callable returned without completing response\.", since=mark
    )


@holds("robustness_52")
def test_return_value_is_an_error_in_the_log_only(server):
    mark = server.mark()
    with server.connect() as connection:
        connection.get("/return-value")
        response = connection.read_response()
        assert (response.status, response.body) == (200, b"ok")
    server.wait_for_line(
        r"^ERROR: +ASGI callable should return None, but returned 'a value'\.", since=mark
    )


# Messages.

EXPECTED = r"Expected ASGI message 'http\.response\.{}', but got 'http\.response\.{}'"
WRONG_ORDER = [
    row(
        "robustness_53",
        "body first",
        "body-first",
        "RuntimeError: " + EXPECTED.format("start", "body"),
    ),
    row(
        "robustness_53",
        "unknown type",
        "unknown-type",
        r"(RuntimeError|ValueError): .*http\.nonsense",
    ),
    row(
        "robustness_53",
        "start twice",
        "start-twice",
        "RuntimeError: " + EXPECTED.format("body", "start"),
    ),
    row(
        "robustness_53",
        "unknown later",
        "unknown-later",
        r"(RuntimeError|ValueError): .*http\.nonsense",
    ),
    row(
        "asgi_09",
        "unannounced trailers",
        "trailers-unannounced",
        r"RuntimeError: .*http\.response\.trailers",
    ),
    row("asgi_09", "websocket", "websocket", r"(RuntimeError|ValueError): .*websocket\.accept"),
    row(
        "asgi_09",
        "lifespan",
        "lifespan",
        r"(RuntimeError|ValueError): .*lifespan\.startup\.complete",
    ),
    row("asgi_09", "no type", "no-type", r"(RuntimeError|ValueError|KeyError|TypeError): "),
    row("asgi_09", "not a dict", "not-a-dict", r"(TypeError|AttributeError): "),
    row("asgi_09", "None", "none", r"(TypeError|AttributeError): "),
    row("asgi_09", "type as bytes", "type-bytes", r"(TypeError|RuntimeError|ValueError): "),
    row(
        "asgi_09",
        "no status",
        "no-status",
        r"(KeyError|ValueError|TypeError|RuntimeError): .*status",
    ),
]


@pytest.mark.parametrize("of, text", WRONG_ORDER)
def test_message_out_of_order_raises_in_the_app(server, of, text):
    """The exception comes out of that very send(), and the client gets a 500."""
    key, mark = fresh_id(), server.mark()
    with server.connect() as connection:
        connection.get(f"/sequence?id={key}&of={of}")
        data, _ = connection.read_to_any_end()
    check_not_whole(data)
    assert raised_in(seen(server, key)), "send() raised nothing"
    server.wait_for_line(text, since=mark)
    assert len(errors(server, mark)) == 1


@pytest.mark.parametrize("of", ["after-completion", "start-after-completion"])
@holds("robustness_53", "asgi_44")
def test_message_after_the_end_raises_and_never_reaches_the_wire(server, of):
    key = fresh_id()
    with server.connect() as connection:
        connection.get(f"/sequence?id={key}&of={of}", "Connection: close")
        response = connection.read_response()
        assert (response.status, response.body) == (200, b"ok")
        connection.expect_close()
    (raised,) = raised_in(seen(server, key))
    assert "sent, after response already completed." in raised
    assert raised.startswith("raised RuntimeError: Unexpected ASGI message 'http.response.")


@holds("asgi_10")
def test_message_with_additional_keys_is_taken(server):
    key = fresh_id()
    response = server.get(f"/extra-keys?id={key}")
    assert (response.status, response.body) == (200, b"extra")
    assert not raised_in(seen(server, key))


def test_message_is_read_by_the_text_of_its_keys(server):
    key = fresh_id()
    response = server.get(f"/computed-keys?id={key}")
    assert (response.status, response.body) == (201, b"computed" * 2)
    assert response.value("x-own") == b"1"
    assert not raised_in(seen(server, key))


def test_type_that_a_dict_finds_by_equality_alone_is_found(server):
    response = server.get(f"/equal-type-key?id={fresh_id()}")
    assert (response.status, response.body) == (202, b"equal")


STATUSES = ["str", "none", "float", "huge", "99", "1000", "negative", "zero"]
HEADERS = [
    "int",
    "none",
    "str-names",
    "str-values",
    "int-values",
    "one-item",
    "three-items",
    "not-pairs",
]


@pytest.mark.parametrize(
    "of",
    [
        *(row("robustness_56", of, of) for of in (f"status-{name}" for name in STATUSES)),
        *(row("asgi_09", of, of) for of in (f"headers-{name}" for name in HEADERS)),
        row("robustness_56", "headers raise", "headers-raise"),
        *(row("asgi_15", of, of) for of in ("body-str", "body-int", "body-none", "body-list")),
    ],
)
def test_message_of_a_wrong_type_raises_in_the_app(server, of):
    key, mark = fresh_id(), server.mark()
    with server.connect() as connection:
        connection.get(f"/wrong-type?id={key}&of={of}")
        data, _ = connection.read_to_any_end()
    check_not_whole(data)
    (raised,) = raised_in(seen(server, key))
    if of.startswith("body"):
        assert raised.startswith("raised TypeError")
    if of == "headers-raise":
        assert raised == "raised LookupError: from the application's generator"
    server.wait_for_line("^ERROR", since=mark)


@holds("robustness_59", "asgi_09")
def test_type_with_code_of_its_own_harms_nobody(server):
    key = fresh_id()
    with server.connect() as connection:
        connection.get(f"/hostile-type?id={key}")
        connection.read_to_any_end()
    assert server.get("/hello").body == b"hello"


# Lengths.


@pytest.mark.parametrize("pieces", ["abc", "a,b,c", "abc,"])
@holds("robustness_54")
def test_body_shorter_than_declared_is_cut_and_logged(server, pieces):
    key, mark = fresh_id(), server.mark()
    with server.connect() as connection:
        connection.get(f"/length?id={key}&declared=5&pieces={pieces}")
        data, _ = connection.read_to_any_end()
    assert data.startswith(b"HTTP/1.1 500 ") or data.endswith((b"\r\n\r\nabc", b"\r\n\r\n")), data
    assert raised_in(seen(server, key)) == [
        "raised RuntimeError: Response content shorter than Content-Length"
    ]
    server.wait_for_line("^ERROR", since=mark)


@pytest.mark.parametrize("pieces", ["abcdefgh", "abcde,fgh", "abc,defgh", "abcde,,x"])
@holds("robustness_54")
def test_body_longer_than_declared_never_reaches_the_wire(server, pieces):
    key, mark = fresh_id(), server.mark()
    with server.connect() as connection:
        connection.get(f"/length?id={key}&declared=5&pieces={pieces}")
        data, _ = connection.read_to_any_end()
    assert b"fgh" not in data and not data.endswith(b"x")
    assert raised_in(seen(server, key)) == [
        "raised RuntimeError: Response content longer than Content-Length"
    ]
    server.wait_for_line("^ERROR", since=mark)


@holds("robustness_54")
def test_body_with_a_declared_length_of_zero(server):
    key = fresh_id()
    with server.connect() as connection:
        connection.get(f"/length?id={key}&declared=0&pieces=")
        assert connection.read_response().body == b""
        still_serves(connection)
    assert not raised_in(seen(server, key))


# Fields.

NAMES = ["crlf", "lf", "space", "colon", "empty", "nul", "high"]
VALUES = ["crlf", "lf", "cr", "nul", "body"]
LENGTHS = ["word", "negative", "plus", "list"]


@pytest.mark.parametrize(
    "of",
    [
        *(row("robustness_55", of, of) for of in (f"name-{name}" for name in NAMES)),
        *(row("robustness_55", of, of) for of in (f"value-{name}" for name in VALUES)),
        *(row("robustness_54", of, of) for of in (f"length-{name}" for name in LENGTHS)),
    ],
)
def test_field_that_would_split_the_response_never_reaches_the_wire(server, of):
    """CVE-2020-7695, CVE-2018-1000164; granian aborted its worker (CVE-2026-42545)."""
    key, mark = fresh_id(), server.mark()
    with server.connect() as connection:
        connection.get(f"/field?id={key}&of={of}")
        data, _ = connection.read_to_any_end()
    assert b"x-evil" not in data
    assert b"+5" not in data and b"5, 5" not in data
    assert data == b"" or data.startswith(b"HTTP/1.1 500 "), data
    (raised,) = raised_in(seen(server, key))
    if of.startswith("name"):
        assert raised == "raised RuntimeError: Invalid HTTP header name."
    elif of.startswith("value"):
        assert raised == "raised RuntimeError: Invalid HTTP header value."
    server.wait_for_line("^ERROR", since=mark)
    check_accepted(server, request("GET /hello HTTP/1.1", HOST))


@holds("robustness_55", "asgi_45")
def test_trailer_that_would_split_the_response_never_reaches_the_wire(server):
    key = fresh_id()
    with server.connect() as connection:
        connection.get(f"/trailer-field?id={key}", "TE: trailers", "Connection: TE")
        data, _ = connection.read_to_any_end()
    assert b"x-evil" not in data
    assert not data.endswith(b"0\r\n\r\n")
    assert raised_in(seen(server, key))


# Leaving by other ways.


@pytest.mark.parametrize("later", ["", "&later=1"])
@pytest.mark.parametrize(
    "how",
    [
        row("robustness_57", "BaseException", "base-exception"),
        row("robustness_57", "StopIteration", "stop-iteration"),
        row("robustness_57", "StopAsyncIteration", "stop-async-iteration"),
        row("robustness_57", "GeneratorExit", "generator-exit"),
        row("robustness_57", "CancelledError", "cancelled"),
        row("robustness_79", "MemoryError", "memory-error"),
        row("robustness_57", "RecursionError", "recursion"),
    ],
)
def test_exception_of_any_kind_gets_500_and_the_server_goes_on(server, how, later):
    mark = server.mark()
    with server.connect() as connection:
        connection.get(f"/exit?how={how}{later}")
        response = connection.read_response()
        assert (response.status, response.body) == (500, PAGE)
        connection.expect_close()
    server.wait_for_line("^ERROR", since=mark)
    assert server.get("/hello").body == b"hello"


@holds("robustness_57")
def test_application_that_cancels_its_own_task_gets_500(server):
    with server.connect() as connection:
        connection.get("/cancel-task")
        assert connection.read_response().status == 500
    assert server.get("/hello").body == b"hello"


@holds("robustness_57")
def test_cancellation_in_receive_is_propagated(server):
    key = fresh_id()
    with server.connect() as connection:
        connection.get(f"/cancel-self?id={key}")
        assert connection.read_response().status == 500
    assert "cancelled" in seen(server, key)


@pytest.mark.parametrize("later", ["", "&later=1"])
@holds("robustness_57")
def test_sys_exit_inside_a_request_is_its_failure(server, later):
    """As uvicorn; asyncio alone would let it out of the loop."""
    with server.connect() as connection:
        connection.get(f"/exit?how=sys-exit{later}")
        assert connection.read_response().status == 500
    assert server.get("/hello").status == 200


@pytest.mark.parametrize("later", ["", "&later=1"])
@holds("robustness_57")
def test_interrupt_inside_a_request_ends_the_server_in_order(serve, later):
    """asyncio lets it out of the loop: a shutdown with its lines and status 1, no signal."""
    with serve("raw:app", expect_status=1) as server:
        with server.connect() as connection:
            connection.get(f"/exit?how=keyboard-interrupt{later}")
            data, _ = connection.read_to_any_end()
        assert data == b"" or data.startswith(b"HTTP/1.1 500 ")
        assert server.wait() == 1
        assert [line for line in server.stderr_lines() if "Finished server process" in line]


@holds("robustness_57")
def test_os_exit_inside_a_request_has_its_own_status(serve):
    with serve("raw:app", expect_status=7) as server:
        with server.connect() as connection:
            connection.get("/exit?how=os-exit")
            assert connection.read_to_any_end()[0] == b""
        assert server.wait() == 7


# Several tasks, and too late.


@holds("robustness_59", "lesson_12")
def test_send_from_many_tasks_at_once_keeps_every_piece_whole(server):
    with server.connect() as connection:
        connection.get("/concurrent-sends")
        body = connection.read_response().body
        assert len(body) == 2_000_000
        for at in range(0, len(body), 10000):
            assert len(set(body[at : at + 10000])) == 1, "pieces are mixed"
        still_serves(connection)


@holds("robustness_59", "lesson_01")
def test_late_send_and_receive_do_not_touch_the_next_request(server):
    """Kept send and receive, used while the same connection serves another request."""
    key = fresh_id()
    with server.connect() as connection:
        connection.get(f"/keep?id={key}")
        assert connection.read_response().body == b"kept"
        connection.get(f"/late?of={key}")
        response = connection.read_response()
        assert response.status == 200
        assert b"late" not in response.head.lower() and b"late bytes" not in response.body
        told = json.loads(response.body)
        still_serves(connection)
    assert told[0].startswith("raised ") and told[1].startswith("raised ")
    assert told[2] == "http.disconnect"


@holds("robustness_59", "lesson_01", "asgi_12")
def test_late_send_after_the_connection_is_gone_raises_an_os_error(server):
    key = fresh_id()
    with server.connect() as connection:
        connection.get(f"/keep?id={key}", "Connection: close")
        assert connection.read_response().body == b"kept"
        connection.expect_close()
    told = json.loads(server.get(f"/late?of={key}").body)
    assert told[0].startswith("raised ") and told[1].startswith("raised ")
    assert told[2] == "http.disconnect"


@holds("lesson_06")
def test_response_ends_at_its_final_body_not_when_the_app_returns(server):
    """The background goes on when the next request is served, and when the client has left."""
    key = fresh_id()
    with server.connect() as connection:
        connection.get(f"/background?id={key}")
        assert connection.read_response().body == b"answered"
        still_serves(connection)
        connection.reset()
    server.get("/hello")
    assert "background done" not in seen(server, key)
    server.get(f"/tell?id={key}&what=go")
    await_note(server, key, "background done")


@holds("lesson_02", "asgi_46")
def test_application_that_never_leaves_receive_does_not_stop_the_others(serve):
    """`while True: await receive()` after the disconnect: others are served, and TERM is heard."""
    key = fresh_id()
    with serve("raw:app", "--timeout-graceful-shutdown", "1") as server:
        with server.connect() as connection:
            connection.get(f"/receive-forever?id={key}")
            await_note(server, key, "called")
            connection.reset()
        await_note(server, key, "http.disconnect")
        for _ in range(20):
            assert server.get("/hello").body == b"hello"
        assert server.stop(timeout=8) == 0


@holds("lesson_03", "asgi_46")
def test_receive_after_the_end_speaks_http_for_ever(server):
    key = fresh_id()
    with server.connect() as connection:
        connection.get(f"/receive-after-response?id={key}")
        assert connection.read_response().body == b"done"
        assert await_note(server, key, "returned") == ["http.disconnect"] * 3 + ["returned"]
