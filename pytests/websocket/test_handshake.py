"""The opening handshake: accepted, refused, denied (RFC 6455 §4, ASGI www)."""

import json
from urllib.parse import quote

import pytest
from support.checks import await_note, calls, events_at_end, fresh_id, tell
from support.holds import holds, row
from support.websocket import KEY, accept_of, closing, handshake, open_websocket, text

GONE = {"type": "websocket.disconnect", "code": 1006, "reason": ""}


def ask(server, data: bytes):
    """The answer to a handshake on a connection of its own, which ends with it."""
    with server.connect() as connection:
        connection.send(data)
        response = connection.read_response()
        connection.expect_close()
    return response


@holds("asgi_51", "asgi_56")
def test_accept_answers_101_as_the_rfc_says(server):
    assert accept_of(KEY) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455 §1.3
    mark = server.mark()
    with open_websocket(server, "/ws/echo?a=b") as socket:
        assert socket.response.reason == b"Switching Protocols"
        assert socket.response.value("content-length") is None
        assert socket.response.value("server") and socket.response.value("date")
        socket.close()
    line = rf'127\.0\.0\.1:{socket.connection.local_port} - "WebSocket /ws/echo\?a=b" \[accepted\]$'
    server.wait_for_line(r"^INFO: +" + line, since=mark)
    server.wait_for_line(r"^INFO: +connection open$", since=mark)
    server.wait_for_line(r"^INFO: +connection closed$", since=mark)


@holds("asgi_54", "asgi_55", "asgi_13", "asgi_14", "asgi_35")
def test_scope_is_the_one_of_the_specification(server):
    """Whatever came before it: a request's scope may serve the next request, but no WebSocket."""
    with server.connect() as connection:
        for _ in range(3):
            connection.get("/scope")
            connection.read_response()
    fields = ("Sec-WebSocket-Protocol: chat, superchat", "Sec-WebSocket-Protocol: third", "X-A: b")
    with open_websocket(server, "/ws/scope?q=%201", *fields) as socket:
        scope = json.loads(socket.read())
    assert scope["type"] == "websocket"
    assert scope["asgi"] == {"version": "3.0", "spec_version": "2.5"}
    assert scope["http_version"] == "1.1"
    assert scope["scheme"] == "ws"
    assert scope["path"] == "/ws/scope"
    assert scope["raw_path"] == {"bytes": "/ws/scope"}
    assert scope["query_string"] == {"bytes": "q=%201"}
    assert scope["root_path"] == ""
    assert scope["subprotocols"] == ["chat", "superchat", "third"]
    assert scope["extensions"] == {"websocket.http.response": {}}
    assert scope["client"] == ["127.0.0.1", socket.connection.local_port]
    assert scope["server"] == ["127.0.0.1", server.port]
    assert [{"bytes": "x-a"}, {"bytes": "b"}] in scope["headers"]
    assert "method" not in scope


def test_scope_without_subprotocols_has_an_empty_list(server):
    with open_websocket(server, "/ws/scope") as socket:
        assert json.loads(socket.read())["subprotocols"] == []


@holds("asgi_59")
def test_accept_sends_subprotocol_and_headers_in_order(server):
    target = "/ws/accept?subprotocol=chat&header=X-Greeting:h\xe9".replace("\xe9", "%C3%A9")
    with open_websocket(server, target, "Sec-WebSocket-Protocol: other, chat") as socket:
        assert socket.response.value("sec-websocket-protocol") == b"chat"
        assert socket.response.values("x-greeting") == [b"h\xe9", b"h\xe9"]
        socket.close()


def test_accept_without_subprotocol_names_none(server):
    with open_websocket(server, "/ws/accept", "Sec-WebSocket-Protocol: chat") as socket:
        assert socket.response.value("sec-websocket-protocol") is None


@pytest.mark.parametrize(
    "asked",
    [
        row("asgi_60", "a subprotocol header", "header=Sec-WebSocket-Protocol:x"),
        row("asgi_60", "an extension header", "header=sec-websocket-extensions:x"),
        row("asgi_60", "a pseudo header", "header=:status:x"),
        row("robustness_55", "a header that is two", "header=X:a%0D%0AY:b"),
        row("robustness_55", "a subprotocol that is two lines", "subprotocol=a%0D%0AY:b"),
        row("robustness_61", "a subprotocol that is no token", "subprotocol=%C3%A9"),
    ],
)
def test_accept_with_what_may_not_be_sent_raises_and_gives_500(server, asked):
    key = fresh_id()
    response = ask(server, handshake(f"/ws/accept?id={key}&{asked}"))
    assert response.status == 500
    assert response.value("y") is None
    notes = await_note(server, key, "websocket.disconnect")
    assert notes[0].startswith("raised RuntimeError"), notes


