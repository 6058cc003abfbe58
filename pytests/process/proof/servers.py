"""How each server is started for the proof, and which of the asked-for things it can do at all.

Ringhorn is the built one (RINGHORN_EXECUTABLE or RINGHORN_PYTHON); its features are read from its
own --help. The peers come from PyPI into an environment of the proof.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from proof import clock
from support import doors
from support.doors import APPS, Door

PACKAGES = {
    "uvicorn": ("uvicorn[standard]",),
    "gunicorn": ("gunicorn",),
    "gunicorn-uvicorn": ("gunicorn", "uvicorn[standard]", "uvicorn-worker"),
    "granian": ("granian",),
    "hypercorn": ("hypercorn",),
    "h2corn": ("h2corn",),
    "peregrine": ("peregrine-server",),
}
PEERS = tuple(PACKAGES)


@dataclass(frozen=True)
class Wishes:
    """What a cell asks of the server's command line; None: the server's default."""

    port: int = 0
    workers: int = 2
    max_requests: int | None = None
    max_rss_mib: int | None = None
    max_age: float | None = None
    health_check: float | None = None  # seconds after which a worker counts as hung
    grace: int = 30
    access_log: bool = False
    preload: bool = False
    balance: str | None = None
    pid_file: Path | None = None


@dataclass(frozen=True)
class Kind:
    """A server: `command` makes its arguments, `features` says what it knows."""

    name: str
    command: Callable[[Wishes], list[str]]
    features: frozenset[str] = frozenset()
    environment: dict[str, str] = field(default_factory=dict)
    versions: tuple[str, ...] = ()  # the packages that are told in the report


# What the machine offers, not the server.
_TOOLS = frozenset({"clock"} if clock.available() else ())


def option(name: str, value) -> list[str]:
    return [] if value is None else [name, str(value)]


# Ringhorn.

_FEATURES = {
    "workers": "--workers",
    "ttin": "--workers",
    "hup": "--timeout-startup",
    "usr2": "--workers",
    "max-requests": "--limit-max-requests",
    "max-rss": "--limit-max-rss",
    "max-age": "--limit-max-age",
    "health-check": "--timeout-worker-healthcheck",
    "pid-file": "--pid",
    "preload": "--preload",
    "balance": "--balance",
    "websockets": "--ws",
}


@cache
def help_text(door: Door) -> str:
    return door.run("--help").stdout


def ringhorn(door: Door) -> Kind:
    words = set(help_text(door).replace(",", " ").split())
    known = {feature for feature, name in _FEATURES.items() if name in words}

    def command(wishes: Wishes) -> list[str]:
        return [
            *door.command,
            *["traced:app", "--app-dir", str(APPS), "--port", str(wishes.port)],
            *(["--workers", str(wishes.workers)] if "workers" in known else []),
            *(["--access-log"] if wishes.access_log else ["--no-access-log"]),
            *["--timeout-graceful-shutdown", str(wishes.grace)],
            *option("--limit-max-requests", wishes.max_requests),
            *option("--limit-max-rss", wishes.max_rss_mib),
            *option("--limit-max-age", wishes.max_age),
            *option("--timeout-worker-healthcheck", wishes.health_check),
            *option("--pid", wishes.pid_file),
            *option("--balance", wishes.balance),
            *(["--preload"] if wishes.preload else []),
        ]

    name = "ringhorn" if door.name == "executable" else f"ringhorn-{door.name}"
    return Kind(name, command, frozenset(known) | _TOOLS, door.environ())


# The peers.


def uvicorn(program: str, wishes: Wishes) -> list[str]:
    return [
        *[program, "traced:app", "--port", str(wishes.port), "--workers", str(wishes.workers)],
        *["--timeout-graceful-shutdown", str(wishes.grace), "--no-access-log"],
        *option("--limit-max-requests", wishes.max_requests),
        *option("--timeout-worker-healthcheck", wishes.health_check),
    ]


def gunicorn(program: str, wishes: Wishes, worker: str = "asgi") -> list[str]:
    return [
        *[program, "traced:app", "-k", worker, "-w", str(wishes.workers), "--no-control-socket"],
        *["-b", f"127.0.0.1:{wishes.port}", "--graceful-timeout", str(wishes.grace)],
        *option("--max-requests", wishes.max_requests),
        *option("--timeout", wishes.health_check),
        *option("--pid", wishes.pid_file),
        *(["--preload"] if wishes.preload else []),
    ]


def gunicorn_uvicorn(program: str, wishes: Wishes) -> list[str]:
    return gunicorn(program, wishes, "uvicorn_worker.UvicornWorker")


def granian(program: str, wishes: Wishes) -> list[str]:
    return [
        *[program, "traced:app", "--interface", "asgi", "--port", str(wishes.port)],
        *["--workers", str(wishes.workers), "--respawn-failed-workers"],
        *option("--workers-lifetime", wishes.max_age),
        *option("--workers-max-rss", wishes.max_rss_mib),
    ]


def hypercorn(program: str, wishes: Wishes) -> list[str]:
    return [
        *[program, "traced:app", "-w", str(wishes.workers), "-b", f"127.0.0.1:{wishes.port}"],
        *["--graceful-timeout", str(wishes.grace)],
        *option("--max-requests", wishes.max_requests),
    ]


def h2corn(program: str, wishes: Wishes) -> list[str]:
    return [
        *[program, "traced:app", "--host", "127.0.0.1", "--port", str(wishes.port)],
        *["--workers", str(wishes.workers), "--no-access-log"],
        *["--timeout-graceful-shutdown", str(wishes.grace)],
        *option("--max-requests", wishes.max_requests),
        *option("--timeout-worker-healthcheck", wishes.health_check),
    ]


def peregrine(program: str, wishes: Wishes) -> list[str]:
    return [
        *[program, "--host", "127.0.0.1", "--port", str(wishes.port)],
        *["--workers", str(wishes.workers), "--graceful-timeout", str(wishes.grace * 1000)],
        "traced:app",
    ]


# name: its program, its arguments, what it can do beside the signals that all know.
_SIGNALS = frozenset({"workers", "hup", "websockets"}) | _TOOLS
_PEERS = {
    "uvicorn": ("uvicorn", uvicorn, {"ttin", "max-requests", "health-check"}),
    "gunicorn": ("gunicorn", gunicorn, {"ttin", "usr2", "max-requests", "health-check"}),
    "gunicorn-uvicorn": (
        "gunicorn",
        gunicorn_uvicorn,
        {"ttin", "usr2", "max-requests", "health-check"},
    ),
    "granian": ("granian", granian, {"max-age", "max-rss"}),
    "hypercorn": ("hypercorn", hypercorn, {"max-requests"}),
    "h2corn": ("h2corn", h2corn, {"ttin", "max-requests", "health-check"}),
    "peregrine": ("peregrine", peregrine, {"ttin"}),
}


def peer(name: str, environment: Path) -> Kind:
    """REQUIRES: its packages are installed in that virtual environment."""
    program, make, features = _PEERS[name]
    path = str(environment / "bin" / program)
    packages = tuple(word.partition("[")[0] for word in PACKAGES[name])
    variables = {
        **doors.clean_environment(),
        "PYTHONPATH": str(APPS),
        "VIRTUAL_ENV": str(environment),
        "PATH": f"{environment}/bin:/usr/bin:/bin",
    }
    return Kind(
        name,
        lambda wishes: make(path, wishes),
        _SIGNALS | features,
        variables,
        packages,
    )
