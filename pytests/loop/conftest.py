"""The event loop is tested inside the interpreter that runs pytest: it must have `_ringhorn`.

A run through the executable has no such interpreter: there test_executable.py makes the executable
run all the others inside itself.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os

import pytest
from support.doors import INSIDE

SERVED = ("test_tasks.py",)  # black-box: through each door
OUTSIDE = ("cpython",)  # folders: the loop alone, in an interpreter without a server


def through_the_executable(config) -> bool:
    doors = config.getoption("--door", default=None)
    chosen = set(doors) if doors else {"executable"} if _only_the_executable() else {"extension"}
    return chosen == {"executable"} and INSIDE not in os.environ


def _only_the_executable() -> bool:
    return "RINGHORN_EXECUTABLE" in os.environ and "RINGHORN_PYTHON" not in os.environ


def pytest_ignore_collect(collection_path, config):
    name = collection_path.name
    if not name.startswith("test_"):
        return None
    if name in SERVED:
        return INSIDE in os.environ or None
    if collection_path.parent.name in OUTSIDE:
        return INSIDE in os.environ or through_the_executable(config) or None
    return (name == "test_executable.py") != through_the_executable(config) or None


@pytest.fixture(scope="session")
def native():
    """The module itself: no test passes where it cannot be imported."""
    import _ringhorn

    return _ringhorn


@pytest.fixture
def loop(native):
    """A new loop, closed at the end. Nothing may have gone to its exception handler unnoticed."""
    loop = native.new_event_loop()
    loop.reported = []
    loop.set_exception_handler(lambda _, context: loop.reported.append(context))
    yield loop
    if not loop.is_closed():
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
    gc.collect()
    assert loop.reported == []


@pytest.fixture
def run(loop):
    """`run(coroutine)` on the test's loop."""
    return loop.run_until_complete


@pytest.fixture
def errors(caplog):
    """What asyncio has logged, as texts."""
    caplog.set_level(logging.WARNING, logger="asyncio")
    return lambda: [record.getMessage() for record in caplog.records]


@pytest.fixture(autouse=True)
def nothing_left_behind():
    """Every test leaves the thread as it found it: no running loop, no current task."""
    yield
    assert asyncio._get_running_loop() is None
