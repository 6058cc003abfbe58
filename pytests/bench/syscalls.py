"""System calls per request, counted from outside by `strace -c -f` attached to a running server.

Two ways of loading: `count_under_load` lets wrk run as it does when CPU time is measured;
`count_in_lockstep` depends on no timing: the server is stopped while the requests of a round are
written, so that it always finds all of them ready.
"""

import os
import signal
import subprocess
import time

from client import Client, check_response
from load import run_wrk
from processes import tree


class StraceError(Exception):
    """strace could not attach or gave no summary."""


class Strace:
    """Counts from `with` to its end; `calls` is then the total, `table` what strace printed."""

    def __init__(self, program, folder):
        self.program = program
        self.summary = folder / f"strace-{program.pid}.txt"
        self.calls = None
        self.table = ""

    def __enter__(self):
        pids = [word for pid in tree(self.program.pid) for word in ("-p", str(pid))]
        command = ["strace", "-c", "-f", "-o", str(self.summary), *pids]
        self.strace = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        for _ in range(len(pids) // 2):
            line = self.strace.stderr.readline()
            if " attached" not in line:
                self.strace.kill()
                raise StraceError(f"strace: {line.strip()}")
        return self

    def __exit__(self, *failure):
        self.strace.send_signal(signal.SIGINT)
        self.strace.communicate(timeout=20)
        if failure[0] is None:
            self.table = self.summary.read_text()
            self.calls = total_calls(self.table)


def total_calls(table):
    """The number of calls in the last line of `strace -c`: `100.00 0.1 12 3456 [errors] total`."""
    for line in reversed(table.splitlines()):
        words = line.split()
        if words and words[-1] == "total":
            return int(words[3])
    raise StraceError(f"no total in {table!r}")


def count_under_load(program, row, method):
    """Calls per request while wrk runs for a second."""
    with Strace(program, method.folder) as strace:
        load = run_wrk(row, program.port, 1, method.folder, method.client_core)
    return strace.calls / load.requests if load.requests else None


def wait_stopped(pid, seconds=10):
    """Until the kernel shows every thread of the process as stopped."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        states = []
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/stat") as stat:
                states.append(stat.read().rpartition(")")[2].split()[0])
        if all(state in "tT" for state in states):
            return
    raise StraceError(f"process {pid} did not stop")


def count_in_lockstep(program, row, folder, rounds, connections):
    """Calls per request when `connections` requests are ready at once, `rounds` times over."""
    clients = [Client(program.port, timeout=30) for _ in range(connections)]
    try:
        exchange(program, row, clients)
        with Strace(program, folder) as strace:
            for _ in range(rounds):
                exchange(program, row, clients)
    finally:
        for client in clients:
            client.close()
    return strace.calls / (rounds * connections), strace.table


def exchange(program, row, clients):
    """One request on every connection; with several, the server sees none before all are there."""
    held = tree(program.pid) if len(clients) > 1 else []
    for pid in held:
        os.kill(pid, signal.SIGSTOP)
        wait_stopped(pid)
    for client in clients:
        client.send(row.request)
    for pid in held:
        os.kill(pid, signal.SIGCONT)
    for client in clients:
        check_response(client.read_response(), row.expected)
