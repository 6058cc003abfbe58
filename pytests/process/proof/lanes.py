"""One client of the mixed load: its requests one after the other, at its pace, on its connection.

A lane keeps to its ticks: what stands still is not made up for afterwards, and a server that fails
at once is not asked more often. Requests whose idle connection was closed are sent once more.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass

from proof.attempt import Attempt, Seen
from proof.wire import Answer, Broken, Garbage, Wire

ATTEMPT_SECONDS_MAX = 20.0
CLOSE_SECONDS_MAX = 2.0
ECHO_BYTES = 1 << 20
STREAM_PIECES = 10


def digest(text: str) -> bytes:
    """As in apps/traced.py."""
    return hashlib.sha256(text.encode()).hexdigest().encode()


@dataclass(frozen=True)
class Asked:
    """A request: its bytes without `connection`, and the one right answer."""

    head: str
    expected: bytes
    body: bytes = b""

    def wire_bytes(self, keep_alive: bool) -> bytes:
        close = "" if keep_alive else "connection: close\r\n"
        return f"{self.head}host: proof\r\n{close}\r\n".encode() + self.body


def ask(path: str, identity: str, **query) -> Asked:
    """A GET whose answer is the digest of its id."""
    target = "".join(f"&{name}={value}" for name, value in query.items())
    return Asked(f"GET /{path}?id={identity}{target} HTTP/1.1\r\n", digest(identity))


def ask_echo(identity: str) -> Asked:
    body = digest(identity) * (ECHO_BYTES // 64)
    head = f"POST /echo?id={identity} HTTP/1.1\r\ncontent-length: {len(body)}\r\n"
    return Asked(head, body, body)


def ask_stream(identity: str, seconds: float = 1.0) -> Asked:
    query = f"id={identity}&pieces={STREAM_PIECES}&seconds={seconds}"
    pieces = [digest(f"{identity}.{number}") for number in range(STREAM_PIECES)]
    return Asked(f"GET /stream?{query} HTTP/1.1\r\n", b"".join(pieces))


class Book:
    """All attempts of a run, and what its lanes share."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.attempts: list[Attempt] = []
        self.stopping = asyncio.Event()
        self.late_resets = 0  # after a whole answer: nothing is lost on loopback
        self._numbers = itertools.count(1)

    def begin(self, kind: str) -> Attempt:
        attempt = Attempt(f"{kind}-{next(self._numbers)}", kind, time.monotonic())
        self.attempts.append(attempt)
        return attempt

    async def pause(self, seconds: float) -> bool:
        """Waits; True when the load is to stop."""
        try:
            async with asyncio.timeout(seconds):
                await self.stopping.wait()
        except TimeoutError:
            pass
        return self.stopping.is_set()


class Pacer:
    """Ticks `interval` seconds apart; a late one moves those behind it."""

    def __init__(self, book: Book, interval: float) -> None:
        self._book = book
        self._interval = interval
        self._next = time.monotonic()

    def left(self) -> float:
        return max(0.0, self._next - time.monotonic())

    def tick(self) -> None:
        self._next = max(self._next, time.monotonic()) + self._interval

    async def wait(self) -> bool:
        """Until the tick; True when the load is to stop."""
        stopping = await self._book.pause(self.left())
        self.tick()
        return stopping


class HttpLane:
    def __init__(
        self,
        book: Book,
        kind: str,
        make: Callable[[str], Asked],
        interval: float = 0.0,
        keep_alive: bool = True,
    ) -> None:
        self._book = book
        self._kind = kind
        self._make = make
        self._keep_alive = keep_alive
        self._pacer = Pacer(book, interval)
        self._wire: Wire | None = None

    async def run(self) -> None:
        """Until the book says stop; the attempt under way is ended first."""
        try:
            while not await self._pacer.wait():
                attempt = await self.attempt()
                if attempt.seen is Seen.UNAVAILABLE:
                    await self._book.pause(0.05)
        finally:
            self._drop()

    async def attempt(self) -> Attempt:
        """One request and, when the idle connection was closed under it, its retry."""
        attempt = await self._once()
        if attempt.seen is Seen.IDLE_CLOSE:
            attempt.retry = await self._once()
        return attempt

    async def _once(self) -> Attempt:
        attempt = self._book.begin(self._kind)
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS_MAX):
                await self._exchange(attempt, self._make(attempt.id))
        except Exception as error:
            self._drop()
            attempt.seen, attempt.reason = what_was_seen(error, attempt.fresh)
        attempt.ended = attempt.ended or time.monotonic()
        return attempt

    async def _exchange(self, attempt: Attempt, asked: Asked) -> None:
        if self._wire and self._wire.has_ended():
            self._drop()
        if self._wire is None:
            self._wire = Wire(self._book.port)
            await self._wire.connect()
        wire = self._wire
        attempt.fresh, attempt.maker = wire.exchanges == 0, wire.maker
        sent = await wire.send(asked.wire_bytes(self._keep_alive))
        answer = await wire.read_answer()
        attempt.ended = time.monotonic()
        attempt.seen, attempt.reason = examine(answer, attempt, asked)
        wire.maker = attempt.maker
        if attempt.seen is Seen.ANSWER and not sent:
            attempt.seen, attempt.reason = Seen.WRONG, "answered before the request was there"
        if answer.says_close or not sent:
            await self._end(attempt)

    async def _end(self, attempt: Attempt) -> None:
        """The server has said that it closes: nothing may come behind the answer."""
        wire, self._wire = self._wire, None
        try:
            async with asyncio.timeout(CLOSE_SECONDS_MAX):
                if rest := await wire.read_to_end():
                    attempt.seen, attempt.reason = Seen.WRONG, f"behind the answer: {rest[:60]!r}"
        except Broken:
            self._book.late_resets += 1
        except TimeoutError:
            pass
        finally:
            wire.close()

    def _drop(self) -> None:
        if self._wire:
            self._wire.close()
        self._wire = None


def examine(answer: Answer, attempt: Attempt, asked: Asked) -> tuple[Seen, str]:
    """Checks id and checksum, and notes who made the answer."""
    if answer.status == 503:
        return Seen.BUSY, ""
    if answer.status != 200:
        return Seen.WRONG, f"status {answer.status}"
    attempt.maker = int(answer.text(b"x-pid") or 0)
    attempt.generation = int(answer.text(b"x-generation") or 0)
    if answer.text(b"x-id") != attempt.id:
        return Seen.WRONG, "the answer of another request"
    if answer.body != asked.expected:
        return Seen.WRONG, "a wrong body"
    return Seen.ANSWER, ""


def what_was_seen(error: Exception, fresh: bool) -> tuple[Seen, str]:
    """What an attempt that ended in an exception has shown."""
    match error:
        case TimeoutError():
            return Seen.WRONG, "timed out"
        case ConnectionRefusedError():
            return Seen.UNAVAILABLE, ""
        case Broken(any_bytes=True):
            return Seen.WRONG, f"truncated by {error.how}"
        case Broken() if fresh:
            return Seen.WRONG, f"{error.how} on a new connection"
        case Broken():
            return Seen.IDLE_CLOSE, error.how
        case ConnectionResetError():
            return Seen.WRONG, "reset at connect"
        case Garbage():
            return Seen.WRONG, str(error)
    raise error
