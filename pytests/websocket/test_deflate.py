"""permessage-deflate (RFC 7692): what is agreed on, what is compressed, what is refused."""

import os
import zlib

import pytest
from support.checks import events_at_end, fresh_id
from support.holds import holds, row
from support.patience import SANITIZED
from support.server import resident_bytes
from support.websocket import (
    BINARY,
    CONTINUATION,
    PING,
    RSV1,
    TEXT,
    frame,
    open_websocket,
    text,
)

OFFER = "Sec-WebSocket-Extensions: permessage-deflate"
TAIL = b"\x00\x00\xff\xff"
LONG = "the same words again and again, " * 100


def deflated(data: bytes, bits: int = 15) -> bytes:
    compressor = zlib.compressobj(wbits=-bits)
    return (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH))[: -len(TAIL)]


def inflated(data: bytes, bits: int = 15) -> bytes:
    return zlib.decompressobj(wbits=-bits).decompress(data + TAIL)


def agreed(socket) -> dict[str, str | None]:
    """The parameters of the server's answer."""
    name, *parameters = (
        (socket.response.value("sec-websocket-extensions") or b"").decode().split(";")
    )
    assert name == "permessage-deflate"
    pairs = (parameter.strip().partition("=") for parameter in parameters)
    return {key: value or None for key, _, value in pairs}


@holds("robustness_67")
def test_answer_asks_for_no_context_either_way(server):
    """So that an idle connection holds no window: 0 bytes, documented in ws/deflate.hpp."""
    with open_websocket(server, "/ws/echo", OFFER) as socket:
        assert agreed(socket) == {
            "server_no_context_takeover": None,
            "client_no_context_takeover": None,
        }


@pytest.mark.parametrize(
    "offer, bits",
    [
        row("robustness_67", "the server's window", "server_max_window_bits=9", 9),
        row(
            "robustness_67",
            "both windows",
            "server_max_window_bits=10; client_max_window_bits=12",
            10,
        ),
        row("robustness_67", "the client's window", "client_max_window_bits", 15),
        row(
            "robustness_67",
            "no contexts",
            "server_no_context_takeover; client_no_context_takeover",
            15,
        ),
    ],
)
def test_window_bits_of_the_offer_are_kept(server, offer, bits):
    with open_websocket(server, "/ws/echo", f"{OFFER}; {offer}") as socket:
        parameters = agreed(socket)
        if bits < 15:
            assert parameters["server_max_window_bits"] == str(bits)
        # A match further back than the window would not come out right.
        words = os.urandom(600).hex() * 3 + LONG
        socket.send_text(words)
        got = socket.read_frame()
        assert got.rsv == RSV1
        assert inflated(got.payload, bits).decode() == words


def test_first_offer_that_can_be_met_is_taken(server):
    offers = "permessage-deflate; unknown=1, x-other, permessage-deflate; server_max_window_bits=11"
    with open_websocket(server, "/ws/echo", f"Sec-WebSocket-Extensions: {offers}") as socket:
        assert agreed(socket)["server_max_window_bits"] == "11"


@holds("robustness_67")
def test_messages_go_compressed_from_the_threshold_on(shared):
    for options, short, long in (((), 1023, 1024), (("--ws-compress-min-size", "10"), 9, 10)):
        server = shared("raw:app", *options)
        with open_websocket(server, "/ws/echo", OFFER) as socket:
            socket.send_text("a" * short)
            assert socket.read_frame().rsv == 0
            socket.send_text("a" * long)
            got = socket.read_frame()
            assert got.rsv == RSV1
            assert inflated(got.payload) == b"a" * long


def test_what_does_not_become_shorter_goes_as_it_is(server):
    data = os.urandom(5000)
    with open_websocket(server, "/ws/echo", OFFER) as socket:
        socket.send_bytes(data)
        assert socket.read() == data


@holds("robustness_67")
def test_compressed_messages_are_read_whole_and_in_fragments(server):
    payload = deflated(LONG.encode())
    with open_websocket(server, "/ws/echo", OFFER) as socket:
        for at in range(0, len(payload) + 1, 7):
            socket.send(
                frame(TEXT, payload[:at], fin=False, rsv=RSV1),
                frame(PING, b"between"),
                frame(CONTINUATION, payload[at:]),
            )
            assert socket.read_frame().payload == b"between"
            assert inflated(socket.read_frame().payload).decode() == LONG
        socket.send(frame(TEXT, deflated(b""), rsv=RSV1), frame(BINARY, b"\x00", rsv=RSV1))
        assert socket.read() == ""
        assert socket.read() == b""


@holds("robustness_63", "robustness_67")
def test_text_is_checked_behind_the_compression(server):
    with open_websocket(server, "/ws/echo", OFFER) as socket:
        socket.send(frame(TEXT, deflated(b"\xff"), rsv=RSV1))
        socket.expect_close(1007)


@pytest.mark.parametrize(
    "data",
    [
        row("robustness_67", "what is no deflate stream", frame(BINARY, b"\xff" * 50, rsv=RSV1)),
        row(
            "robustness_67",
            "a stream cut short",
            frame(BINARY, deflated(os.urandom(500))[:50], rsv=RSV1),
        ),
        row(
            "robustness_67",
            "RSV1 on a continuation",
            frame(TEXT, b"a", fin=False) + frame(CONTINUATION, b"a", rsv=RSV1),
        ),
        row("robustness_67", "RSV1 on a ping", frame(PING, b"a", rsv=RSV1)),
    ],
)
def test_wrong_compression_is_refused(server, data):
    key = fresh_id()
    with open_websocket(server, f"/ws/collect?id={key}", OFFER) as socket:
        socket.send(data)
        assert socket.read_close().code in (1002, 1007)
        socket.connection.expect_close()
    assert [event["type"] for event in events_at_end(server, key)] == ["websocket.disconnect"]


@holds("robustness_66", "robustness_67")
def test_bomb_stops_at_the_limit(shared):
    """1,000 to 1: 64 KiB on the wire are 64 MiB of zeros."""
    server = shared("raw:app", "--ws-max-size", "1000000")
    bomb = deflated(b"\0" * (64 << 20))
    with open_websocket(server, "/ws/echo", OFFER) as socket:
        socket.send(frame(BINARY, deflated(b"\0" * 1000000), rsv=RSV1))
        assert len(inflated(socket.read_frame().payload)) == 1000000
        before = resident_bytes(server.pid)
        socket.send(frame(BINARY, bomb, rsv=RSV1))
        socket.expect_close(1009)
        assert SANITIZED or resident_bytes(server.pid) - before < 16 << 20


@holds("robustness_67")
def test_deflate_can_be_switched_off(shared):
    server = shared("raw:app", "--ws-per-message-deflate", "false")
    with open_websocket(server, "/ws/echo", OFFER) as socket:
        assert socket.response.value("sec-websocket-extensions") is None
        socket.send(text("plain"), frame(TEXT, deflated(b"a"), rsv=RSV1))
        assert socket.read() == "plain"
        socket.expect_close(1002)


def test_broadcast_reaches_clients_with_and_without_compression(server):
    key = fresh_id()
    target = f"/ws/room?id={key}"
    with (
        open_websocket(server, target) as plain,
        open_websocket(server, target, OFFER) as wide,
        open_websocket(server, target, f"{OFFER}; server_max_window_bits=9") as narrow,
    ):
        plain.send_text("6000")
        words = plain.read()
        for socket, bits in ((wide, 15), (narrow, 9)):
            got = socket.read_frame()
            assert got.rsv == RSV1
            assert inflated(got.payload, bits).decode() == words
