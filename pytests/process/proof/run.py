#!/usr/bin/env python3
"""The proof that deploys, crashes and recycling lose nothing.

    RINGHORN_EXECUTABLE=... pytests/process/proof/run.py     a minute a cell, three times
    pytests/process/proof/run.py --short --cells hup,kill    seconds, as CI runs it
    pytests/process/proof/run.py --servers peers             the same against other servers

Ringhorn is taken from RINGHORN_EXECUTABLE, or RINGHORN_PYTHON for `python -m ringhorn`. The peers
come from PyPI into an environment of the proof's own (--setup installs them and ends). Results go
to a JSON file, and as a table of cells and servers to the terminal.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:1] = [str(HERE.parent), str(HERE.parent.parent)]

from proof import environment  # noqa: E402
from proof.cells import CELLS, FULL, SHORT  # noqa: E402
from proof.report import line, markdown  # noqa: E402
from proof.result import Result  # noqa: E402
from proof.runner import missing, run_cell  # noqa: E402
from proof.servers import PEERS, peer, ringhorn  # noqa: E402
from support import doors  # noqa: E402
from support.peers import comma_list, say  # noqa: E402

RESULTS = HERE / "results"


def read_arguments():
    first, _, rest = __doc__.partition("\n")
    parser = argparse.ArgumentParser(
        description=first, epilog=rest, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--servers",
        type=comma_list,
        default=["ringhorn"],
        help="ringhorn (default), peers for all of " + ",".join(PEERS) + ", or names of these",
    )
    parser.add_argument("--cells", type=comma_list, default=list(CELLS), help=",".join(CELLS))
    parser.add_argument("--workers", type=comma_list, default=["2", "1"], help="default 2,1")
    parser.add_argument("--times", type=int, default=0, help="runs of each cell; default 3")
    parser.add_argument("--faults", type=int, help="faults in a run, instead of 30")
    parser.add_argument("--short", action="store_true", help="the pace of CI, once")
    parser.add_argument("--python", default="/usr/bin/python3", help="for the peers' environment")
    parser.add_argument("--setup", action="store_true", help="only install the peers")
    parser.add_argument("--upgrade", action="store_true", help="bring the peers up to date first")
    parser.add_argument("--folder", type=Path, help="keeps traces and logs there")
    parser.add_argument("--output", type=Path, default=RESULTS / "latest.json")
    parser.add_argument("--show", type=Path, nargs="+", help="print earlier JSON files as a table")
    arguments = parser.parse_args()
    arguments.times = arguments.times or (1 if arguments.short else 3)
    if "peers" in arguments.servers:
        at = arguments.servers.index("peers")
        arguments.servers[at : at + 1] = PEERS
    if unknown := [name for name in arguments.cells if name not in CELLS]:
        parser.error(f"unknown cells: {', '.join(unknown)}; there are {', '.join(CELLS)}")
    if unknown := set(arguments.servers) - {"ringhorn", *PEERS}:
        parser.error(f"unknown servers: {', '.join(sorted(unknown))}")
    return arguments


def make_kind(name):
    if name in PEERS:
        return peer(name, environment.VENV)
    found = doors.available()
    if not found:
        sys.exit("set RINGHORN_EXECUTABLE or RINGHORN_PYTHON")
    return ringhorn(doors.named(found[0]))


def run_all(arguments, folder):
    """Results as they come; a server that lacks what a cell needs is passed over."""
    pace = SHORT if arguments.short else FULL
    if arguments.faults:
        pace = replace(pace, times=arguments.faults)
    kinds = [make_kind(name) for name in arguments.servers]
    for cell in map(CELLS.get, arguments.cells):
        for workers in (count for count in cell.workers if str(count) in arguments.workers):
            for kind in (kind for kind in kinds if not missing(kind, cell, workers)):
                for number in range(arguments.times):
                    place = folder / f"{kind.name}-{cell.name}-{workers}-{number}"
                    place.mkdir(parents=True)
                    yield run_cell(kind, cell, workers, pace, place)


def write(arguments, told, results):
    arguments.output.parent.mkdir(exist_ok=True, parents=True)
    text = json.dumps({"machine": told, "results": [r.as_json() for r in results]}, indent=1)
    arguments.output.write_text(text + "\n")


def show(paths):
    results = []
    for path in paths:
        results += [Result(**fields) for fields in json.loads(path.read_text())["results"]]
    print(markdown(results))


def main():
    arguments = read_arguments()
    if arguments.show:
        return show(arguments.show)
    peers = [name for name in arguments.servers if name in PEERS]
    versions = environment.set_up(arguments.python, peers, arguments.upgrade) if peers else {}
    told = environment.machine() | {"versions": versions}
    if arguments.setup:
        return print(json.dumps(told, indent=1))
    results = []
    with tempfile.TemporaryDirectory(prefix="ringhorn-proof-") as temporary:
        for result in run_all(arguments, arguments.folder or Path(temporary)):
            say(line(result))
            results.append(result)
            write(arguments, told, results)
    print(markdown(results))
    return 1 if any(r.problems for r in results if r.server not in PEERS) else 0


if __name__ == "__main__":
    sys.exit(main())
