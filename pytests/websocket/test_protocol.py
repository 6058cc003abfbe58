"""What the protocol forbids: each breach closes with its code, and nothing behind it counts."""

import os

import pytest
from support.checks import events_at_end, fresh_id, still_serves
from support.holds import holds, row
from support.websocket import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    closing,
    frame,
    handshake,
    open_websocket,
    text,
)


@pytest.mark.parametrize(
    "data",
    [
        row("robustness_62", "a frame without a mask", frame(TEXT, b"a", masked=False)),
        row("robustness_62", "RSV1 without an extension", frame(TEXT, b"a", rsv=0x40)),
        row("robustness_62", "RSV2", frame(TEXT, b"a", rsv=0x20)),
        row("robustness_62", "RSV3 on a ping", frame(PING, b"a", rsv=0x10)),
        row("robustness_62", "opcode 3", frame(0x3)),
        row("robustness_62", "opcode 7", frame(0x7, b"a")),
        row("robustness_62", "opcode 11", frame(0xB)),
        row("robustness_62", "opcode 15", frame(0xF)),
        row("robustness_62", "a long ping", frame(PING, b"x" * 126)),
        row("robustness_62", "a long Close", frame(CLOSE, b"\x03\xe8" + b"x" * 124)),
        row("robustness_62", "a fragmented ping", frame(PING, b"a", fin=False)),
        row("robustness_62", "a fragmented Close", frame(CLOSE, b"", fin=False)),
        row("robustness_62", "a continuation of nothing", frame(CONTINUATION, b"a")),
        row("robustness_62", "text within a message", frame(TEXT, b"a", fin=False) + text("b")),
        row("robustness_62", "binary within text", frame(TEXT, b"a", fin=False) + frame(BINARY)),
        row("robustness_62", "a length of 16 bits for 5", frame(TEXT, b"hello", length_bytes=2)),
        row("robustness_62", "a length of 64 bits for 5", frame(TEXT, b"hello", length_bytes=8)),
        row("lesson_38", "a length of 64 bits for 300", frame(TEXT, b"x" * 300, length_bytes=8)),
        row("robustness_62", "the top bit of the length", frame(TEXT, announced=1 << 63)),
    ],
)
def test_breach_closes_with_1002_and_ends(server, data):
    key = fresh_id()
    with open_websocket(server, f"/ws/collect?id={key}") as socket:
        socket.send(data, text("after it"), frame(PING, b"after it"))
        socket.expect_close(1002)
    notes = events_at_end(server, key)
    assert [note["type"] for note in notes] == ["websocket.disconnect"]
    assert notes[0]["code"] == 1002
    assert notes[0]["reason"]


@holds("robustness_62")
def test_messages_before_a_breach_are_answered_first(server):
    with open_websocket(server) as socket:
        socket.send(text("one"), frame(PING, b"p"), text("two"), frame(0x3), text("three"))
        assert {socket.read_frame().payload for _ in range(3)} == {b"one", b"p", b"two"}
        socket.expect_close(1002)


@pytest.mark.parametrize(
    "code", [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535]
)
@holds("robustness_63", "lesson_38")
def test_close_with_a_code_that_may_not_be_sent_is_answered_with_1002(server, code):
    with open_websocket(server) as socket:
        socket.send(closing(code))
        socket.expect_close(1002)


@holds("robustness_63")
def test_close_that_is_malformed_is_refused(server):
    for payload, code in ((b"\x03", 1002), (b"\x03\xe8\xff", 1007), (b"\x03\xe8\xc3", 1007)):
        with open_websocket(server) as socket:
            socket.send(frame(CLOSE, payload))
            socket.expect_close(code)


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1008, 1011, 1012, 3000, 3999, 4999])
@holds("robustness_63", "robustness_64")
def test_close_is_answered_with_its_own_code(server, code):
    key = fresh_id()
    with open_websocket(server, f"/ws/echo?id={key}") as socket:
        socket.close(code, "why é".encode())
    end = {"type": "websocket.disconnect", "code": code, "reason": "why é"}
    assert events_at_end(server, key) == [end]


@holds("robustness_68")
def test_pong_that_nobody_asked_for_is_ignored(server):
    with open_websocket(server) as socket:
        socket.send(frame(PONG, b"unasked"), text("a"))
        assert socket.read() == "a"


def test_ping_is_answered_with_its_payload(server):
    with open_websocket(server) as socket:
        for payload in (b"", b"p", os.urandom(125)):
            socket.send(frame(PING, payload))
            got = socket.read_frame()
            assert (got.opcode, got.payload) == (PONG, payload)


def test_frames_may_come_with_the_handshake(server):
    key = fresh_id()
    with server.connect() as connection:
        connection.send(handshake(f"/ws/collect?id={key}"), text("early"), closing(1000))
        assert connection.read_response().status == 101
        assert connection.read_to_end() == b"\x88\x02\x03\xe8"
    assert [event.get("text") for event in events_at_end(server, key)] == ["early", None]


def test_noise_harms_nobody(server):
    for seed in range(20):
        with open_websocket(server) as socket:
            socket.send(os.urandom(50 * seed))
            socket.connection.half_close()
            socket.connection.read_to_any_end()
    with server.connect() as connection:
        still_serves(connection)
