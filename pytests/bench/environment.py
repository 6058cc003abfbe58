"""What the bench needs around it: wrk, a virtual environment with the peers, and their versions.

Each peer is installed by a pip run of its own, so that one that cannot be installed does not
take the others with it: it stays in the table with pip's last line as the reason.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

from servers import PACKAGES, ROOT

FRAMEWORKS = ("starlette", "fastapi")
# What else a figure may hang on: loops, parsers, what the frameworks stand on.
BESIDE = ("anyio", "pydantic", "pydantic_core", "uvloop", "httptools", "h11", "websockets")
VENV = ROOT / ".build" / "bench-venv"


def say(text):
    print(text, file=sys.stderr, flush=True)


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


def installed(python):
    """{package: version} of an interpreter's environment, names in lower case."""
    program = (
        "import importlib.metadata as m, json; print(json.dumps("
        "{d.metadata['Name'].lower(): d.version for d in m.distributions()}))"
    )
    listed = subprocess.run([python, "-c", program], capture_output=True, text=True, check=True)
    return json.loads(listed.stdout)


def make_venv(python, peers, venv=VENV, upgrade=False):
    """Makes the environment, installs what is missing; returns ({package: version},
    {peer: why not})."""
    interpreter = venv / "bin" / "python"
    if not interpreter.exists():
        say(f"making {venv} for {python}")
        subprocess.run([python, "-m", "venv", venv], check=True)
    versions = installed(interpreter)
    failures = {}
    wanted = {name: name for name in FRAMEWORKS}
    wanted |= {name: PACKAGES[name] for name in peers}
    for name, requirement in wanted.items():
        if requirement.partition("[")[0] in versions and not upgrade:
            continue
        say(f"installing {requirement}")
        pip = [interpreter, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        ended = subprocess.run(
            [*pip, "--upgrade", requirement], capture_output=True, text=True
        )
        if ended.returncode:
            lines = ended.stderr.strip().splitlines() or ["pip failed"]
            failures[name] = f"not installed: {lines[-1]}"
            say(f"  {failures[name]}")
    versions = installed(interpreter)
    told = [PACKAGES[name].partition("[")[0] for name in peers] + [*FRAMEWORKS, *BESIDE]
    return {name: versions[name] for name in told if name in versions}, failures


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


def cpu_model():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def commit():
    git = ["git", "-C", ROOT, "describe", "--always", "--dirty", "--abbrev=10"]
    found = subprocess.run(git, capture_output=True, text=True)
    return found.stdout.strip()


def machine(python):
    """What the figures depend on and no reader can see in them."""
    version = subprocess.run(
        [python, "-c", "import sys; print(sys.version)"], capture_output=True, text=True
    )
    wrk = subprocess.run(["wrk", "-v"], capture_output=True, text=True)
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "commit": commit(),
        "kernel": platform.release(),
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "load_average_at_start": os.getloadavg()[0],
        "interpreter": version.stdout.replace("\n", " ").strip(),
        "wrk": (wrk.stdout + wrk.stderr).splitlines()[0].strip(),
    }
