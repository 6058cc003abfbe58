"""CPython's own asyncio tests, of the interpreter at hand, on Ringhorn's loop.

Each module runs in a process of its own, as CPython runs it. What is left out is in deselected.py.
"""

import json
import os
import pkgutil
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import deselected
import pytest
from support.patience import seconds

HERE = Path(__file__).parent
LONGEST = ("test_subprocess", "test_ssl", "test_taskgroups")  # they begin first


def all_modules():
    """Debian has them in a package of its own, libpython3.11-testsuite."""
    import test.test_asyncio

    found = pkgutil.iter_modules(test.test_asyncio.__path__)
    return [module.name for module in found if module.name.startswith("test_")]


def run_module(name, folder):
    report = folder / f"{name}.json"
    # Some modules want to be imported beside others, some write files where they are.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    done = subprocess.run(
        [sys.executable, HERE / "run_module.py", name, report],
        cwd=folder, env=environment, stdin=subprocess.DEVNULL, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds(150),
    )  # fmt: skip
    assert done.returncode == 0 and report.exists(), done.stdout[-4000:]
    return json.loads(report.read_text()), done.stdout


def names_with(outcomes, outcome):
    return sorted(name for name, of_test in outcomes.items() if of_test["outcome"] == outcome)


@pytest.fixture(scope="session")
def reports(request, tmp_path_factory):
    """Those of all modules that this run asks for. Most of the time they sleep: three at a time."""
    wanted = [item.callspec.params["module"] for item in request.session.items
              if "reports" in item.fixturenames]  # fmt: skip
    wanted.sort(key=lambda name: name not in LONGEST)
    with ThreadPoolExecutor(3) as pool:
        folder = tmp_path_factory.mktemp
        yield {name: pool.submit(run_module, name, folder(name)) for name in wanted}


@pytest.mark.slow
@pytest.mark.timeout(seconds(180))
@pytest.mark.parametrize("module", [m for m in all_modules() if m not in deselected.MODULES])
def test_loop_passes_asyncios_own_tests(module, reports):
    outcomes, output = reports[module].result()
    counts = {
        kind: len(names_with(outcomes, kind)) for kind in ("passed", "skipped", "deselected")
    }
    print(module, counts)
    failed = names_with(outcomes, "failed")
    assert not failed, "\n".join(f"{name}:\n{outcomes[name]['text']}" for name in failed)
    assert counts["passed"] > 0, output
    unused = {pattern for pattern in deselected.TESTS if pattern.startswith(module + ".")}
    unused -= {of["text"] for of in outcomes.values() if of["outcome"] == "deselected"}
    assert not unused, "these patterns of deselected.py fit no test"


def test_every_deselection_has_a_reason_and_a_module():
    for pattern, reason in (deselected.MODULES | deselected.TESTS).items():
        assert re.fullmatch(r"test_\w+(\..+)?", pattern) and len(reason) > 12
    assert not deselected.MODULES.keys() & {p.split(".")[0] for p in deselected.TESTS}


def test_failures_of_a_module_are_seen(tmp_path):
    """The runner itself: a test that fails on our loop is reported as one."""
    package = tmp_path / "test" / "test_asyncio"
    package.mkdir(parents=True)
    for folder in (package.parent, package):
        (folder / "__init__.py").touch()
    (package / "test_red.py").write_text(
        "import asyncio, unittest\n"
        "class Red(unittest.TestCase):\n"
        "    def test_loop(self):\n"
        "        self.fail('red')\n"
        "    def test_parts(self):\n"
        "        with self.subTest(part=1):\n"
        "            self.fail('red part')\n"
    )
    report = tmp_path / "report.json"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    command = [sys.executable, HERE / "run_module.py", "test_red", report]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    outcomes = json.loads(report.read_text())
    assert names_with(outcomes, "failed") == ["Red.test_loop", "Red.test_parts"]
