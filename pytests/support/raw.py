"""A blocking HTTP/1.1 client that hides nothing: bytes out as given, responses read strictly.

Strict means: a response that another client would forgive (a bare LF, a field sent twice that must
be single, a chunk without its CRLF, bytes behind the end) is an AssertionError here. Every read has
a deadline.
"""

from __future__ import annotations

import re
import select
import socket
import struct
import time
from dataclasses import dataclass, field
from typing import NamedTuple

from support.patience import seconds

_STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-9][0-9]{2}) ([\t\x20-\x7e\x80-\xff]*)")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*?)[ \t]*")
_CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,16}")
_SINGLE = (b"content-length", b"transfer-encoding", b"connection", b"date", b"server")


class Truncated(AssertionError):
    """The connection ended (`how`: "fin" or "reset") before the message did."""

    def __init__(self, how: str, got: bytes) -> None:
        super().__init__(f"{how} after {len(got)} bytes: {got[-200:]!r}")
        self.how = how
        self.got = got


class Field(NamedTuple):
    name: bytes
    value: bytes


@dataclass
class Response:
    status: int
    reason: bytes
    fields: list[Field]
    head: bytes
    body: bytes = b""
    chunks: list[int] = field(default_factory=list)
    trailers: list[Field] = field(default_factory=list)
    interim: list[Response] = field(default_factory=list)

    def values(self, name: str) -> list[bytes]:
        return [value for key, value in self.fields if key.lower() == name.encode()]

    def value(self, name: str) -> bytes | None:
        """The only value of a field; None without one."""
        found = self.values(name)
        assert len(found) <= 1, f"{name} came {len(found)} times"
        return found[0] if found else None

    @property
    def chunked(self) -> bool:
        return self.value("transfer-encoding") == b"chunked"

    @property
    def says_close(self) -> bool:
        return b"close" in (self.value("connection") or b"").lower()