def test_accept_keeps_the_head_its_own(server):
    """`connection` and `content-length` of an application would break the 101."""
    for field in (
        "Connection:close",
        "Content-Length:5",
        "Upgrade:other",
        "Transfer-Encoding:chunked",
    ):
        with open_websocket(server, f"/ws/accept?header={field}") as socket:
            assert socket.response.value("content-length") is None
            assert socket.response.values("upgrade") == [b"websocket"]
            socket.close()


@holds("asgi_56", "asgi_57")
def test_frames_sent_before_the_accept_are_kept_until_then(server):
    key = fresh_id()
    with server.connect() as connection:
        connection.send(handshake(f"/ws/late?id={key}"), text("early"))
        await_note(server, key, "connected")
        assert not connection.wait_readable(0.1)
        tell(server, key)
        notes = await_note(server, key, "websocket.receive")
        assert {"type": "websocket.receive", "text": "early"} in notes
        assert "received before accept: False" in notes
        assert connection.read_response().status == 101


@pytest.mark.parametrize(
    "data, status",
    [
        row("robustness_46", "an older version", handshake("/", "Sec-WebSocket-Version: 8"), 426),
        row("robustness_46", "two versions", handshake("/", "Sec-WebSocket-Version: 8, 13"), 426),
        row(
            "robustness_46", "no version", handshake("/", leave_out=("sec-websocket-version",)), 400
        ),
        row("robustness_46", "no key", handshake("/", leave_out=("sec-websocket-key",)), 400),
        row("robustness_46", "a short key", handshake("/", "Sec-WebSocket-Key: c2hvcnQ="), 400),
        row(
            "robustness_46",
            "a key that is not base64",
            handshake("/", f"Sec-WebSocket-Key: {'!' * 24}"),
            400,
        ),
        row(
            "robustness_46",
            "two keys",
            handshake("/", f"Sec-WebSocket-Key: {KEY}", f"Sec-WebSocket-Key: {KEY}"),
            400,
        ),
        row("robustness_46", "POST", handshake("/", method="POST"), 400),
        row("robustness_46", "a body", handshake("/", "Content-Length: 5") + b"hello", 400),
        row(
            "robustness_61",
            "a subprotocol with raw bytes",
            handshake("/", "Sec-WebSocket-Protocol: \x80\xff"),
            400,
        ),
    ],
)
def test_wrong_handshake_is_refused_without_the_application(server, data, status):
    before = calls(server)
    mark = server.mark()
    response = ask(server, data)
    assert response.status == status
    if status == 426:
        assert response.value("sec-websocket-version") == b"13"
        assert response.value("upgrade") == b"websocket"
    assert calls(server) == before + 1
    server.wait_for_line(r"^WARNING: +Invalid WebSocket handshake received\. \(127", since=mark)


@pytest.mark.parametrize(
    "fields",
    [
        row(
            "robustness_61", "an extension nobody knows", ("Sec-WebSocket-Extensions: constructor",)
        ),
        row(
            "robustness_61",
            "a huge list of extensions",
            ("Sec-WebSocket-Extensions: " + ", ".join(["x; y=1"] * 1000),),
        ),
        row("robustness_61", "an empty subprotocol list", ("Sec-WebSocket-Protocol: ,",)),
        row("robustness_61", "extensions out of grammar", ('Sec-WebSocket-Extensions: ;;="",,',)),
        row(
            "robustness_46",
            "names in other cases",
            ("Upgrade: WebSocket", "Connection: keep-alive, upgrade"),
        ),
    ],
)
def test_odd_but_valid_handshake_is_accepted(server, fields):
    with open_websocket(server, "/ws/echo", *fields) as socket:
        assert socket.response.value("sec-websocket-extensions") is None
        socket.send_text("a")
        assert socket.read() == "a"


