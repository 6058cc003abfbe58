"""Reads what apps/traced.py writes: which process started and ended which request, and itself."""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Boot:
    """A worker whose lifespan has started."""

    pid: int
    generation: int


class Trace:
    """Reads on where it stopped: `refresh` is cheap and may be called often."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._place = 0
        self._torn = b""
        self._starts: dict[str, list[int]] = defaultdict(list)
        self._ends: set[str] = set()
        self.imports: list[Boot] = []
        self.boots: list[Boot] = []
        self.farewells: set[int] = set()  # pids whose lifespan has ended

    def refresh(self) -> None:
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._place)
            data = file.read()
        self._place += len(data)
        *lines, self._torn = (self._torn + data).split(b"\n")
        for line in lines:
            self._take(*line.decode().split())

    def _take(self, what: str, identity: str, pid: str, generation: str) -> None:
        if what == "S":
            self._starts[identity].append(int(pid))
        elif what == "E":
            self._ends.add(identity)
        elif what == "I":
            self.imports.append(Boot(int(pid), int(generation)))
        elif what == "B":
            self.boots.append(Boot(int(pid), int(generation)))
        elif what == "L":
            self.farewells.add(int(pid))

    def makers(self, identity: str) -> list[int]:
        """The processes that began this request: one entry per time."""
        return self._starts.get(identity, [])

    def under_way(self, identity: str) -> bool:
        return identity in self._starts and identity not in self._ends

    def alive(self) -> list[Boot]:
        """The workers that have started and still live, oldest first."""
        return [boot for boot in self.boots if is_alive(boot.pid)]


def stat_fields(pid: int) -> list[str]:
    """Of /proc/PID/stat, those behind the name; none when the process has gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def is_alive(pid: int) -> bool:
    """False for a zombie too: it has closed everything."""
    return stat_fields(pid)[:1] not in ([], ["Z"], ["X"])


def parent(pid: int) -> int:
    return int((stat_fields(pid) or [0, 0])[1])


def children(pid: int) -> list[int]:
    """Of every thread of the process."""
    found: list[int] = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            found += map(int, Path(f"/proc/{pid}/task/{task}/children").read_text().split())
    except (FileNotFoundError, ProcessLookupError):
        pass
    return found
