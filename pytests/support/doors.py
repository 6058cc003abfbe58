"""The doors into the server. Tests run once per door and cannot tell the doors apart.

`executable`  the program that embeds CPython: RINGHORN_EXECUTABLE
`extension`   `python -m ringhorn` in the user's interpreter: RINGHORN_PYTHON
`uvicorn`     the oracle, for comparing by hand (`--door uvicorn`): tests that hold a stricter
              promise than uvicorn's fail through it, and that is what it is for
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from support.patience import SANITIZED, seconds

APPS = Path(__file__).resolve().parent.parent / "apps"

# Settings of the machine that runs the tests; a server under test must not see them. PYTHONMALLOC
# stays: the sanitized runs set it.
_HIDDEN_PREFIXES = ("RINGHORN_", "UVICORN_", "PYTHON", "PYTEST_", "COVERAGE_", "VIRTUAL_ENV")
_KEPT = ("PYTHONMALLOC",)

INSIDE = "RINGHORN_LOOP_TESTS"  # set inside the executable that runs the tests of the loop


def clean_environment() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if name in _KEPT or not name.startswith(_HIDDEN_PREFIXES)
    }


@dataclass(frozen=True)
class Door:
    name: str
    command: tuple[str, ...]
    program: str = "ringhorn"  # as usage and version name it
    title: str = "Ringhorn"  # as the banner names it
    environment: dict[str, str] = field(default_factory=dict, hash=False)
    io: str = "auto"  # as --io says
    loop: str = "auto"  # as --loop says

    @property
    def oracle(self) -> bool:
        return self.program == "uvicorn"

    @property
    def takes_long_tests(self) -> bool:
        """Of the rows of packaging/test, the one on which tests of more than two seconds run."""
        return self.name == "executable" and self.io == "auto" and not SANITIZED

    def environ(self, extra: dict[str, str | None] | None = None) -> dict[str, str]:
        """The environment of a server: clean, plus the door's own, plus `extra` (None removes)."""
        merged = {**clean_environment(), **self.environment, **(extra or {})}
        return {name: value for name, value in merged.items() if value is not None}

    def run(
        self,
        *arguments: str,
        env: dict[str, str | None] | None = None,
        cwd: str | Path | None = None,
        timeout: float = 20,
        command: tuple[str, ...] | None = None,
    ) -> subprocess.CompletedProcess:
        """Runs a command line that ends by itself: --help, --version, failures to start."""
        return subprocess.run(
            [*(command or self.command), *arguments],
            env=self.environ(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="backslashreplace",
            timeout=seconds(timeout),
        )


def virtual_environment() -> str:
    """The environment whose packages the executable serves with."""
    if venv := os.environ.get("RINGHORN_VENV"):
        return venv
    if python := os.environ.get("RINGHORN_PYTHON"):
        prefix = Path(python).parent.parent
        if (prefix / "pyvenv.cfg").exists():
            return str(prefix)
    return sys.prefix


def named(name: str, io: str = "auto", loop: str = "auto") -> Door:
    """The door of this name, with the backend and the event loop of its servers (conftest.py)."""
    chosen = {"RINGHORN_IO": io, "RINGHORN_LOOP": loop}
    own = {variable: value for variable, value in chosen.items() if value != "auto"}
    if name == "executable":
        return Door(
            name,
            (os.environ["RINGHORN_EXECUTABLE"],),
            environment={"VIRTUAL_ENV": virtual_environment(), **own},
            io=io,
            loop=loop,
        )
    if name == "extension":
        command = (os.environ["RINGHORN_PYTHON"], "-m", "ringhorn")
        return Door(name, command, environment=own, io=io, loop=loop)
    return oracle()


def oracle() -> Door:
    python = os.environ.get("RINGHORN_ORACLE_PYTHON") or sys.executable
    return Door("uvicorn", (python, "-m", "uvicorn"), program="uvicorn", title="Uvicorn")


def available() -> list[str]:
    """The doors that this run can open, the oracle left out."""
    variables = {"executable": "RINGHORN_EXECUTABLE", "extension": "RINGHORN_PYTHON"}
    return [name for name, variable in variables.items() if os.environ.get(variable)]