class Connection:
    def __init__(
        self,
        port: int,
        host: str = "127.0.0.1",
        timeout: float = 5,
        receive_buffer: int | None = None,
        path: str | None = None,
        segment_bytes: int | None = None,
    ) -> None:
        """To a port, or to the Unix socket at `path` (`@name`: an abstract one)."""
        self.timeout = seconds(timeout)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(socket.AF_UNIX if path else family, socket.SOCK_STREAM)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if segment_bytes:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, segment_bytes)
        self.socket.settimeout(self.timeout)
        if path:
            self.socket.connect("\0" + path[1:] if path[0] == "@" else path)
        else:
            self.socket.connect((host, port))
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.local_port = self.socket.getsockname()[1]
        self._buffer = bytearray()

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *ignored) -> None:
        self.close()

    # Out.

    def send(self, *parts: bytes) -> None:
        self.socket.sendall(b"".join(parts))

    def send_byte_by_byte(self, data: bytes) -> None:
        for at in range(len(data)):
            self.socket.sendall(data[at : at + 1])

    def get(self, target: str = "/", *fields: str) -> None:
        lines = "".join(f"{line}\r\n" for line in ("Host: test", *fields))
        self.send(f"GET {target} HTTP/1.1\r\n{lines}\r\n".encode())

    def drip(self, data: bytes, every: float) -> bool:
        """One byte each `every` seconds until the server says something: True then."""
        for at in range(len(data)):
            try:
                self.socket.sendall(data[at : at + 1])
            except ConnectionError:
                return True
            if self.wait_readable(every):
                return True
        return False

    def send_until_blocked(self, piece: bytes, limit: int, patience: float = 0.5) -> int:
        """Sends up to `limit` bytes until the peer has not read for `patience` s; the sum sent."""
        sent = 0
        self.socket.settimeout(seconds(patience))
        try:
            while sent < limit:
                sent += self.socket.send(piece)
        except TimeoutError:
            pass
        finally:
            self.socket.settimeout(self.timeout)
        return sent

    def half_close(self) -> None:
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Leaves with RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self) -> None:
        self.socket.close()

    # In.

    def wait_readable(self, timeout: float | None = None) -> bool:
        """Whether bytes or the end have come within `timeout` seconds."""
        if self._buffer:
            return True
        wait = self.timeout if timeout is None else timeout
        return bool(select.select([self.socket], [], [], wait)[0])

    def _more(self, deadline: float) -> None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise AssertionError(f"no answer in {self.timeout} s; so far {bytes(self._buffer)!r}")
        self.socket.settimeout(left)
        try:
            data = self.socket.recv(262144)
        except TimeoutError:
            self._more(deadline)
            return
        except ConnectionResetError:
            raise Truncated("reset", bytes(self._buffer)) from None
        finally:
            self.socket.settimeout(self.timeout)
        if not data:
            raise Truncated("fin", bytes(self._buffer))
        self._buffer += data

    def read_exactly(self, size: int) -> bytes:
        deadline = time.monotonic() + self.timeout
        while len(self._buffer) < size:
            self._more(deadline)
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def read_until(self, end: bytes) -> bytes:
        deadline = time.monotonic() + self.timeout
        start = 0
        while (at := self._buffer.find(end, start)) < 0:
            start = max(0, len(self._buffer) - len(end) + 1)
            self._more(deadline)
        return self.read_exactly(at + len(end))

    def read_to_end(self) -> bytes:
        """Everything up to the server's FIN; an RST is an error."""
        data, how = self.read_to_any_end()
        assert how == "fin", f"reset after {data!r}"
        return data

    def read_to_any_end(self) -> tuple[bytes, str]:
        deadline = time.monotonic() + self.timeout
        try:
            while True:
                self._more(deadline)
        except Truncated as end:
            self._buffer.clear()
            return end.got, end.how

    def expect_close(self) -> None:
        """The server closes in order (FIN) and says nothing more."""
        rest = self.read_to_end()
        assert rest == b"", f"bytes after the end: {rest[:500]!r}"

    def read_now(self) -> bytes:
        """What one recv() gives: one write of the server, when it is small."""
        return self.socket.recv(1 << 20)

    # Responses.

    def read_head(self) -> Response:
        head = self.read_until(b"\r\n\r\n")
        lines = head[:-4].split(b"\r\n")
        status = _STATUS_LINE.fullmatch(lines[0])
        assert status, f"not a status line: {lines[0]!r}"
        fields = [_field(line) for line in lines[1:]]
        names = [name.lower() for name, _ in fields]
        for name in _SINGLE:
            assert names.count(name) <= 1, f"{name!r} twice in {head!r}"
        return Response(int(status[1]), status[2], fields, head)

    def read_response(self, method: str = "GET") -> Response:
        """The next final response, whole, with the interim ones before it."""
        interim = []
        while (response := self.read_head()).status < 200 and response.status != 101:
            assert not response.values("content-length"), "RFC 9110 §8.6: no length on 1xx"
            assert not response.values("transfer-encoding"), "RFC 9112 §6.1: no coding on 1xx"
            interim.append(response)
        response.interim = interim
        self._read_body(response, method)
        return response

    def _read_body(self, response: Response, method: str) -> None:
        length, coding = response.value("content-length"), response.value("transfer-encoding")
        assert not (length is not None and coding is not None), response.head
        if response.status == 204:
            assert length is None and coding is None, f"RFC 9110 §8.6: {response.head!r}"
        if method == "HEAD" or response.status in (101, 204, 304):
            return
        if coding is not None:
            assert coding == b"chunked", response.head
            self._read_chunks(response)
        elif length is not None:
            assert length.isdigit(), response.head
            response.body = self.read_exactly(int(length))
        else:
            assert response.says_close, f"no way to find the end: {response.head!r}"
            response.body = self.read_to_end()

    def _read_chunks(self, response: Response) -> None:
        pieces = []
        while True:
            size = self.read_until(b"\r\n")[:-2]
            assert _CHUNK_SIZE.fullmatch(size), f"chunk size {size!r}"
            if int(size, 16) == 0:
                break
            pieces.append(self.read_exactly(int(size, 16)))
            response.chunks.append(len(pieces[-1]))
            assert self.read_exactly(2) == b"\r\n", "no CRLF after a chunk"
        response.body = b"".join(pieces)
        while line := self.read_until(b"\r\n")[:-2]:
            response.trailers.append(_field(line))

    def read_chunk(self) -> bytes:
        """One chunk of a body that is still going on; b"" for the last."""
        size = self.read_until(b"\r\n")[:-2]
        assert _CHUNK_SIZE.fullmatch(size), f"chunk size {size!r}"
        data = self.read_exactly(int(size, 16))
        assert self.read_exactly(2) == b"\r\n", "no CRLF after a chunk"
        return data


def _field(line: bytes) -> Field:
    match = _FIELD.fullmatch(line)
    assert match, f"not a field line: {line!r}"
    return Field(match[1], match[2])