@holds("asgi_58", "robustness_60", "asgi_63", "asgi_65")
def test_close_before_accept_denies_with_403(server):
    key = fresh_id()
    mark = server.mark()
    response = ask(server, handshake(f"/ws/deny?id={key}"))
    assert response.status == 403
    assert response.body == b""
    assert response.value("connection") == b"close"
    notes = await_note(server, key, "raised OSError: the client has disconnected")
    assert notes[0] == GONE
    server.wait_for_line(r'- "WebSocket /ws/deny\?id=\w+" 403$', since=mark)


@pytest.mark.parametrize(
    "asked, status, body",
    [
        row("asgi_80", "one part", "status=401&parts=4", 401, b"xxxx"),
        row("asgi_80", "many parts", "status=200&parts=1,2,3", 200, b"x" * 6),
        row(
            "asgi_80",
            "many parts with a length",
            "status=404&parts=10,10&length=20",
            404,
            b"x" * 20,
        ),
        row("asgi_80", "large parts", "status=500&parts=300000,300000", 500, b"x" * 600000),
        row("asgi_80", "a redirection without body", "status=307&parts=0", 307, b""),
        row("asgi_80", "no content", "status=204&parts=0", 204, b""),
    ],
)
def test_denial_response_is_framed_and_ends_the_connection(server, asked, status, body):
    key = fresh_id()
    mark = server.mark()
    response = ask(server, handshake(f"/ws/deny-with?id={key}&{asked}"))
    assert (response.status, response.body) == (status, body)
    assert response.values("x-denied") == [b"1"]
    assert response.says_close
    notes = await_note(server, key, "raised OSError: the client has disconnected")
    assert notes[0] == GONE
    server.wait_for_line(rf'- "WebSocket /ws/deny-with\S*" {status}$', since=mark)


@holds("robustness_60", "asgi_80")
def test_denial_with_an_invalid_status_is_a_500(server):
    for status in (700, 99, 101):
        response = ask(server, handshake(f"/ws/deny-with?status={status}"))
        assert response.status == 500
        assert response.value("content-length") == b"21"


@holds("asgi_80")
def test_denial_in_parts_waits_for_a_slow_client(server):
    with server.connect(receive_buffer=4096) as connection:
        connection.send(handshake("/ws/deny-with?parts=1000000,1000000,1000000"))
        assert connection.read_response().body == b"x" * 3000000


@pytest.mark.parametrize(
    "asked, line",
    [
        row("robustness_60", "raises", "what=raise", "raised on purpose"),
        row(
            "robustness_60",
            "returns",
            "what=return",
            "ASGI callable returned without completing handshake.",
        ),
        row(
            "robustness_60",
            "sends data",
            "what=send&message=" + quote('{"type": "websocket.send", "text": "a"}'),
            "Expected ASGI message 'websocket.accept', 'websocket.close' or",
        ),
        row(
            "robustness_60",
            "answers as to a request",
            "what=send&message=" + quote('{"type": "http.response.start", "status": 200}'),
            "Expected ASGI message 'websocket.accept'",
        ),
    ],
)
def test_application_that_fails_before_the_accept_gives_500(server, asked, line):
    mark = server.mark()
    response = ask(server, handshake(f"/ws/misbehave?when=before&{asked}"))
    assert (response.status, response.body) == (500, b"Internal Server Error")
    server.wait_for_line(line, since=mark)
    server.wait_for_line(r'"WebSocket /ws/misbehave\S*" 500$', since=mark)


def test_handshake_that_the_application_never_answers_gets_503(shared):
    server = shared("raw:app", "--timeout-ws-handshake", "0.2")
    key = fresh_id()
    assert ask(server, handshake(f"/ws/undecided?id={key}")).status == 503
    assert events_at_end(server, key) == [GONE]


@holds("lesson_03")
@pytest.mark.parametrize("leave", ["close", "half_close", "reset"])
def test_client_that_leaves_during_the_handshake_is_told_to_the_application(server, leave):
    key = fresh_id()
    with server.connect() as connection:
        connection.send(handshake(f"/ws/undecided?id={key}"))
        await_note(server, key, "connected")
        getattr(connection, leave)()
        assert events_at_end(server, key) == [GONE]


@holds("robustness_47")
def test_websockets_count_for_the_concurrency_limit(serve):
    with serve("raw:app", "--limit-concurrency", "2") as server:
        with open_websocket(server) as first, open_websocket(server):
            assert ask(server, handshake()).status == 503
            assert server.get("/hello").status == 503
            first.close()
        with open_websocket(server) as again:
            again.send(closing(1000))
            again.expect_close(1000)
