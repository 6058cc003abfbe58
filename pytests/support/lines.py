"""Lines of a pipe, collected by a thread, waited for without polling."""

from __future__ import annotations

import re
import threading
import time

from support.patience import seconds


class Lines:
    """REQUIRES: the pipe is closed by its writer at the latest when the writer ends."""

    def __init__(self, pipe) -> None:
        self._pipe = pipe
        self._lines: list[str] = []
        self._raw = bytearray()
        self._ended = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._collect, daemon=True)
        self._thread.start()

    def _collect(self) -> None:
        for raw in self._pipe:
            with self._changed:
                self._raw += raw
                self._lines.append(raw.rstrip(b"\n").decode("utf-8", "backslashreplace"))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def all(self, since: int = 0) -> list[str]:
        with self._changed:
            return self._lines[since:]

    def raw(self) -> bytes:
        with self._changed:
            return bytes(self._raw)

    def count(self) -> int:
        with self._changed:
            return len(self._lines)

    def join(self) -> None:
        self._thread.join(seconds(10))

    def wait_for(self, pattern: str, timeout: float, since: int = 0) -> re.Match:
        """The first line from index `since` on that `pattern` is found in."""
        found = re.compile(pattern)
        deadline = time.monotonic() + seconds(timeout)
        position = since
        with self._changed:
            while True:
                while position < len(self._lines):
                    if match := found.search(self._lines[position]):
                        return match
                    position += 1
                left = deadline - time.monotonic()
                if self._ended or left <= 0:
                    why = "the stream ended" if self._ended else f"{timeout} s passed"
                    text = "\n".join(self._lines[since:])
                    raise AssertionError(f"{why} without a line like {pattern!r} in:\n{text}")
                self._changed.wait(left)
