"""The end of a WebSocket: who says Close, what the application is told, what it may still do."""

import signal
from urllib.parse import quote

import pytest
from support.checks import await_note, events_at_end, fresh_id, raised_in, said, show, tell
from support.holds import holds, row
from support.websocket import TEXT, closing, frame, handshake, open_websocket, text

GONE = {"type": "websocket.disconnect", "code": 1006, "reason": ""}


@pytest.mark.parametrize(
    "data, code, reason",
    [
        row("asgi_64", "an empty Close", closing(), 1005, ""),
        row("asgi_63", "a code", closing(1001), 1001, ""),
        row("asgi_65", "a code and a reason", closing(4000, "für".encode()), 4000, "für"),
        row(
            "robustness_64",
            "between two fragments",
            frame(TEXT, b"a", fin=False) + closing(1000),
            1000,
            "",
        ),
    ],
)
def test_close_of_the_client_reaches_the_application(server, data, code, reason):
    key = fresh_id()
    with open_websocket(server, f"/ws/collect?id={key}") as socket:
        socket.send(data, text("ignored"))
        socket.expect_close(None if code == 1005 else code, "")
    end = {"type": "websocket.disconnect", "code": code, "reason": reason}
    assert events_at_end(server, key) == [end]


@holds("robustness_64", "lesson_08")
def test_messages_before_the_close_are_delivered_first(shared):
    server = shared("raw:app", "--ws-max-queue", "1")
    key = fresh_id()
    with open_websocket(server, f"/ws/count?id={key}") as socket:
        await_note(server, key, "accepted")
        socket.send(*(text("x" * size) for size in range(5)), closing(1000))
        tell(server, key)
        for size in range(5):
            assert socket.read() == str(size)
        socket.expect_close(1000)
    await_note(server, key, "received 5 messages")


@holds("lesson_08", "robustness_65")
@pytest.mark.parametrize("how", ["half_close", "reset", "close"])
def test_client_that_leaves_without_a_close_is_1006(server, how):
    key = fresh_id()
    with open_websocket(server, f"/ws/send-late?id={key}") as socket:
        socket.send_text("last words")
        if how == "reset":  # what it sent may go with it
            await_note(server, key, "websocket.receive")
        mark = server.mark()
        getattr(socket.connection, how)()
        notes = await_note(server, key, "let it through")
    assert notes[:3:2] == [{"type": "websocket.receive", "text": "last words"}, GONE]
    assert not [line for line in said(server, mark) if line.startswith("ERROR")]


@holds("asgi_68", "asgi_13", "robustness_65")
def test_send_after_the_end_raises_an_oserror_that_is_not_logged(server):
    key = fresh_id()
    mark = server.mark()
    with open_websocket(server, f"/ws/send-late?id={key}") as socket:
        socket.close()
    notes = await_note(server, key, "let it through")
    assert raised_in(notes) == ["raised OSError: the client has disconnected"]
    kinds = next(note for note in notes if isinstance(note, list))
    assert kinds[0] == "ClientDisconnected"
    assert "OSError" in kinds
    assert not [line for line in said(server, mark) if line.startswith(("ERROR", "Traceback"))]


@pytest.mark.parametrize(
    "asked, code, reason",
    [
        row("asgi_66", "no code", "", 1000, ""),
        row("asgi_66", "a code", "code=4321", 4321, ""),
        row("asgi_66", "a code and a reason", "code=1001&reason=f%C3%BCr", 1001, "für"),
        row("asgi_66", "a reason that is too long", "reason=" + "%C3%A9" * 100, 1000, "é" * 61),
    ],
)
def test_close_of_the_application_reaches_the_client(server, asked, code, reason):
    key = fresh_id()
    with open_websocket(server, f"/ws/close?id={key}&{asked}") as socket:
        got = socket.read_close()
        assert (got.code, got.reason) == (code, reason)
        socket.send(closing(code))
        socket.connection.expect_close()
    notes = await_note(server, key, "raised OSError: the client has disconnected")
    assert notes[0]["code"] == code
    assert notes[0]["reason"].startswith(reason)


