"""A running server: its process, its lines, how it is stopped, and what must be true of its end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path

from support.doors import APPS, Door
from support.lines import Lines
from support.patience import seconds
from support.raw import Connection, Response

_REPORTS = "AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error: |ringhorn: bug"
_RUNNING = r"running on (?:\x1b\[1m)?http://\S*?:(\d+)(?:\x1b\[0m)? \("
_COUNTS = re.compile(r"live objects: (.*)")
COUNTS_LINE = "live objects: connections 0, exchanges 0, cycles 0, handles 0"


class Server:
    """Started with `--port 0`; ready when the constructor returns.

    `check_counts=False`: for an end that leaves a task behind, so that its objects live on.
    """

    def __init__(
        self,
        door: Door,
        app: str,
        *options: str,
        env: dict[str, str | None] | None = None,
        cwd: str | Path | None = None,
        app_dir: str | Path | None = APPS,
        expect_status: int | None = 0,
        check_counts: bool = True,
        read_stdout: bool = True,
        command: tuple[str, ...] | None = None,
        ready: bool = True,
        port: int = 0,
        pass_fds: tuple[int, ...] = (),
    ) -> None:
        self.door = door
        self.expect_status = expect_status
        self._check_counts = check_counts
        self._asked_to_stop = False
        arguments = [*(command or door.command), app, "--port", str(port)]
        if app_dir is not None:
            arguments += ["--app-dir", str(app_dir)]
        self.process = subprocess.Popen(
            [*arguments, *options],
            env=door.environ({"RINGHORN_DEBUG_COUNTS": "1", **(env or {})}),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=pass_fds,
        )
        self.port = port
        self._stderr = Lines(self.process.stderr)
        self._stdout = Lines(self.process.stdout) if read_stdout else None
        if ready:
            self.await_ready()

    # What it says.

    def await_ready(self) -> None:
        try:
            found = self.wait_for_line(_RUNNING, 20)
        except AssertionError:
            self.kill()
            raise
        self.port = int(found.group(1))

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stderr_lines(self, since: int = 0) -> list[str]:
        return self._stderr.all(since)

    def stdout_lines(self, since: int = 0) -> list[str]:
        return self._stdout.all(since) if self._stdout else []

    def stderr_bytes(self) -> bytes:
        return self._stderr.raw()

    def stdout_bytes(self) -> bytes:
        return self._stdout.raw() if self._stdout else b""

    def mark(self) -> int:
        """A place in stderr, for `since`."""
        return self._stderr.count()

    def mark_stdout(self) -> int:
        return self._stdout.count() if self._stdout else 0

    def wait_for_line(self, pattern: str, timeout: float = 10, since: int = 0) -> re.Match:
        return self._stderr.wait_for(pattern, timeout, since)

    def wait_for_output(self, pattern: str, timeout: float = 10, since: int = 0) -> re.Match:
        """As wait_for_line, on stdout (access lines, prints of the application)."""
        assert self._stdout
        return self._stdout.wait_for(pattern, timeout, since)

    # Talking to it.

    def connect(self, **options) -> Connection:
        return Connection(self.port, **options)

    def request(self, data: bytes, method: str = "GET") -> Response:
        """One exchange on a connection of its own."""
        with self.connect() as connection:
            connection.send(data)
            return connection.read_response(method)

    def get(self, target: str) -> Response:
        return self.request(
            f"GET {target} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n".encode()
        )

    # Its end.

    def running(self) -> bool:
        return self.process.poll() is None

    def send_signal(self, number: int) -> None:
        self.process.send_signal(number)

    def wait(self, timeout: float = 10) -> int:
        """The exit status, negative for a signal as in `subprocess`."""
        try:
            status = self.process.wait(seconds(timeout))
        except subprocess.TimeoutExpired:
            tail = "\n".join(self.stderr_lines()[-40:])
            self.kill()
            raise AssertionError(f"the server did not end in {timeout} s:\n{tail}") from None
        self._stderr.join()
        if self._stdout:
            self._stdout.join()
        return status

    def ask_to_stop(self) -> None:
        """stop() then only waits: several servers may stop side by side."""
        if self.running():
            self._asked_to_stop = True
            self.send_signal(signal.SIGTERM)

    def stop(self, sig: int = signal.SIGTERM, timeout: float = 10) -> int:
        if self.running() and not self._asked_to_stop:
            self.send_signal(sig)
        return self.wait(timeout)

    def kill(self) -> None:
        if self.running():
            self.process.kill()
        self.process.wait()
        self._stderr.join()

    def check_reports(self, since: int = 0) -> None:
        """Neither a sanitizer nor an assertion of the server's has said anything."""
        text = "\n".join(self.stderr_lines(since))
        if report := re.search(_REPORTS, text):
            shown = text[max(0, report.start() - 500) :][:9000]
            raise AssertionError(f"the server reports a bug:\n{shown}")

    def check_end(self) -> None:
        """Stops the server if it still runs and asserts that it ended well."""
        status = self.stop() if self.running() else self.wait()
        text = "\n".join(self.stderr_lines())
        tail = text[-6000:]
        self.check_reports()
        for counts in _COUNTS.findall(text) if self._check_counts else ():
            assert f"live objects: {counts}" == COUNTS_LINE, f"objects leaked: {counts}\n{tail}"
        if self.expect_status is not None and not self.door.oracle:
            assert status == self.expect_status, f"exit status {status}:\n{tail}"

    def __enter__(self) -> Server:
        return self

    def __exit__(self, kind, value, trace) -> None:
        if kind is None:
            self.check_end()
            return
        value.add_note("stderr of the server:\n" + "\n".join(self.stderr_lines()[-60:]))
        self.kill()


def cpu_seconds(pid: int) -> float:
    """User and system time that the process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def open_files(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))
