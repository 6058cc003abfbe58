"""What the bench and the proof share: an environment of peers, and what figures hang on."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def comma_list(text: str) -> list[str]:
    """For argparse: the words between commas."""
    return [word for word in text.split(",") if word]


class PeerEnvironment:
    """A virtual environment at `folder`, made when it is first needed."""

    def __init__(self, folder: Path) -> None:
        self.python = folder / "bin" / "python"
        self._folder = folder

    def make(self, python: str) -> None:
        """With that interpreter, unless it is there. Raises CalledProcessError."""
        if not self.python.exists():
            say(f"making {self._folder} for {python}")
            subprocess.run([python, "-m", "venv", self._folder], check=True)

    def versions(self) -> dict[str, str]:
        """{package: version}, names in lower case; empty when there is no environment yet."""
        if not self.python.exists():
            return {}
        program = (
            "import importlib.metadata as m, json; print(json.dumps("
            "{d.metadata['Name'].lower(): d.version for d in m.distributions()}))"
        )
        listed = subprocess.run([self.python, "-c", program], capture_output=True, check=True)
        return json.loads(listed.stdout)

    def install(self, requirements: list[str], upgrade: bool = False) -> dict[str, str]:
        """Each that is missing, by a pip run of its own: {requirement: pip's last line} of those
        that cannot be had."""
        present = self.versions()
        failures = {}
        for requirement in requirements:
            if requirement.partition("[")[0] in present and not upgrade:
                continue
            say(f"installing {requirement}")
            pip = [self.python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
            ended = subprocess.run(
                [*pip, "--upgrade", requirement], capture_output=True, text=True
            )
            if ended.returncode:
                lines = ended.stderr.strip().splitlines() or ["pip failed"]
                failures[requirement] = f"not installed: {lines[-1]}"
                say(f"  {failures[requirement]}")
        return failures


def cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def machine() -> dict[str, str | int | float]:
    """What figures depend on and no reader can see in them."""
    git = ["git", "-C", ROOT, "describe", "--always", "--dirty", "--abbrev=10"]
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": subprocess.run(git, capture_output=True, text=True).stdout.strip(),
        "kernel": platform.release(),
        "cpu": cpu_model(),
        "cores": os.cpu_count() or 0,
        "load_average_at_start": os.getloadavg()[0],
    }
