"""How each server is started: one worker, access log off, `apps:app` on 127.0.0.1.

The peers come from PyPI into a virtual environment of the bench; Ringhorn is the built one that
RINGHORN_EXECUTABLE or RINGHORN_PYTHON names; the floor is the bare responder of ctests/bench.
A server that cannot be had stays in the table with the reason in its place.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path

from processes import Program, StartError, free_port

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent.parent
PEERS = ("uvicorn", "granian", "h2corn", "peregrine", "freastal")
MORE_PEERS = ("gunicorn", "hypercorn", "fastpysgi", "m0serve", "uvicorn-wsproto")
PACKAGES = {
    "uvicorn": "uvicorn[standard]",
    "granian": "granian",
    "h2corn": "h2corn",
    "peregrine": "peregrine-server",
    "freastal": "freastal",
    "gunicorn": "gunicorn",
    "hypercorn": "hypercorn",
    "fastpysgi": "fastpysgi",
    "m0serve": "m0serve",
    "uvicorn-wsproto": "wsproto",  # uvicorn itself comes with "uvicorn"
}

FREASTAL = "import freastal, apps; freastal.serve_asgi(apps.app, host='127.0.0.1', port={port})"
HOST = ["--host", "127.0.0.1"]
COMMANDS = {
    "uvicorn": lambda port: [
        *["uvicorn", "apps:app", *HOST, "--port", port, "--no-access-log"],
        *["--loop", "uvloop", "--http", "httptools"],
    ],
    "uvicorn-wsproto": lambda port: [*COMMANDS["uvicorn"](port), "--ws", "wsproto"],
    "granian": lambda port: [
        *["granian", "--interface", "asgi", "--no-access-log", "--loop", "uvloop"],
        *["--workers", "1", "--runtime-threads", "1", *HOST, "--port", port, "apps:app"],
    ],
    "h2corn": lambda port: [
        *["h2corn", "apps:app", "--workers", "1", "--no-access-log", *HOST, "--port", port],
    ],
    "peregrine": lambda port: [
        *["peregrine", "--workers", "1", "--max-connections", "20000", *HOST, "--port", port],
        "apps:app",
    ],
    "freastal": lambda port: ["python", "-c", FREASTAL.format(port=port)],
    "gunicorn": lambda port: [
        *["gunicorn", "apps:app", "-k", "asgi", "-w", "1", "-b", f"127.0.0.1:{port}"],
    ],
    "hypercorn": lambda port: ["hypercorn", "apps:app", "-w", "1", "-b", f"127.0.0.1:{port}"],
    "fastpysgi": lambda port: ["fastpysgi", "apps:app", "-l", "0", *HOST, "-p", port],
    "m0serve": lambda port: [
        *["m0serve", "apps:app", "--workers", "1", "--protocol", "asgi"],
        *["--max-keepalive-requests", "0", *HOST, "--port", port],
    ],
}


# Settings of the run that a server would take for its own.
HIDDEN = ("RINGHORN_", "UVICORN_", "GRANIAN_", "H2CORN_", "M0_", "WEB_CONCURRENCY")


def outer_environment():
    return {name: value for name, value in os.environ.items() if not name.startswith(HIDDEN)}


@dataclass
class Server:
    """`command(port, row)` is what is executed; `missing` says why it cannot be."""

    name: str
    command: object = None
    environment: dict = field(default_factory=dict)
    version: str = ""
    missing: str = ""
    start_seconds: float = 30

    def start(self, row, folder, core=0):
        if self.missing:
            raise StartError(self.missing)
        port = free_port()
        environment = {**outer_environment(), **self.environment, "BENCH_APP": row.app}
        log = folder / f"{self.name}.log"
        program = Program(self.command(str(port), row), port, log, environment, BENCH, core)
        try:
            program.wait_listening(self.start_seconds)
        except StartError:
            program.stop()
            raise
        return program


def site_packages(venv):
    return next(venv.glob("lib/python3.*/site-packages"), venv)


def peer(name, venv, versions, failures):
    package = PACKAGES[name].partition("[")[0]

    def command(port, row):
        first, *rest = COMMANDS[name](port)
        return [str(venv / "bin" / first), *rest]

    missing = failures.get(name, "")
    if not missing and package not in versions:
        missing = f"{package} is not installed"
    environment = {"PYTHONPATH": str(BENCH), "PATH": f"{venv / 'bin'}:{os.environ['PATH']}"}
    return Server(name, command, environment, versions.get(package, ""), missing)


def ringhorn_doors():
    """The doors that are there, quickest first: (name, the words that start the command).

    Debian's python3 was optimised as a whole when it was linked; its static library, which the
    executable has, could not be, and runs Python code a tenth slower.
    """
    doors = []
    if python := os.environ.get("RINGHORN_PYTHON"):
        doors.append(("python", [python, "-m", "ringhorn"]))
    if executable := os.environ.get("RINGHORN_EXECUTABLE"):
        doors.append(("executable", [executable]))
    return doors


def ringhorn(name, venv):
    """Ringhorn on the bench's own frameworks. What follows `ringhorn-` chooses the door, otherwise
    the quickest there is, and the I/O backend, otherwise the server's own choice."""
    chosen = name.split("-")[1:]
    door = next((word for word in chosen if word in ("executable", "python")), None)
    io = next((word for word in chosen if word in ("epoll", "uring")), "auto")
    doors = [words for label, words in ringhorn_doors() if door in (None, label)]
    if not doors:
        wanted = {"executable": "RINGHORN_EXECUTABLE", "python": "RINGHORN_PYTHON"}
        names = wanted.get(door, "RINGHORN_EXECUTABLE or RINGHORN_PYTHON")
        return Server(name, missing=f"{names} is not set")
    if not Path(doors[0][0]).exists():
        return Server(name, missing=f"{doors[0][0]} does not exist")

    def command(port, row):
        return [*doors[0], "apps:app", *HOST, "--port", port, "--no-access-log", "--io", io]

    path = os.pathsep.join((str(BENCH), str(site_packages(venv))))
    environment = {"PYTHONPATH": path, "VIRTUAL_ENV": str(venv)}
    return Server(name, command, environment, " ".join(map(str, doors[0])))


def floor(path):
    if path is None:
        return Server("floor", missing="ctests/bench/floor could not be built")

    def command(port, row):
        return [str(path), "--port", port, *row.limit]

    return Server("floor", command, version=str(path))


def make_server(name, venv, versions, failures, floor_path=None):
    if name == "floor":
        return floor(floor_path)
    if name in PACKAGES:
        return peer(name, venv, versions, failures)
    if name.startswith("ringhorn"):
        return ringhorn(name, venv)
    return Server(name, missing="unknown server")
