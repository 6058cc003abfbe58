"""What the bench needs around it: wrk, a virtual environment with the peers, and their versions.

A peer that cannot be installed stays in the table with pip's last line as the reason.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from servers import PACKAGES, ROOT

sys.path.append(str(ROOT / "pytests"))
from support import peers  # noqa: E402
from support.peers import PeerEnvironment, say  # noqa: E402

FRAMEWORKS = ("starlette", "fastapi")
# What else a figure may hang on: loops, parsers, what the frameworks stand on.
BESIDE = ("anyio", "pydantic", "pydantic_core", "uvloop", "httptools", "h11", "websockets")
VENV = ROOT / ".build" / "bench-venv"


def require_tools(names):
    """Installs the missing Debian packages as root; otherwise says which command does."""
    packages = {"wrk": "wrk", "strace": "strace", "valgrind": "valgrind", "perf": "linux-perf"}
    missing = [packages[name] for name in names if shutil.which(name) is None]
    if not missing:
        return
    install = ["apt-get", "install", "-y", "--no-install-recommends", *missing]
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        sys.exit(f"The bench needs {', '.join(missing)}; run: sudo {' '.join(install)}")
    say(f"installing {', '.join(missing)}")
    if subprocess.run(install, stdout=sys.stderr).returncode:
        sys.exit(f"could not install {', '.join(missing)}")


def make_venv(python, names, upgrade=False, more=()):
    """Makes the environment, installs what is missing, `more` too; returns ({package: version},
    {peer: why not})."""
    environment = PeerEnvironment(VENV)
    environment.make(python)
    wanted = {name: PACKAGES[name] for name in names}
    failed = environment.install([*FRAMEWORKS, *more, *wanted.values()], upgrade)
    versions = environment.versions()
    told = [package.partition("[")[0] for package in wanted.values()]
    told += [*FRAMEWORKS, *more, *BESIDE]
    return (
        {name: versions[name] for name in told if name in versions},
        {name: failed[package] for name, package in wanted.items() if package in failed},
    )


def build_tool(name, given=None):
    """A program of ctests/bench (`floor`, the bare responder; `ws_load`), built in release mode and
    brought up to date; None when it cannot be."""
    if given:
        return Path(given)
    directory = ROOT / ".build" / "bench"
    target = f"ctests/bench/{name}"
    setup = ["meson", "setup", directory, ROOT, "-Dbench=true", "-Dbuildtype=release"]
    setup += ["-Dexecutable=disabled", "-Dextension=disabled"]
    steps = [] if (directory / "build.ninja").exists() else [setup]
    for step in [*steps, ["ninja", "-C", directory, target]]:
        if shutil.which(step[0]) is None:
            say(f"no {name}: {step[0]} is not installed")
            return None
        ended = subprocess.run(step, capture_output=True, text=True)
        if ended.returncode:
            say(f"no {name}: {(ended.stderr or ended.stdout).strip().splitlines()[-1]}")
            return None
    return directory / target


def machine(python):
    """What the figures depend on and no reader can see in them."""
    version = subprocess.run(
        [python, "-c", "import sys; print(sys.version)"], capture_output=True, text=True
    )
    wrk = subprocess.run(["wrk", "-v"], capture_output=True, text=True)
    return peers.machine() | {
        "interpreter": version.stdout.replace("\n", " ").strip(),
        "wrk": (wrk.stdout + wrk.stderr).splitlines()[0].strip(),
    }
