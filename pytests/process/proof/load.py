"""The mixed load: lanes of every kind at once, in one thread, light enough for half a core."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass

from proof.lanes import Asked, Book, HttpLane, ask, ask_echo, ask_stream
from proof.websocket import WebSocketLane

FAST_KINDS = ("kept", "fresh")  # the request of 1 ms, whose slowest answer is the stall
STOP_SECONDS_MAX = 30.0


@dataclass(frozen=True)
class Mix:
    """How many lanes of each kind; rates are requests per second over all lanes of the kind."""

    kept: int = 16
    kept_rate: float = 300
    fresh: int = 16
    fresh_rate: float = 300
    echo: int = 4
    echo_rate: float = 16
    slow: int = 12
    slow_seconds_max: float = 2.0
    streams: int = 6
    stream_seconds: float = 1.0
    websockets: int = 4


FULL = Mix()
SHORT = Mix(
    kept=6, kept_rate=60, fresh=6, fresh_rate=60, echo=2, echo_rate=4, slow=6,
    slow_seconds_max=0.7, streams=3, stream_seconds=0.6,
)  # fmt: skip


class Load:
    """`async with Load(port, mix) as load:`; leaving waits for what is under way."""

    def __init__(self, port: int, mix: Mix, seed: int = 1) -> None:
        self.book = Book(port)
        self._random = random.Random(seed)
        self._mix = mix
        self._lanes = list(self._make_lanes(mix))
        self._tasks: list[asyncio.Task] = []

    def _make_lanes(self, mix: Mix):
        def lanes(kind: str, count: int, make, rate: float = 0, keep_alive: bool = True):
            interval = count / rate if rate else 0.0
            return [HttpLane(self.book, kind, make, interval, keep_alive) for _ in range(count)]

        yield from lanes("kept", mix.kept, self._fast, mix.kept_rate)
        yield from lanes("fresh", mix.fresh, self._fast, mix.fresh_rate, keep_alive=False)
        yield from lanes("echo", mix.echo, ask_echo, mix.echo_rate)
        yield from lanes("slow", mix.slow, self._slow)
        yield from lanes("stream", mix.streams, self._stream)
        for _ in range(mix.websockets):
            yield WebSocketLane(self.book, interval=0.25, thinking=0.05)

    def _fast(self, identity: str) -> Asked:
        return ask("fast", identity)

    def _stream(self, identity: str) -> Asked:
        return ask_stream(identity, self._mix.stream_seconds)

    def _slow(self, identity: str) -> Asked:
        seconds = self._random.uniform(0.5, self._mix.slow_seconds_max)
        return ask("slow", identity, seconds=round(seconds, 2))

    async def __aenter__(self) -> Load:
        self._tasks = [asyncio.create_task(lane.run()) for lane in self._lanes]
        return self

    async def __aexit__(self, *_) -> None:
        self.book.stopping.set()
        done, hanging = await asyncio.wait(self._tasks, timeout=STOP_SECONDS_MAX)
        for task in hanging:
            task.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)
        for task in done:
            task.result()

    # What the answers have shown so far.

    def newest_generation(self) -> int:
        return max((attempt.generation for attempt in self.book.attempts), default=0)

    def makers_since(self, moment: float) -> set[int]:
        """Who has answered since: looked up from the end, as far as attempts may last."""
        found = set()
        for attempt in reversed(self.book.attempts):
            if attempt.begun < moment - 5:
                break
            if attempt.generation and attempt.ended >= moment:
                found.add(attempt.maker)
        return found

    async def until(self, condition, limit: float) -> float | None:
        """Seconds until `condition()` holds, looked at every 10 ms; None past the limit."""
        begun = time.monotonic()
        while time.monotonic() - begun < limit:
            if condition():
                return time.monotonic() - begun
            await asyncio.sleep(0.01)
        return None
