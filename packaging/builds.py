"""What the tests need and packaging/test makes: interpreters, environments, builds."""

import glob
import hashlib
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from jobs import ROOT, STATE, Result, run

# Each module compiled as one file: a third of the time. The sanitized build that has the unit
# tests compiles every file for itself.
WHOLE_MODULES = ["-Dunity=on", "-Dunity_size=1000"]
BUILDS = {
    "release": ["-Dbuildtype=release", "-Db_lto=true", *WHOLE_MODULES],
    "sanitized": [
        "-Dbuildtype=debug",
        "-Doptimization=1",
        "-Db_sanitize=address,undefined",
        "-Db_lundef=false",
    ],
}
# Whose extension is out of the wheel that packaging/wheel makes; the others are `pip install .`.
PROFILED = "3.11"
SETUP = ROOT / "packaging/setup.sh"
REQUIREMENTS = ROOT / "pytests/requirements.txt"
DIST = STATE / "dist"
MESON = STATE / "venv/tools/bin/meson"
NODE = STATE / "node"
NODE_PACKAGES = ["ws@8.23.0"]


@dataclass
class Python:
    """An interpreter of the matrix and what is made for it."""

    version: str
    path: str

    @property
    def venv(self) -> Path:
        return STATE / "venv" / f"test-{self.version}"

    def build_dir(self, build: str) -> Path:
        # The release for Debian's own interpreter is the one that packaging/serve uses.
        if build == "release" and self.path == "/usr/bin/python3":
            return STATE / "release"
        return STATE / f"{build}-{self.version}"


def find_pythons(versions: list[str]) -> dict[str, Python]:
    """For each version one interpreter: the system's, of PATH, or pyenv's newest."""
    probe = (
        "import os, sys, sysconfig, venv, ensurepip; print('%d.%d' % sys.version_info[:2],"
        " sys.implementation.name, sys._base_executable,"
        " os.path.exists(sysconfig.get_path('include') + '/Python.h'))"
    )
    found: dict[str, Python] = {}
    for version in versions:
        of_pyenv = glob.glob(f"{Path.home()}/.pyenv/versions/{version}.*/bin/python{version}")
        newest_first = sorted(of_pyenv, key=lambda path: [int(n) for n in re.findall(r"\d+", path)])
        candidates = ["/usr/bin/python3", shutil.which(f"python{version}"), *newest_first[::-1]]
        for candidate in filter(None, candidates):
            done = subprocess.run([candidate, "-c", probe], capture_output=True, text=True)
            words = done.stdout.split()
            if words[:2] == [version, "cpython"] and words[3] == "True":
                path = candidate if candidate.startswith("/usr/bin/") else words[2]
                found[version] = Python(version, path)
                break
    return found


def setup(log: Path, *call, env: dict[str, str] | None = None) -> None:
    """Calls a function of setup.sh."""
    run(log, ["bash", "-euo", "pipefail", "-c", '. "$0"; "$@"', SETUP, *call], env)


def build(result: Result, python: Python, kind: str, units: bool) -> None:
    directory = python.build_dir(kind)
    doors = ["-Dexecutable=enabled", "-Dextension=disabled"]
    files = WHOLE_MODULES if kind == "sanitized" and not units else []
    options = [*BUILDS[kind], *files, f"-Dpython={python.path}", *doors]
    setup(result.log, "configure", directory, *options)
    mark = directory / "with-unit-tests"
    if units and not mark.exists():
        # Not an option of `configure`, so that packaging/serve keeps this build as it is.
        run(result.log, [MESON, "configure", directory, "-Dunit_tests=true"])
        mark.touch()
    setup(result.log, "build", directory)


def build_fuzzers(result: Result) -> None:
    compiler = "ccache clang++" if shutil.which("ccache") else "clang++"
    setup(
        result.log, "configure", STATE / "fuzz", "-Dbuildtype=debugoptimized", "-Dfuzz=true",
        "-Dexecutable=disabled", "-Dextension=disabled", "-Db_lundef=false",
        env={"CXX": compiler},
    )  # fmt: skip
    setup(result.log, "build", STATE / "fuzz", env={"CXX": compiler})


def environment(result: Result, python: Python) -> None:
    setup(result.log, "make_venv", python.venv, python.path, REQUIREMENTS)


def node_modules(result: Result) -> None:
    """The clients of other languages that the tests talk to."""
    setup(result.log, "make_node_modules", NODE, *NODE_PACKAGES)


def install(result: Result, python: Python) -> None:
    """The extension into that environment, as a user does it."""
    stamp, content = python.venv / "ringhorn-stamp", content_of_the_wheel()
    if stamp.exists() and stamp.read_text() == content:
        return
    stamp.unlink(missing_ok=True)
    what = [f"--config-settings=build-dir={STATE}/wheel-{python.version}", ROOT]
    if python.version == PROFILED:
        what = [make_wheel(result, python)]
    pip = [python.venv / "bin/python", "-m", "pip"]
    run(result.log, [*pip, "install", "-v", "--force-reinstall", "--no-deps", *what])
    stamp.write_text(content)


def make_wheel(result: Result, python: Python) -> Path:
    run(result.log, [ROOT / "packaging/wheel", python.path])
    wheels = DIST.glob(f"*-cp{python.version.replace('.', '')}-*.whl")
    return max(wheels, key=lambda wheel: wheel.stat().st_mtime)


def content_of_the_wheel() -> str:
    """A digest of what a wheel is made of."""
    digest = hashlib.sha256()
    paths = [ROOT / name for name in ("meson.build", "meson_options.txt", "pyproject.toml")]
    paths += [ROOT / "packaging" / name for name in ("wheel", "training.py")]
    for top in ("include", "src"):
        paths += sorted(path for path in (ROOT / top).rglob("*") if path.is_file())
    for path in paths:
        if "__pycache__" not in path.parts:
            digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return digest.hexdigest()
