"""One server under one load, and what is done to it: the words that the cells are written in."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from proof import clock
from proof.attempt import Death
from proof.lanes import HttpLane, ask
from proof.load import Load, Mix
from proof.servers import Kind, Wishes
from proof.trace import Boot, Trace, children, is_alive, parent
from support.patience import seconds
from support.ports import free_port


class CannotStart(Exception):
    """The server was not ready in time; the text carries its last lines."""


class Died(Exception):
    """The server ended while nobody had told it to go."""


@dataclass
class Notes:
    """What a cell has measured beside the attempts."""

    deaths: list[Death] = field(default_factory=list)
    recoveries: list[float] = field(default_factory=list)
    leaving: float | None = None  # when the server was told to go
    asked: int = 1  # the newest generation that was asked for
    status: int | None = None
    seconds_to_exit: float | None = None
    orphans: list[int] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


class World:
    """REQUIRES: used as `async with`; nothing that it started outlives it."""

    def __init__(
        self,
        kind: Kind,
        wishes: Wishes,
        folder: Path,
        environment: dict[str, str] | None = None,
        wrapper: tuple[str, ...] = (),
        output: str = "file",
    ) -> None:
        self.kind = kind
        self.folder = folder
        self.port = wishes.port or free_port()
        self.notes = Notes()
        self.trace = Trace(folder / "trace")
        self.log = folder / "log"
        self._generation = folder / "generation"
        self._wishes = wishes
        self._wrapper = wrapper
        self._output = output
        self._environment = environment or {}
        self.load: Load | None = None
        self.process: subprocess.Popen | None = None
        self.pid = 0  # of the supervisor: another one after USR2
        self._unread: int | None = None
        self._seen: set[int] = set()  # every process of the server that was ever seen

    # Its life.

    async def __aenter__(self) -> World:
        self.write_generation("1")
        wishes = replace(self._wishes, port=self.port)
        with self._open_output() as output:
            self.process = subprocess.Popen(
                [*self._wrapper, *self.kind.command(wishes)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.folder,
                env={
                    **self.kind.environment,
                    "PROOF_TRACE": str(self.folder / "trace"),
                    "PROOF_GENERATION": str(self._generation),
                    **self._environment,
                },
                start_new_session=True,
            )
        self.pid = self.process.pid
        try:
            await self._await_ready()
        except BaseException:
            self.clean_up()
            raise
        return self

    def _open_output(self):
        if self._output == "full":
            return open("/dev/full", "wb")
        if self._output == "file":
            return self.log.open("ab")
        self._unread, full_pipe = os.pipe()
        return os.fdopen(full_pipe, "wb")

    async def __aexit__(self, *_) -> None:
        self.clean_up()

    async def _await_ready(self) -> None:
        deadline = time.monotonic() + seconds(30)
        while len(self.workers()) < self._wishes.workers or not self.listens():
            if self.process.poll() is not None:
                raise CannotStart(f"status {self.process.returncode}:\n{self.last_lines()}")
            if time.monotonic() > deadline:
                raise CannotStart(f"not ready:\n{self.last_lines()}")
            await asyncio.sleep(0.02)

    def clean_up(self) -> None:
        """Kills what is left of the server, wherever it has moved to."""
        self._note_processes()
        for pid in sorted(self._seen):
            if pid > 1 and is_ours(pid, self.folder):
                os.kill(pid, signal.SIGKILL)
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.process.wait()
        if self._unread is not None:
            os.close(self._unread)
            self._unread = None

    def last_lines(self, count: int = 30) -> str:
        if not self.log.exists():
            return "(its output went nowhere)"
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:])

    # Looking at it.

    def _note_processes(self) -> None:
        self.trace.refresh()
        self._seen.update(boot.pid for boot in (*self.trace.imports, *self.trace.boots))
        if self.process:
            pids = [self.process.pid]
            for pid in pids:
                pids += children(pid)
            self._seen.update(pids)

    def workers(self) -> list[Boot]:
        """The workers that are ready and alive, oldest first."""
        self._note_processes()
        return self.trace.alive()

    def listens(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def port_is_free(self) -> bool:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", self.port))
            except OSError:
                return False
            return True

    def survivors(self) -> list[int]:
        self._note_processes()
        return [pid for pid in sorted(self._seen) if is_alive(pid) and is_ours(pid, self.folder)]

    # Load.

    @asynccontextmanager
    async def under(self, mix: Mix, warm_up: float = 0.5):
        """The mixed load, while the body does things to the server."""
        async with Load(self.port, mix) as self.load:
            await asyncio.sleep(warm_up)
            yield self.load

    async def request(self, path: str, **query) -> bool:
        """One request of the cell's own, kept out of the count; whether it was answered."""
        book = self.load.book
        lane = HttpLane(
            book, "own", lambda identity: ask(path, identity, **query), keep_alive=False
        )
        attempt = await lane.attempt()
        book.attempts.remove(attempt)
        return not attempt.reason

    def idle_connection(self) -> socket.socket:
        """One that says nothing; it may still wait to be accepted."""
        return socket.create_connection(("127.0.0.1", self.port))

    async def wait(self, duration: float) -> None:
        """Lets the load run. Raises Died."""
        if await await_gone(self.pid, duration):
            self.notes.status = self.process.wait() if self.pid == self.process.pid else None
            raise Died(f"died by itself, status {self.notes.status}")

    # Things that are done to it.

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def write_generation(self, text: str) -> None:
        """Whole or not at all: a worker may be importing."""
        fresh = self._generation.with_suffix(".new")
        fresh.write_text(text)
        fresh.rename(self._generation)

    def reload(self, number: int = signal.SIGHUP) -> None:
        """New code, and the signal that asks for it."""
        self.notes.asked += 1
        self.write_generation(str(self.notes.asked))
        self.send_signal(number)

    def set_clock(self, offset: int) -> None:
        """The wall clock of the server alone."""
        clock.set_offset(self.folder, offset)

    async def settle(self, limit: float, workers: int | None = None) -> None:
        """Until only workers of the newest generation are left, and as many as there shall be."""
        wanted = workers or self._wishes.workers

        def settled() -> bool:
            alive = self.workers()
            newest = all(boot.generation == self.notes.asked for boot in alive)
            return len(alive) == wanted and newest

        taken = await self.load.until(settled, seconds(limit))
        if taken is None:
            alive = [(boot.pid, boot.generation) for boot in self.workers()]
            self.remark(f"not settled in {limit:g} s: workers and generations {alive}")

    async def await_generation(self, number: int, limit: float) -> None:
        if await self.load.until(
            lambda: any(boot.generation == number for boot in self.workers()), seconds(limit)
        ) is None:
            raise Died(f"generation {number} has not come within {limit:g} s")

    def successor(self, generation: int) -> int:
        """The supervisor above the workers of this generation."""
        pid = next(boot.pid for boot in self.workers() if boot.generation == generation)
        while (above := parent(pid)) in self._seen and above != self.pid:
            pid = above
        return pid

    async def await_gone(self, pid: int, limit: float) -> None:
        if not await await_gone(pid, seconds(limit)):
            self.remark(f"process {pid} is still there after {limit:g} s")

    async def hand_over(self, successor: int, limit: float) -> None:
        """The old supervisor goes, and from here on the new one is meant."""
        old, self.pid = self.pid, successor
        os.kill(old, signal.SIGTERM)
        await self.await_gone(old, limit)

    async def end_worker(self, number: int, limit: float = 10) -> None:
        """Sends a worker a signal that ends it, and waits until another one answers."""
        before = {boot.pid for boot in self.workers()}
        if not before:
            raise Died("no worker was alive")
        victim = sorted(before)[len(self.notes.deaths) % len(before)]
        os.kill(victim, number)
        await self.mourn(victim, before, limit)

    async def mourn(self, victim: int, before: set[int], limit: float) -> None:
        """Waits for the end of a process, until its replacement is ready or has even answered.

        Ready must do where others serve on: a listener that they share owes it no connection.
        """
        if not await await_gone(victim, seconds(limit)):
            return self.remark(f"process {victim} is still there after {limit:g} s")
        dead = time.monotonic()
        self.notes.deaths.append(Death(victim, dead))

        def replaced() -> bool:
            ready = {boot.pid for boot in self.workers()} if len(before) > 1 else set()
            return bool((ready | self.load.makers_since(dead)) - before)

        recovery = await self.load.until(replaced, seconds(10))
        if recovery is None:
            return self.remark(f"process {victim} was not replaced in {seconds(10):g} s")
        self.notes.recoveries.append(recovery)

    async def terminate(self, limit: float = 30, number: int = signal.SIGTERM) -> None:
        """Tells the server to go; from now on it may refuse connections."""
        self.begin_leaving(number)
        await self.await_exit(limit)

    def begin_leaving(self, number: int = signal.SIGTERM) -> None:
        self.workers()
        self.notes.leaving = time.monotonic()
        self.send_signal(number)

    async def await_exit(self, limit: float) -> None:
        """Notes the exit status, how long it took, and which processes stayed behind."""
        if not await await_gone(self.pid, seconds(limit)):
            return self.remark(f"no exit in {limit:g} s")
        self.notes.seconds_to_exit = time.monotonic() - self.notes.leaving
        if self.pid == self.process.pid:
            self.notes.status = self.process.wait()
        await self.load.until(lambda: not self.survivors(), seconds(1))
        self.notes.orphans = self.survivors()

    def remark(self, text: str) -> None:
        self.notes.remarks.append(text)


def is_ours(pid: int, folder: Path) -> bool:
    """Whether this process was started for this folder: a pid may have been given out again."""
    try:
        variables = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False
    return f"PROOF_TRACE={folder}/trace".encode() in variables.split(b"\0")


async def await_gone(pid: int, limit: float) -> bool:
    """Whether the process has ended within `limit` seconds; its parent need not have reaped it."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    gone = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(descriptor, gone.set)
    try:
        async with asyncio.timeout(limit):
            await gone.wait()
        return True
    except TimeoutError:
        return False
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
