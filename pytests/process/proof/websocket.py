"""A WebSocket client of the mixed load: messages at a pace, each must be answered; the end is told.

What counts: a message that the application has taken is answered before the Close, and no
connection ends without a Close frame (RFC 6455 §7.1.4). A message that crossed the server's Close
on the way, and that no application saw, is a race.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import struct
import time

from proof.attempt import Attempt, Seen
from proof.lanes import ATTEMPT_SECONDS_MAX, CLOSE_SECONDS_MAX, Book, Pacer, digest, what_was_seen
from proof.wire import Broken, Garbage, Wire

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class WebSocketWire(Wire):
    """Whole frames out, whole messages in; cancelling `read_frame` loses no byte."""

    async def open(self) -> int:
        """The status of the handshake: 101 when the socket is open."""
        await self.connect()
        key = base64.b64encode(os.urandom(16))
        await self.send(
            b"GET /socket HTTP/1.1\r\nhost: proof\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
            b"sec-websocket-version: 13\r\nsec-websocket-key: " + key + b"\r\n\r\n"
        )
        answer = await self.read_answer()
        accept = base64.b64encode(hashlib.sha1(key + _GUID).digest()).decode()
        if answer.status == 101 and answer.text(b"sec-websocket-accept") != accept:
            raise Garbage("a wrong sec-websocket-accept")
        return answer.status

    async def send_frame(self, opcode: int, payload: bytes) -> bool:
        assert len(payload) < 126
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
        return await self.send(bytes([0x80 | opcode, 0x80 | len(payload)]) + mask + masked)

    async def read_frame(self) -> tuple[int, bytes]:
        """The next frame but pings, which are answered."""
        while True:
            while (frame := self._parse()) is None:
                await self._more()
            if frame[0] == PING:
                await self.send_frame(PONG, frame[1])
            elif frame[0] != PONG:
                return frame

    def _parse(self) -> tuple[int, bytes] | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        size, start = buffer[1], 2
        if size == 126:
            if len(buffer) < 4:
                return None
            (size,) = struct.unpack_from(">H", buffer, 2)
            start = 4
        if buffer[0] & 0x70 or not buffer[0] & 0x80 or size >= 1 << 16 or buffer[1] > 126:
            raise Garbage("not a frame of this conversation")
        if len(buffer) < start + size:
            return None
        return buffer[0] & 0x0F, self._take(start + size)[start:]


class WebSocketLane:
    def __init__(self, book: Book, interval: float, thinking: float) -> None:
        """A message every `interval` seconds; the application thinks for so long about each."""
        self._book = book
        self._interval = interval
        self._thinking = thinking

    async def run(self) -> None:
        while not self._book.stopping.is_set():
            begun = time.monotonic()
            await self._converse()
            # Who is sent away at once does not come back at once.
            if time.monotonic() - begun < 0.05 and await self._book.pause(0.05):
                break

    async def _converse(self) -> None:
        """One connection, from its handshake to its end."""
        self.connection = self._book.begin("websocket")
        self.connection.executes = False
        wire = WebSocketWire(self._book.port)
        status = 0
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS_MAX):
                status = await wire.open()
            if status == 101:
                await self._talk(wire)
            else:
                self._see(Seen.BUSY if status == 503 else Seen.WRONG, f"status {status}")
        except Exception as error:
            self._see(*(_without_close(error) if status else what_was_seen(error, fresh=True)))
        finally:
            self.connection.ended = time.monotonic()
            wire.close()

    def _see(self, seen: Seen, reason: str = "") -> None:
        self.connection.seen, self.connection.reason = seen, reason

    async def _talk(self, wire: WebSocketWire) -> None:
        pacer = Pacer(self._book, self._interval)
        while True:
            if frame := await self._until_tick(wire, pacer):
                return await self._leave(wire, frame)
            if self._book.stopping.is_set():
                return await self._say_good_bye(wire)
            if frame := await self._message(wire):
                return await self._leave(wire, frame)

    async def _until_tick(self, wire: WebSocketWire, pacer: Pacer) -> tuple[int, bytes] | None:
        """A frame that came while nothing was asked; who is late looks once more."""
        for left in (pacer.left(), 0):
            try:
                async with asyncio.timeout(left):
                    return await wire.read_frame()
            except TimeoutError:
                pass
        pacer.tick()
        return None

    async def _message(self, wire: WebSocketWire) -> tuple[int, bytes] | None:
        """Sends one and reads its reply; the Close frame when that came instead."""
        attempt = self._book.begin("message")
        attempt.maker = self.connection.maker
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS_MAX):
                await wire.send_frame(TEXT, f"{attempt.id} {self._thinking}".encode())
                opcode, payload = await wire.read_frame()
        except Exception as error:
            attempt.seen, attempt.reason = _without_close(error)
            # One loss, not two: the connection ends with its message.
            self._book.attempts.remove(self.connection)
            raise
        finally:
            attempt.ended = time.monotonic()
        if opcode == CLOSE:
            attempt.seen = Seen.CROSSED
            return opcode, payload
        self._examine(attempt, payload.decode().split())
        return None

    def _examine(self, attempt: Attempt, words: list[str]) -> None:
        if words[:2] != [attempt.id, digest(attempt.id).decode()]:
            attempt.seen, attempt.reason = Seen.WRONG, f"a wrong reply: {words}"
            return
        attempt.seen = Seen.ANSWER
        attempt.maker = self.connection.maker = int(words[2])
        attempt.generation = self.connection.generation = int(words[3])

    async def _leave(self, wire: WebSocketWire, frame: tuple[int, bytes]) -> None:
        """The server closes: answer it, then the connection ends in order."""
        opcode, payload = frame
        if opcode != CLOSE:
            return self._see(Seen.WRONG, f"a message without a question: {payload[:60]!r}")
        self._see(Seen.ANSWER, f"code {int.from_bytes(payload[:2])}")
        await wire.send_frame(CLOSE, payload[:2])
        try:
            async with asyncio.timeout(CLOSE_SECONDS_MAX):
                await wire.read_to_end()
        except Broken:
            self._book.late_resets += 1
        except TimeoutError:
            pass

    async def _say_good_bye(self, wire: WebSocketWire) -> None:
        await wire.send_frame(CLOSE, struct.pack(">H", 1000))
        async with asyncio.timeout(ATTEMPT_SECONDS_MAX):
            opcode, _ = await wire.read_frame()
        self._see(Seen.ANSWER if opcode == CLOSE else Seen.WRONG, "after our own Close")


def _without_close(error: Exception) -> tuple[Seen, str]:
    seen, reason = what_was_seen(error, fresh=True)
    return seen, "no Close frame" if isinstance(error, Broken) else reason
