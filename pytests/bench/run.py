#!/usr/bin/env python3
"""Measures Ringhorn, the limit and its peers in interleaved rounds of one run.

    RINGHORN_PYTHON=... pytests/bench/run.py                  everything, about an hour
    pytests/bench/run.py --quick                              a smoke run
    pytests/bench/run.py --rows hello64,starlette --servers ringhorn,uvicorn --rounds 2 --seconds 2
    pytests/bench/run.py --rows services --servers ringhorn,uvicorn    PostgreSQL, httpx
    pytests/bench/run.py --rows sockets --servers ringhorn,uvicorn,uvicorn-wsproto,granian,h2corn

Each server has one worker, pinned to core 0, access log off, the same application object; those
of a row are all up and loaded one at a time, by wrk with one thread on core 1. Each row is
answered correctly, byte for byte, before it is timed. The figure is CPU time of the whole process
tree per request; wrk corrects its latencies for coordinated omission. The order of the servers
turns from round to round.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

import environment
import services
from instructions import CallgrindError, instructions_per_request
from measure import Application, Method, measure_rounds
from picture import svg
from processes import StartError
from report import markdown_table, text_table
from results import LIMIT_PARTS, Results, from_json
from rows import GROUPS, HTTP, QUICK, ROWS, SOCKETS
from servers import BENCH, MORE_PEERS, PACKAGES, PEERS, make_server
from support.peers import comma_list, say
from syscalls import count_under_load

RESULTS = BENCH / "results"
INSTRUCTION_ROWS = ("hello64", "starlette")


def full_path(text):
    """Of the folder in which the bench was started: it goes on in its own."""
    return Path(text).resolve()


def read_arguments():
    first, _, rest = __doc__.partition("\n")
    parser = argparse.ArgumentParser(
        description=first, epilog=rest, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--rows",
        type=comma_list,
        help="of " + ",".join(ROWS) + "; groups: " + ", ".join(GROUPS) + "; default http,sockets",
    )
    parser.add_argument(
        "--servers",
        type=comma_list,
        default=["ringhorn", "ringhorn-epoll", *PEERS],
        help="default ringhorn,ringhorn-epoll," + ",".join(PEERS) + "; also "
        "ringhorn-executable and ringhorn-python, each with -epoll or -uring behind it; "
        + ", ".join(MORE_PEERS),
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3, help="of measuring per sample")
    parser.add_argument("--warm-up", type=int, default=1, help="seconds of load before it")
    parser.add_argument("--quick", action="store_true", help="one short round of four rows")
    parser.add_argument("--aa", action="store_true", help="Ringhorn twice, to show the noise")
    parser.add_argument("--no-limit", action="store_true", help="leave out floor and application")
    parser.add_argument("--syscalls", action="store_true", help="count system calls with strace")
    parser.add_argument(
        "--instructions", action="store_true", help="count user instructions with callgrind"
    )
    parser.add_argument("--python", default="/usr/bin/python3", help="for the peers' environment")
    parser.add_argument("--upgrade", action="store_true", help="bring the peers up to date first")
    parser.add_argument("--setup", action="store_true", help="only install what is needed")
    parser.add_argument("--floor", help="the bare responder, if not the one that is built")
    parser.add_argument("--ws-load", help="the WebSocket load, if not the one that is built")
    parser.add_argument("--output", type=full_path, help="where the JSON goes")
    parser.add_argument("--picture", type=full_path, help="where the SVG goes")
    parser.add_argument(
        "--show", type=full_path, help="print and draw an earlier JSON, measure nothing"
    )
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rounds = arguments.seconds = 1
    chosen = arguments.rows or list(QUICK if arguments.quick else (*HTTP, *SOCKETS))
    arguments.rows = [key for word in chosen for key in GROUPS.get(word, (word,))]
    if unknown := [key for key in arguments.rows if key not in ROWS]:
        parser.error(f"unknown rows: {', '.join(unknown)}; there are {', '.join(ROWS)}")
    return arguments


def make_servers(arguments, versions, failures):
    names = list(arguments.servers)
    if arguments.aa:
        names.append("ringhorn-again")
    if not arguments.no_limit:
        names.append("floor")
    venv = environment.VENV
    floor = None if arguments.no_limit else environment.build_tool("floor", arguments.floor)
    made = [make_server(name, venv, versions, failures, floor) for name in names]
    if not arguments.no_limit:
        made.append(Application(venv / "bin" / "python", {"PYTHONPATH": str(BENCH)}))
    return made


def run_rows(arguments, servers, method, results):
    for key in arguments.rows:
        row = ROWS[key]
        measured = [s for s in servers if row.limit is not None or s.name not in LIMIT_PARTS]
        for number, name, one in measure_rounds(measured, row, method, arguments.rounds):
            results.add(row, name, one)
            figure = one.error or f"{one.value:,.2f}"
            say(f"round {number + 1} {key:<24}{name:<20}{figure}")
        order(results, [server.name for server in servers])
        write(arguments, results)


def order(results, names):
    """The order of the table is that of the command line, whichever server began the round."""
    for key, found in results.samples.items():
        results.samples[key] = {name: found[name] for name in names if name in found}


def count_instructions(servers, folder):
    counted = {}
    for server in servers:
        if not server.name.startswith("ringhorn") or server.missing:
            continue
        counted[server.name] = {}
        for key in INSTRUCTION_ROWS:
            say(f"counting instructions of {server.name}, {key}")
            try:
                count = instructions_per_request(server, ROWS[key], folder)
            except (CallgrindError, StartError, OSError) as error:
                count = f"not counted: {error}"
            counted[server.name][key] = count
    return counted


def write(arguments, results):
    RESULTS.mkdir(exist_ok=True)
    output = arguments.output or RESULTS / "latest.json"
    output.write_text(json.dumps(results.as_json(), indent=1) + "\n")
    if drawn := svg(results):
        (arguments.picture or output.with_suffix(".svg")).write_text(drawn)


def describe_method(arguments):
    return {
        "rounds": arguments.rounds,
        "seconds": arguments.seconds,
        "warm-up": arguments.warm_up,
        "pinning": "server on core 0, wrk -t1 or ws_load on core 1",
        "figure": "CPU time (utime+stime) of the server's process tree per request or message",
    }


def show(path):
    results = from_json(json.loads(path.read_text()))
    print(text_table(results))
    print("\n" + markdown_table(results))
    if drawn := svg(results):
        path.with_suffix(".svg").write_text(drawn)


def main():
    arguments = read_arguments()
    os.chdir(BENCH)
    if arguments.show:
        return show(arguments.show)
    tools = ["wrk"] + ["strace"] * arguments.syscalls + ["valgrind"] * arguments.instructions
    environment.require_tools(tools)
    peers = [name for name in arguments.servers if name in PACKAGES]
    versions, failures = environment.make_venv(
        arguments.python, peers, arguments.upgrade, services.packages(arguments.rows)
    )
    if arguments.setup:
        return print("\n".join(f"{name} {version}" for name, version in versions.items()))
    servers = make_servers(arguments, versions, failures)
    python = environment.VENV / "bin" / "python"
    results = Results(environment.machine(python), describe_method(arguments), versions)
    with tempfile.TemporaryDirectory(prefix="ringhorn-bench-") as folder:
        counter = count_under_load if arguments.syscalls else None
        ws_load = None
        if any(ROWS[key].messages for key in arguments.rows):
            ws_load = environment.build_tool("ws_load", arguments.ws_load)
        method = Method(
            Path(folder),
            arguments.seconds,
            arguments.warm_up,
            count_syscalls=counter,
            ws_load=ws_load,
        )
        with services.running(arguments.rows, folder, arguments.floor):
            run_rows(arguments, servers, method, results)
        if arguments.instructions:
            results.method["instructions"] = count_instructions(servers, Path(folder))
    write(arguments, results)
    print(text_table(results))
    print("\n" + markdown_table(results))


if __name__ == "__main__":
    sys.exit(main())