@holds("lesson_36", "robustness_64")
def test_close_of_the_application_waits_for_the_clients(server):
    """Closing at once would reset the connection of a client that still sends."""
    sockets = [open_websocket(server, "/ws/close?code=3000") for _ in range(64)]
    for socket in sockets:
        assert socket.read_close().code == 3000
    assert not sockets[0].connection.wait_readable(0.2), "the server has not waited"
    for socket in sockets:
        socket.send(text("still talking"), frame(0x9, b"and pinging"), closing(3000))
    for socket in sockets:
        socket.connection.expect_close()
        socket.connection.close()


@holds("robustness_64")
def test_client_that_never_answers_a_close_is_dropped_in_time(shared):
    server = shared("raw:app", "--timeout-ws-close", "0.3")
    with open_websocket(server, "/ws/close") as socket:
        socket.read_close()
        socket.connection.expect_close()


@pytest.mark.parametrize(
    "asked, line",
    [
        row("robustness_65", "raises", "what=raise", "raised on purpose"),
        row("lesson_38", "raises", "what=raise", "raised on purpose"),
        row("robustness_65", "returns", "what=return", None),
        row(
            "robustness_65",
            "sends what may not be",
            "what=send&message=" + quote('{"type": "websocket.accept"}'),
            "Expected ASGI message",
        ),
    ],
)
def test_application_that_fails_or_returns_closes_with_1011(server, asked, line):
    mark = server.mark()
    with open_websocket(server, f"/ws/misbehave?when=after&{asked}") as socket:
        assert socket.read_close().code == 1011
        socket.send(closing(1011))
        socket.connection.expect_close()
    errors = [each for each in said(server, mark) if each.startswith("ERROR")]
    if line is None:
        assert not errors
    else:
        assert errors == ["ERROR:    Exception in ASGI application"]
        server.wait_for_line(line, since=mark)


@holds("lesson_02", "lesson_03")
def test_application_that_asks_on_after_the_end_stops_nobody(serve):
    with serve("raw:app", check_counts=False, expect_status=None) as server:
        key = fresh_id()
        with open_websocket(server, f"/ws/ignore?id={key}") as socket:
            socket.close()
        await_note(server, key, "received", times=3)
        assert show(server.get("/calls")) > 0
        server.send_signal(signal.SIGTERM)
        server.wait_for_line("Shutting down")
        server.send_signal(signal.SIGTERM)
        server.wait()


@holds("robustness_65", "robustness_85")
def test_shutdown_says_1012_to_the_application_and_to_the_client(serve):
    with serve("raw:app") as server:
        key = fresh_id()
        with open_websocket(server, f"/ws/last-words?id={key}") as socket:
            await_note(server, key, "accepted")
            server.send_signal(signal.SIGTERM)
            assert socket.read_close().code == 1012
            socket.send(closing(1012))
            socket.connection.expect_close()
        # The application has its time after that.
        server.wait_for_output("^last words$")
        assert server.wait() == 0


@holds("robustness_85")
def test_shutdown_waits_neither_for_mute_clients_nor_for_handshakes(serve):
    with serve("raw:app") as server, server.connect() as asking:
        key = fresh_id()
        with open_websocket(server, "/ws/collect"):
            asking.send(handshake(f"/ws/undecided?id={key}"))
            await_note(server, key, "connected")
            server.send_signal(signal.SIGINT)
            assert asking.read_response().status == 503
            assert server.wait(timeout=8) == 0


@holds("robustness_57", "robustness_59")
def test_websockets_that_end_in_every_way_leave_nothing_behind(serve):
    """The server's end counts what is alive."""
    with serve("raw:app") as server:
        sockets = [open_websocket(server) for _ in range(30)]
        for number, socket in enumerate(sockets):
            way = number % 5
            if way == 0:
                socket.close()
            elif way == 1:
                socket.connection.close()
            elif way == 2:
                socket.connection.reset()
            elif way == 3:
                socket.send(frame(0x3))
                socket.read_frame()
        sockets[4].send_text("a")
        assert sockets[4].read() == "a"
