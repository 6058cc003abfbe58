#!/usr/bin/env python3
"""Where a server's time goes on one row: perf samples its process tree while wrk loads it.

    pytests/bench/hot_spots.py --row starlette --server ringhorn --lines 40

The samples are of cpu-clock, which needs no hardware counters; user and kernel are both in it.
With --calls the callers of each symbol are printed too.
"""

import argparse
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import environment
from client import WrongAnswer, check_row
from load import run_wrk
from processes import StartError, tree
from rows import ROWS
from servers import PACKAGES, make_server

FREQUENCY = 4999


def read_arguments():
    first, _, rest = __doc__.partition("\n")
    parser = argparse.ArgumentParser(
        description=first, epilog=rest, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--row", default="hello64", choices=ROWS)
    parser.add_argument("--server", default="ringhorn")
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--lines", type=int, default=40, help="symbols to print")
    parser.add_argument("--sort", default="dso,symbol", help="as perf report's")
    parser.add_argument("--calls", action="store_true", help="record and print call chains")
    parser.add_argument("--floor", help="the bare responder, if not the one that is built")
    return parser.parse_args()


def record(program, row, arguments, folder):
    """Samples the tree for as long as wrk runs; returns perf's file."""
    data = folder / "perf.data"
    pids = ",".join(str(pid) for pid in tree(program.pid))
    command = ["perf", "record", "-q", "-e", "cpu-clock", "-F", str(FREQUENCY), "-o", str(data)]
    command += ["--call-graph", "fp"] if arguments.calls else []
    run_wrk(row, program.port, 1, folder)
    perf = subprocess.Popen([*command, "-p", pids], stderr=subprocess.PIPE, text=True)
    before = program.cpu_seconds()
    load = run_wrk(row, program.port, arguments.seconds, folder)
    cpu = program.cpu_seconds() - before
    perf.send_signal(signal.SIGINT)
    errors = perf.communicate(timeout=30)[1]
    if not data.exists():
        raise StartError(f"perf: {errors.strip()}")
    per_request = cpu / load.requests * 1e6
    print(f"{per_request:.2f} CPU us per request under perf, {load.requests} requests")
    return data


def print_symbols(data, arguments):
    command = ["perf", "report", "--stdio", "-i", str(data), "--sort", arguments.sort]
    command += ["--no-children"] + ([] if arguments.calls else ["-g", "none"])
    listed = subprocess.run(command, capture_output=True, text=True)
    lines = [line.rstrip() for line in listed.stdout.splitlines() if not line.startswith("#")]
    lines = [line for line in lines if line]
    print("\n".join(lines[: arguments.lines]) or listed.stderr)


def main():
    arguments = read_arguments()
    environment.require_tools(["wrk", "perf"])
    peers = [name for name in [arguments.server] if name in PACKAGES]
    versions, failures = environment.make_venv("/usr/bin/python3", peers)
    floor = None
    if arguments.server == "floor":
        floor = environment.build_tool("floor", arguments.floor)
    server = make_server(arguments.server, environment.VENV, versions, failures, floor)
    row = ROWS[arguments.row]
    with tempfile.TemporaryDirectory(prefix="ringhorn-bench-") as folder:
        try:
            with server.start(row, Path(folder)) as program:
                if server.name != "floor":
                    check_row(program.port, row)
                print_symbols(record(program, row, arguments, Path(folder)), arguments)
        except (StartError, WrongAnswer) as error:
            return f"{server.name}: {error}"


if __name__ == "__main__":
    sys.exit(main())
