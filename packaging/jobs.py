"""Jobs that run a few at a time, each with a log, a line and a count: the machinery of suites.py.

A job that breaks before it can report counts as one failure, and so does each job that needed it.
"""

import os
import re
import subprocess
import time
import xml.etree.ElementTree as ElementTree
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

JOBS = 3  # on two cores: tests wait more than they work
JOB_SECONDS_MAX = 1200
SHOWN_LINES = 20

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / ".build"
LOGS = STATE / "logs"


# The lines of compilers, Meson and pytest that say what is wrong.
TELLING = re.compile(r"\berror:|\bERROR:|^E {1,7}\S|\bruntime error\b|AddressSanitizer")


class JobFailed(Exception):
    """A job that cannot report: its log says why."""


@dataclass
class Result:
    name: str
    log: Path
    passed: int = 0
    skipped: int = 0
    failures: list[str] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)  # of `failures`: what broke around a case
    unsteady: list[str] = field(default_factory=list)  # passed, but only when tried again

    def add(self, other: "Result") -> None:
        self.passed += other.passed
        self.skipped += other.skipped
        self.failures += other.failures
        self.torn += other.torn

    def tried_again(self, second: "Result") -> None:
        """Counts as passed what failed and, alone with the other failures, passes in `second`.

        Not what was torn: the leak that a fixture finds at the end of a session is no case's own.
        """
        failed_twice = {*second.failures, *self.torn}
        if second.passed + len(second.failures) < len(set(self.failures)):
            return  # it did not run them all
        self.unsteady += [name for name in self.failures if name not in failed_twice]
        self.failures = [name for name in self.failures if name in failed_twice]
        self.passed += len(self.unsteady)


def run(log: Path, command: list, env: dict[str, str] | None = None, check: bool = True) -> int:
    """Runs a command with its output in the log."""
    with log.open("a") as out:
        print("$", *command, file=out, flush=True)
        try:
            status = subprocess.run(
                [str(part) for part in command],
                cwd=ROOT,
                env={**os.environ, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                timeout=JOB_SECONDS_MAX,
            ).returncode
        except subprocess.TimeoutExpired:
            print(f"gave up after {JOB_SECONDS_MAX} s", file=out)
            status = 124
    if check and status != 0:
        raise JobFailed(f"{Path(str(command[0])).name} ended with status {status}")
    return status


def read_junit(result: Result, report: Path) -> None:
    """Adds the cases of a JUnit report of pytest."""
    failed, torn = set(), set()
    for case in ElementTree.parse(report).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        if case.find("error") is not None:
            torn.add(name)
        elif case.find("failure") is not None:
            failed.add(name)
        elif case.find("skipped") is not None:
            result.skipped += 1
        else:
            result.passed += 1
    result.failures += sorted(failed | torn)
    result.torn += sorted(torn)


def read_catch(result: Result, report: Path, context: str) -> None:
    """Adds the cases of Catch2's own report.

    Its JUnit reporter keeps every assertion, and dies of a suite with millions of them.
    """
    for case in ElementTree.parse(report).iter("TestCase"):
        outcome = case.find("OverallResult")
        if outcome is not None and outcome.get("success") == "true":
            result.passed += 1
        else:
            result.failures.append(f"{context}{case.get('name')}")


class Jobs:
    """Runs jobs in their order, a few at a time; a job waits for those that it needs.

    What a job needs is always submitted before it, so the oldest running job never waits.
    """

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(JOBS)
        self.futures: list[Future] = []

    def add(self, name: str, needs: list[Future], function, *arguments, **options) -> Future:
        future = self.pool.submit(self._run, name, needs, function, arguments, options)
        self.futures.append(future)
        return future

    @staticmethod
    def _run(name: str, needs: list[Future], function, arguments, options) -> Result:
        result = Result(name, LOGS / f"{re.sub('[^a-z0-9.]+', '-', name)}.log")
        result.log.unlink(missing_ok=True)
        result.log.touch()
        broken = [need.result().name for need in needs if need.result().failures]
        begin = time.monotonic()
        try:
            if broken:
                raise JobFailed(f"not run: {', '.join(broken)} failed")
            function(result, *arguments, **options)
        except JobFailed as problem:
            result.failures.append(str(problem))
        except Exception as problem:  # a bug here is a failure of the job, not of the others
            result.failures.append(f"{type(problem).__name__}: {problem}")
        report(result, time.monotonic() - begin)
        return result


def report(result: Result, seconds: float) -> None:
    counts = f"{result.passed} passed" if result.passed or result.failures else "done"
    if result.skipped:
        counts += f", {result.skipped} skipped"
    if result.failures:
        counts += f", {len(result.failures)} failed"
    lines = [f"{result.name:<36} {counts} ({seconds:.0f} s)"]
    lines += [f"    UNSTEADY {name}: failed, then passed" for name in result.unsteady]
    lines += [f"    FAILED {name}" for name in result.failures]
    if result.failures:
        logged = result.log.read_text(errors="replace").splitlines()
        telling = [line for line in logged if TELLING.search(line)][:SHOWN_LINES]
        lines += [f"    | {line}" for line in telling or logged[-SHOWN_LINES:]]
        lines.append(f"    the whole log: {result.log}")
    print("\n".join(lines), flush=True)
