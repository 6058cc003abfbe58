"""Where the peers of a full run come from, and what its figures depend on."""

from __future__ import annotations

import platform
import sys

from proof.servers import PACKAGES
from support import peers
from support.peers import ROOT, PeerEnvironment

VENV = ROOT / ".build" / "proof-venv"


def set_up(python: str, names: list[str], upgrade: bool) -> dict[str, str]:
    """Makes the environment and installs the peers that it lacks; their versions.

    Exits when one cannot be had: a table with a gap would look like a loss.
    """
    environment = PeerEnvironment(VENV)
    environment.make(python)
    wanted = dict.fromkeys(package for name in names for package in PACKAGES[name])
    if failures := environment.install(list(wanted), upgrade):
        sys.exit("; ".join(f"{package}: {why}" for package, why in failures.items()))
    return environment.versions()


def machine() -> dict[str, str | int | float]:
    return peers.machine() | {"python": platform.python_version()}
