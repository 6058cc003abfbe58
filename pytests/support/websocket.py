"""A raw WebSocket client: each frame is what the test says, and what comes is checked strictly."""

from __future__ import annotations

import base64
import hashlib
import os
import struct
from dataclasses import dataclass

from support.raw import Connection, Response

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
RSV1 = 0x40
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def accept_of(key: str) -> str:
    return base64.b64encode(hashlib.sha1((key + _GUID).encode()).digest()).decode()


def mask_bytes(payload: bytes, mask: bytes) -> bytes:
    if not payload:
        return b""
    size = len(payload)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")


def frame(
    opcode: int,
    payload: bytes = b"",
    fin: bool = True,
    rsv: int = 0,
    masked: bool = True,
    length_bytes: int | None = None,
    announced: int | None = None,
) -> bytes:
    """A client's frame. `length_bytes`: 0, 2 or 8, if not the least; `announced`: a lie."""
    size = len(payload) if announced is None else announced
    if length_bytes is None:
        length_bytes = 0 if size < 126 else 2 if size < 65536 else 8
    mark = {0: size, 2: 126, 8: 127}[length_bytes] | (0x80 if masked else 0)
    head = bytes([(0x80 if fin else 0) | rsv | opcode, mark])
    if length_bytes:
        head += size.to_bytes(length_bytes, "big")
    if not masked:
        return head + payload
    mask = os.urandom(4)
    return head + mask + mask_bytes(payload, mask)


def text(words: str, **options) -> bytes:
    return frame(TEXT, words.encode(), **options)


def closing(code: int | None = None, reason: bytes = b"") -> bytes:
    return frame(CLOSE, b"" if code is None else struct.pack("!H", code) + reason)


def handshake(
    target: str = "/ws/echo",
    *fields: str,
    method: str = "GET",
    version: str = "HTTP/1.1",
    leave_out: tuple[str, ...] = (),
) -> bytes:
    """An opening handshake; a field of `fields` replaces the usual one of its name."""
    usual = (
        "Host: test",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {KEY}",
    )
    given = {line.partition(":")[0].lower() for line in fields} | set(leave_out)
    lines = [line for line in usual if line.partition(":")[0].lower() not in given]
    text_lines = "".join(f"{line}\r\n" for line in (*lines, *fields))
    return f"{method} {target} {version}\r\n{text_lines}\r\n".encode("latin-1")


@dataclass
class Frame:
    opcode: int
    payload: bytes
    rsv: int = 0

    @property
    def code(self) -> int | None:
        """Of a Close."""
        return struct.unpack("!H", self.payload[:2])[0] if self.payload else None

    @property
    def reason(self) -> str:
        return self.payload[2:].decode()


class WebSocket:
    """An open one; `with` closes its connection. Pings of the server are answered by nobody."""

    def __init__(self, connection: Connection, response: Response) -> None:
        self.connection = connection
        self.response = response

    def __enter__(self) -> WebSocket:
        return self

    def __exit__(self, *ignored) -> None:
        self.connection.close()

    # Out.

    def send(self, *frames: bytes) -> None:
        self.connection.send(*frames)

    def send_text(self, words: str) -> None:
        self.send(text(words))

    def send_bytes(self, data: bytes) -> None:
        self.send(frame(BINARY, data))

    # In.

    def read_frame(self) -> Frame:
        """The next frame; a server's is never masked, nor longer written than it must be."""
        first, second = self.connection.read_exactly(2)
        assert not second & 0x80, "RFC 6455 §5.1: a server does not mask"
        size = second & 0x7F
        if size == 126:
            size = int.from_bytes(self.connection.read_exactly(2), "big")
            assert size > 125, "RFC 6455 §5.2: the length is minimal"
        elif size == 127:
            size = int.from_bytes(self.connection.read_exactly(8), "big")
            assert size > 65535, "RFC 6455 §5.2: the length is minimal"
        opcode = first & 0x0F
        assert first & 0x80, "this server sends no fragments"
        if opcode >= CLOSE:
            assert size <= 125, "RFC 6455 §5.5: control frames are short"
        return Frame(opcode, self.connection.read_exactly(size), first & 0x70)

    def read(self) -> str | bytes:
        """The next message, uncompressed."""
        got = self.read_frame()
        assert got.opcode in (TEXT, BINARY) and got.rsv == 0, got
        return got.payload.decode() if got.opcode == TEXT else got.payload

    def read_close(self) -> Frame:
        got = self.read_frame()
        assert got.opcode == CLOSE, got
        return got

    def expect_close(self, code: int | None, reason: str | None = None) -> Frame:
        """The server says Close with `code`, then ends the connection in order."""
        got = self.read_close()
        assert got.code == code, got
        if reason is not None:
            assert got.reason == reason
        self.connection.expect_close()
        return got

    def close(self, code: int = 1000, reason: bytes = b"") -> Frame:
        """Says Close and waits for the server's."""
        self.send(closing(code, reason))
        return self.expect_close(code)


def open_websocket(server, target: str = "/ws/echo", *fields: str, **options) -> WebSocket:
    """A WebSocket that the application has accepted."""
    connection = server.connect(**options)
    connection.send(handshake(target, *fields))
    response = connection.read_response()
    assert response.status == 101, (response.status, response.body)
    assert response.value("sec-websocket-accept") == accept_of(KEY).encode()
    assert (response.value("upgrade") or b"").lower() == b"websocket"
    assert b"upgrade" in (response.value("connection") or b"").lower()
    return WebSocket(connection, response)
