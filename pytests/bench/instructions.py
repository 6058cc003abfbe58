"""User instructions per request, counted by callgrind: (total at N2 - total at N1) / (N2 - N1).

Both runs start the server anew under valgrind, side by side, and differ only in the number of
requests, so that start and end cancel out.  The requests go one after the other over one
connection: no figure depends on how many were ready at once.  Of a WebSocket row the messages
that the server sends are counted: echoes one after the other, or broadcasts one after the other.

    pytests/bench/instructions.py broadcast100 [--few 500] [--many 2500]

counts a row for the server that RINGHORN_EXECUTABLE or RINGHORN_PYTHON names.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import environment
from client import Client, check_response
from rows import ROWS
from servers import ringhorn
from socket_client import exchange_messages

FEW, MANY = 300, 1300
OPTIONS = ["--tool=callgrind", "--trace-children=yes", "--compress-strings=no"]


class CallgrindError(Exception):
    """The server wrote no profile."""


def under_callgrind(server, out, fifo):
    """The same server, started by valgrind; a fixed hash seed makes the count repeatable."""
    command = server.command
    return replace(
        server,
        name=f"{server.name}-{out.name}",
        start_seconds=120,
        environment={**server.environment, "PYTHONHASHSEED": "0", "BENCH_END": str(fifo)},
        command=lambda port, row: [
            *["valgrind", *OPTIONS, f"--callgrind-out-file={out}.%p"],
            *command(port, row),
        ],
    )


def total_instructions(out):
    """The sum over the profiles of all processes that the run started."""
    totals = [
        int(match[1])
        for path in out.parent.glob(f"{out.name}.*")
        for match in re.finditer(r"^totals: (\d+)", path.read_text(errors="replace"), re.M)
    ]
    if not totals:
        raise CallgrindError(f"no totals in {out}.*")
    return sum(totals)


def run_once(server, row, requests, folder, core):
    out = folder / f"callgrind-{row.key}-{requests}"
    for old in folder.glob(f"{out.name}.*"):
        old.unlink()
    fifo = folder / f"{out.name}-end"
    fifo.unlink(missing_ok=True)
    os.mkfifo(fifo)
    with under_callgrind(server, out, fifo).start(row, folder, core) as program:
        ask(program.port, row, requests)
        end(program, fifo)
        try:
            return total_instructions(out)
        except CallgrindError as error:
            raise CallgrindError(f"{error}: {program.last_lines()}") from error


def ask(port, row, requests):
    if row.messages:
        return exchange_messages(port, row, requests)
    with Client(port, timeout=60) as client:
        for _ in range(requests):
            client.send(row.request)
            check_response(client.read_response(), row.expected)


def end(program, fifo, seconds=30):
    """Has the application signal its own process (apps.end_by): see there why."""
    try:
        writing = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
    except OSError as error:
        raise CallgrindError(f"the application's lifespan did not run: {error}") from error
    os.write(writing, b"end")
    os.close(writing)
    try:
        program.process.wait(seconds)
    except subprocess.TimeoutExpired:
        pass


def instructions_per_request(server, row, folder, few=FEW, many=MANY):
    """User instructions of the server's process tree per request of `row`."""
    with ThreadPoolExecutor(2) as runs:
        one = runs.submit(run_once, server, row, few, folder, 0)
        two = runs.submit(run_once, server, row, many, folder, 1)
        return (two.result() - one.result()) / (many - few)


def main():
    first, _, rest = __doc__.partition("\n")
    parser = argparse.ArgumentParser(
        description=first, epilog=rest, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("row", choices=ROWS)
    parser.add_argument("--few", type=int, default=FEW)
    parser.add_argument("--many", type=int, default=MANY)
    arguments = parser.parse_args()
    server = ringhorn("ringhorn", environment.VENV)
    if server.missing:
        parser.error(server.missing)
    with tempfile.TemporaryDirectory(prefix="ringhorn-bench-") as folder:
        row = ROWS[arguments.row]
        few, many = arguments.few, arguments.many
        print(f"{instructions_per_request(server, row, Path(folder), few, many):,.0f}")


if __name__ == "__main__":
    sys.exit(main())
