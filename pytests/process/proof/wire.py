"""One connection of the proof's client: plain sockets on asyncio, so that nothing is glossed over.

A stream class would drop bytes that came before a reset, and call a reset an end. Here each
recv() is the kernel's own answer.
"""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass

RECEIVE_BYTES = 1 << 18
HEAD_BYTES_MAX = 1 << 16


class Broken(Exception):
    """The connection ended: `how` is "eof" or "reset"; `any_bytes`: after part of an answer."""

    def __init__(self, how: str, any_bytes: bool) -> None:
        super().__init__(how)
        self.how = how
        self.any_bytes = any_bytes


class Garbage(Exception):
    """The server said something that is not HTTP/1.1."""


@dataclass(slots=True)
class Answer:
    status: int
    fields: dict[bytes, bytes]
    body: bytes = b""

    def text(self, name: bytes) -> str:
        return self.fields.get(name, b"").decode("latin-1")

    @property
    def says_close(self) -> bool:
        return b"close" in self.fields.get(b"connection", b"").lower()


class Wire:
    """REQUIRES: used by one task at a time. `exchanges` counts the answers read from it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.exchanges = 0
        self.maker = 0  # the process that answered here last
        self._loop = asyncio.get_running_loop()
        self._socket = socket.socket()
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray()

    async def connect(self) -> None:
        """Raises ConnectionRefusedError, ConnectionResetError."""
        await self._loop.sock_connect(self._socket, ("127.0.0.1", self.port))

    def close(self) -> None:
        self._socket.close()

    def has_ended(self) -> bool:
        """Whether the server has closed an idle connection: careful clients look before they send.

        Raises Garbage for bytes that nobody asked for: an answer that came twice, say.
        """
        try:
            data = self._socket.recv(100, socket.MSG_PEEK) if not self._buffer else self._buffer
        except BlockingIOError:
            return False
        except ConnectionResetError:
            return True
        if data:
            raise Garbage(f"bytes without a request: {bytes(data[:60])!r}")
        return True

    # Out.

    async def send(self, data: bytes) -> bool:
        """False when the peer takes no more; what it said before can still be read."""
        try:
            await self._loop.sock_sendall(self._socket, data)
        except (ConnectionResetError, BrokenPipeError):
            return False
        return True

    # In.

    async def _more(self) -> None:
        """Cancelling it loses no byte, as cancelling sock_recv() may when the loop is late.

        That receives in a callback, and a timeout of the same turn throws away what it got.
        """
        while True:
            try:
                data = self._socket.recv(RECEIVE_BYTES)
                break
            except BlockingIOError:
                await self._readable()
            except ConnectionResetError:
                raise Broken("reset", bool(self._buffer)) from None
        if not data:
            raise Broken("eof", bool(self._buffer))
        self._buffer += data

    async def _readable(self) -> None:
        ready = self._loop.create_future()
        self._loop.add_reader(self._socket, lambda: ready.done() or ready.set_result(None))
        try:
            await ready
        finally:
            self._loop.remove_reader(self._socket)

    async def read_exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            await self._more()
        return self._take(size)

    async def _read_until(self, end: bytes) -> bytes:
        while (at := self._buffer.find(end)) < 0:
            if len(self._buffer) > HEAD_BYTES_MAX:
                raise Garbage("a head without an end")
            await self._more()
        return self._take(at + len(end))

    def _take(self, size: int) -> bytes:
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    async def read_answer(self) -> Answer:
        """The next final response. A Broken that comes within it says so: `any_bytes`."""
        answer = await self._read_head()
        try:
            while answer.status < 200 and answer.status != 101:
                answer = await self._read_head()
            if answer.status != 101:
                answer.body = await self._read_body(answer)
        except Broken as broken:
            raise Broken(broken.how, any_bytes=True) from None
        self.exchanges += 1
        return answer

    async def _read_head(self) -> Answer:
        first, *lines = (await self._read_until(b"\r\n\r\n"))[:-4].split(b"\r\n")
        version, _, rest = first.partition(b" ")
        status = rest.partition(b" ")[0]
        if not version.startswith(b"HTTP/1.") or not status.isdigit():
            raise Garbage(f"not a status line: {first[:60]!r}")
        pairs = (line.partition(b":") for line in lines)
        return Answer(int(status), {name.lower(): value.strip() for name, _, value in pairs})

    async def _read_body(self, answer: Answer) -> bytes:
        if b"chunked" in answer.fields.get(b"transfer-encoding", b"").lower():
            return await self._read_chunks()
        if b"content-length" in answer.fields:
            return await self.read_exactly(int(answer.fields[b"content-length"]))
        return await self.read_to_end()

    async def _read_chunks(self) -> bytes:
        pieces = []
        while size := int((await self._read_until(b"\r\n")).partition(b";")[0], 16):
            pieces.append(await self.read_exactly(size))
            if await self.read_exactly(2) != b"\r\n":
                raise Garbage("no CRLF after a chunk")
        while await self._read_until(b"\r\n") != b"\r\n":
            pass
        return b"".join(pieces)

    async def read_to_end(self) -> bytes:
        """Whatever still comes before the orderly end; raises Broken for a reset."""
        while True:
            try:
                await self._more()
            except Broken as broken:
                if broken.how == "reset":
                    raise
                return self._take(len(self._buffer))
