"""Runs the tests, and before each what it needs (builds.py): the second half of packaging/test."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from concurrent.futures import Future
from pathlib import Path

from builds import (
    MESON,
    NODE,
    PROFILED,
    Python,
    build,
    build_fuzzers,
    environment,
    find_pythons,
    install,
    node_modules,
)
from jobs import LOGS, ROOT, STATE, JobFailed, Jobs, Result, read_catch, read_junit, run

# What runs where: CPython, build, door, I/O backend (auto takes io_uring, epoll runs as in a
# container that forbids it). Everything that is slow is here to be tuned.
MATRIX = [
    ("3.11", "release", "executable", "auto"),
    ("3.11", "release", "executable", "epoll"),
    ("3.11", "release", "extension", "auto"),
    ("3.11", "sanitized", "executable", "auto"),
    ("3.12", "release", "extension", "auto"),
    ("3.12", "sanitized", "executable", "epoll"),
    ("3.13", "release", "extension", "epoll"),
    ("3.13", "sanitized", "executable", "auto"),
    ("3.14", "release", "extension", "auto"),
    ("3.14", "sanitized", "executable", "auto"),
]
# The rows that also run pytests/libraries, whose packages are for CPython 3.11 and 3.12 only.
LIBRARIES = [
    ("3.11", "release", "executable", "auto"),
    ("3.11", "release", "executable", "epoll"),
    ("3.12", "release", "extension", "auto"),
]
# The same server on other event loops (--loop): what depends on when the driver has its turns.
FOREIGN_LOOPS = [
    ("3.11", "sanitized", "executable", "asyncio"),
    ("3.12", "release", "extension", "uvloop"),
]
FOREIGN_TESTS = [
    "pytests/http/test_cycle.py",
    "pytests/loop/test_tasks.py",
    "pytests/http/test_body_flow.py",
    # Ten seconds of a sanitized build.
    "--deselect=pytests/http/test_body_flow.py::test_upload_that_nobody_reads_is_not_buffered",
    "pytests/http/test_timeouts.py::test_idle_connection_is_closed_in_silence",
    "pytests/http/test_timeouts.py::test_header_timeout_is_absolute",
    "pytests/http/test_timeouts.py::test_body_that_stalls_gets_408_and_a_disconnect",
    "pytests/lifespan/test_lifespan.py::test_lifespan_is_told_once_of_start_and_stop",
    "pytests/lifespan/test_lifespan.py::test_startup_that_never_completes_can_be_stopped",
    "pytests/process/test_signals.py::test_signal_stops_an_idle_server_with_uvicorns_lines",
    "pytests/process/test_signals.py::test_stream_is_finished_before_the_end",
    "pytests/process/test_signals.py::test_second_signal_ends_the_server_at_once",
]
# Once: to compile the unit tests for the release, too, takes as long as the server itself.
UNIT_BUILDS = [("3.11", "sanitized")]
BUDGETS_BUILD = ("3.11", "release")
# Tests of tests, which say nothing of a build.
OF_TESTS = ["pytests/http/test_numbers.py", "pytests/process/test_proof_client.py"]
FUZZ_SECONDS = 15  # of four targets: a minute
# A few cases that fail in a full run get a second one; those that pass then are named.
SECOND_TRIES_MAX = 5

SANITIZER_ENVIRONMENT = {
    "ASAN_OPTIONS": "abort_on_error=1:detect_leaks=0",  # the interpreter keeps what it has at exit
    "UBSAN_OPTIONS": "abort_on_error=1:halt_on_error=1:print_stacktrace=1",
    "PYTHONMALLOC": "malloc",
    "RINGHORN_SANITIZED": "1",
}


def meson_tests(directory: Path, suite: str) -> list[dict]:
    listed = subprocess.check_output([MESON, "introspect", "--tests", directory])
    return [test for test in json.loads(listed) if any(suite in name for name in test["suite"])]


def unit(result: Result, directory: Path, kind: str) -> None:
    """The Catch2 programs, one by one: Meson would count a program as one test."""
    # Unlike the interpreter, these must leave nothing behind.
    env = {**SANITIZER_ENVIRONMENT, "ASAN_OPTIONS": "abort_on_error=1"}
    tests = meson_tests(directory, "unit")
    for test in tests:
        report = result.log.with_suffix(f".{test['name']}.xml")
        report.unlink(missing_ok=True)
        command = [*test["cmd"], "-r", "xml", "-o", report]
        status = run(result.log, command, env if kind == "sanitized" else None, check=False)
        before = len(result.failures)
        with contextlib.suppress(OSError, ElementTree.ParseError):
            read_catch(result, report, f"{test['name']}: ")
        if status != 0 and len(result.failures) == before:
            result.failures.append(f"{test['name']}: ended with status {status}")
        if status != 0:
            run(result.log, test["cmd"], env if kind == "sanitized" else None, check=False)
    if not tests:
        raise JobFailed("there are no unit tests")


def fuzz(result: Result) -> None:
    """Each target for a while, from its seeds on."""
    tests = meson_tests(STATE / "fuzz", "fuzz")
    for test in tests:
        command = [*test["cmd"], f"-max_total_time={FUZZ_SECONDS}"]
        status = run(result.log, command, check=False)
        if status == 0:
            result.passed += 1
        else:
            result.failures.append(f"{test['name']}: ended with status {status}")
    if not tests:
        raise JobFailed("there are no fuzz targets")


def run_pytest(result: Result, python: Python, arguments: list, env: dict[str, str]) -> None:
    cache = result.log.with_suffix(".cache")
    shutil.rmtree(cache, ignore_errors=True)
    command = [python.venv / "bin/python", "-m", "pytest", "-v", "-o", f"cache_dir={cache}"]
    env = {
        **env,
        "RINGHORN_VENV": str(python.venv),
        "RINGHORN_NODE_MODULES": str(NODE / "node_modules"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }

    def once(log: Path, *options: str) -> tuple[Result, int]:
        counted, report = Result(result.name, log), log.with_suffix(".xml")
        report.unlink(missing_ok=True)
        call = [*command, f"--junitxml={report}", *options, *arguments]
        status = run(result.log, call, env, check=False)
        if report.exists():
            read_junit(counted, report)
        elif not (status == 5 and sys.argv[1:]):  # nothing selected
            raise JobFailed(f"pytest ended with status {status}")
        return counted, status

    counted, status = once(result.log)
    result.add(counted)
    if status != 0 and not counted.failures and status != 5:
        result.failures.append(f"pytest ended with status {status}")
    if counted.failures and len(counted.failures) <= SECOND_TRIES_MAX:
        result.tried_again(once(result.log.with_suffix(".again.log"), "--last-failed")[0])
    if result.passed + len(result.failures) == 0 and not sys.argv[1:]:
        raise JobFailed("no test ran")


def black_box(result: Result, python: Python, kind: str, door: str, arguments: list) -> None:
    env = {"RINGHORN_EXECUTABLE": str(python.build_dir(kind) / "src/ringhorn")}
    if kind == "sanitized":
        env |= SANITIZER_ENVIRONMENT
    if door == "extension":
        env = {"RINGHORN_PYTHON": str(python.venv / "bin/python")}
    run_pytest(result, python, [f"--door={door}", *arguments], env)


class Plan:
    """Adds jobs in an order in which each comes after those that it needs."""

    def __init__(self, jobs: Jobs, pythons: dict[str, Python]) -> None:
        self.jobs = jobs
        self.pythons = pythons
        self.made: dict[str, Future] = {}

    def once(self, name: str, needs: list[Future], function, *arguments) -> Future:
        if name not in self.made:
            self.made[name] = self.jobs.add(name, needs, function, *arguments)
        return self.made[name]

    def venv(self, python: Python) -> Future:
        return self.once(f"environment, {python.version}", [], environment, python)

    def node(self) -> Future:
        return self.once("node modules", [], node_modules)

    def package(self, python: Python) -> Future:
        name = "wheel" if python.version == PROFILED else "pip install"
        return self.once(f"{name}, {python.version}", [self.venv(python)], install, python)

    def executable(self, python: Python, kind: str, units: bool) -> Future:
        name = f"build, {kind}, {python.version}"
        return self.once(name, [], build, python, kind, units)

    def everything(self) -> None:
        built_fuzzers = self.once("build, fuzz", [], build_fuzzers)
        self.tidy(["pytests/tidy", *OF_TESTS])
        for version, kind in UNIT_BUILDS:
            if python := self.pythons.get(version):
                built = self.executable(python, kind, units=True)
                self.once(f"unit, {kind}", [built], unit, python.build_dir(kind), kind)
        self.once("fuzz", [built_fuzzers], fuzz)
        self.black_box(["pytests", *(f"--ignore={path}" for path in OF_TESTS)])
        self.foreign_loops()
        self.budgets()

    def selected(self, arguments: list[str]) -> None:
        """Only what pytest shall do: the arguments that are paths choose the suites."""
        paths = [word for word in arguments if (ROOT / word.partition("::")[0]).exists()]
        others = [word for word in arguments if word not in paths]
        tidy = [word for word in paths if "pytests/tidy" in word]
        if tidy or not paths:
            self.tidy((tidy or ["pytests/tidy"]) + others)
        if paths != tidy or not paths:
            chosen = [word for word in paths if word not in tidy] or ["pytests"]
            self.black_box(chosen + others)

    def tidy(self, arguments: list[str]) -> None:
        python = next(iter(self.pythons.values()))
        self.once("tidy", [self.venv(python)], run_pytest, python, arguments, {})

    def black_box(self, arguments: list[str]) -> None:
        ignored = ["--ignore=pytests/tidy", "--ignore=pytests/bench"]
        for version, kind, door, io in MATRIX:
            options = [f"--io={io}", *ignored, *arguments]
            if (version, kind, door, io) not in LIBRARIES:
                options.append("--ignore=pytests/libraries")
            self.through_door(version, kind, door, f", {io}" if io != "auto" else "", options)

    def foreign_loops(self) -> None:
        for version, kind, door, loop in FOREIGN_LOOPS:
            self.through_door(version, kind, door, f", {loop}", [f"--loop={loop}", *FOREIGN_TESTS])

    def through_door(self, version: str, kind: str, door: str, what: str, options: list) -> None:
        if python := self.pythons.get(version):
            units = (version, kind) in UNIT_BUILDS
            built = (
                self.executable(python, kind, units)
                if door == "executable"
                else self.package(python)
            )
            name = f"pytest, {door}, {kind}, {version}{what}"
            needs = [self.venv(python), self.node(), built]
            self.once(name, needs, black_box, python, kind, door, options)

    def budgets(self) -> None:
        """Counts of instructions and system calls: once, for the build that users run."""
        version, kind = BUDGETS_BUILD
        if python := self.pythons.get(version):
            built = self.executable(python, kind, BUDGETS_BUILD in UNIT_BUILDS)
            needs = [self.venv(python), built]
            paths = ["pytests/bench/test_budgets.py"]
            self.once("budgets", needs, black_box, python, kind, "executable", paths)


def main() -> int:
    begin = time.monotonic()
    LOGS.mkdir(parents=True, exist_ok=True)
    os.environ["CCACHE_NOHASHDIR"] = "1"  # the builds of one kind share their objects
    versions = list(dict.fromkeys(row[0] for row in MATRIX))
    pythons = find_pythons(versions)
    for version in versions:
        place = pythons[version].path if version in pythons else "not here: its tests are left out"
        print(f"CPython {version}: {place}", flush=True)
    jobs = Jobs()
    plan = Plan(jobs, pythons)
    if sys.argv[1:]:
        plan.selected(sys.argv[1:])
    else:
        plan.everything()
    results = [future.result() for future in jobs.futures]
    passed = sum(result.passed for result in results)
    failed = sum(len(result.failures) for result in results)
    print(f"\n{(time.monotonic() - begin) / 60:.1f} minutes; logs in {LOGS}")
    if unsteady := sum(len(result.unsteady) for result in results):
        print(f"{unsteady} of those that passed needed a second try: each hides a fault")
    if passed + failed == 0:
        print("no test was selected")
        return 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
