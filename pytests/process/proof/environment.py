"""Where the peers of a full run come from, and what its figures depend on."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from proof.servers import PACKAGES

ROOT = Path(__file__).resolve().parents[3]
VENV = ROOT / ".build" / "proof-venv"


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def set_up(python: str, peers: list[str], upgrade: bool) -> None:
    """Makes the environment and installs the peers that it lacks. Raises CalledProcessError."""
    interpreter = VENV / "bin" / "python"
    if not interpreter.exists():
        say(f"making {VENV} for {python}")
        subprocess.run([python, "-m", "venv", VENV], check=True)
    wanted = dict.fromkeys(package for peer in peers for package in PACKAGES[peer])
    present = versions()
    missing = [name for name in wanted if upgrade or name.partition("[")[0] not in present]
    if missing:
        say(f"installing {', '.join(missing)}")
        pip = [interpreter, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        subprocess.run([*pip, "--upgrade", *missing], check=True)


def versions() -> dict[str, str]:
    """{package: version} of the environment."""
    program = (
        "import importlib.metadata as m, json; print(json.dumps("
        "{d.metadata['Name'].lower(): d.version for d in m.distributions()}))"
    )
    python = VENV / "bin" / "python"
    if not python.exists():
        return {}
    return json.loads(subprocess.run([python, "-c", program], capture_output=True).stdout)


def cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def machine() -> dict[str, str | int | float]:
    git = ["git", "-C", ROOT, "describe", "--always", "--dirty", "--abbrev=10"]
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": subprocess.run(git, capture_output=True, text=True).stdout.strip(),
        "kernel": platform.release(),
        "cpu": cpu_model(),
        "cores": os.cpu_count() or 0,
        "python": platform.python_version(),
        "load average at start": os.getloadavg()[0],
    }
