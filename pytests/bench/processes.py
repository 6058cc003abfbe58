"""One started program: its process tree, the CPU time and resident memory of that tree, its end.

Everything is read from /proc, because what is measured must not depend on what a server says of
itself.  A program is ended through the process group that was made for it, and nothing else is.
"""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


class StartError(Exception):
    """The program ended, or did not listen in time; the text carries its last lines."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def is_listening(port):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def stat_fields(pid):
    """The fields of /proc/PID/stat after the name, or None when the process has gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def children(pid):
    found = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += (task / "children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        pass
    return [int(child) for child in found]


def tree(pid):
    pids = [pid]
    for parent in pids:
        pids += children(parent)
    return pids


class Program:
    """REQUIRES: `command` listens on 127.0.0.1:`port`, which was free when it was started."""

    def __init__(self, command, port, log, environment=None, directory=None, core=0):
        if is_listening(port):
            raise StartError(f"something else listens on port {port}")
        self.port = port
        self.log = Path(log)
        pinned = ["taskset", "-c", str(core), *command] if core is not None else list(command)
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                pinned,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=directory,
                start_new_session=True,
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def pid(self):
        return self.process.pid

    def wait_listening(self, seconds=30):
        deadline = time.monotonic() + seconds
        while not is_listening(self.port):
            if self.process.poll() is not None:
                raise StartError(f"ended with {self.process.returncode}: {self.last_lines()}")
            if time.monotonic() > deadline:
                raise StartError(f"did not listen within {seconds} s: {self.last_lines()}")
            time.sleep(0.02)

    def last_lines(self, count=6):
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return " | ".join(lines[-count:])

    def cpu_seconds(self):
        """User and system time of the whole tree, with that of the children already reaped."""
        total = 0
        for pid in tree(self.pid):
            fields = stat_fields(pid)
            if fields:
                total += sum(int(field) for field in fields[11:15])
        return total / TICK

    def resident_bytes(self):
        """Rss of the tree from smaps_rollup; statm is only brought up to date in batches."""
        total = 0
        for pid in tree(self.pid):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Rss:"):
                    total += int(line.split()[1]) * 1024
        return total

    def signal_group(self, number):
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            pass

    def stop(self, seconds=5, first=signal.SIGTERM):
        """Asks, waits, then kills the group, so that no worker outlives its supervisor."""
        if self.process.poll() is None:
            os.kill(self.pid, first)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                pass
        self.signal_group(signal.SIGKILL)
        self.process.wait()
        return self.process.returncode
