"""Fixtures of the black-box tests: every test runs through each door that is set up.

    RINGHORN_EXECUTABLE=build/ringhorn RINGHORN_PYTHON=venv/bin/python pytest pytests
    pytest pytests --door uvicorn        # the oracle, to compare by hand

`serve` starts a server of the test's own; `shared` lends one that other tests use too.
"""

from __future__ import annotations

import os

import pytest
from support import doors, forbid
from support.patience import seconds
from support.server import Server


def pytest_addoption(parser) -> None:
    parser.addoption(
        "--door",
        action="append",
        choices=["executable", "extension", "uvicorn"],
        help="test through this door only (repeatable); default: all that are set up",
    )
    parser.addoption(
        "--io",
        choices=["auto", "uring", "epoll"],
        default="auto",
        help="the backend of every server that does not choose one itself (default: auto); epoll "
        "also forbids io_uring to this run and all that it starts, as a container does",
    )
    parser.addoption(
        "--loop",
        default="auto",
        help="the event loop of every server that does not choose one itself (default: auto)",
    )


def pytest_configure(config) -> None:
    if config.getoption("--io") == "epoll":
        forbid.forbid(forbid.IO_URING_SETUP)
    config.addinivalue_line("markers", "slow: takes more than two seconds")
    config.addinivalue_line("markers", "holds(number, …): the numbered requirements that it holds")


def pytest_collection_modifyitems(items) -> None:
    for item in items:
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(seconds(60)))


def pytest_generate_tests(metafunc) -> None:
    if "door" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--door") or doors.available() or ["none"]
        metafunc.parametrize("door", chosen, indirect=True, scope="session")


@pytest.fixture(scope="session")
def door(request) -> doors.Door:
    if request.param == "none":
        pytest.fail("no door: set RINGHORN_EXECUTABLE or RINGHORN_PYTHON")
    option = request.config.getoption
    return doors.named(request.param, option("--io"), option("--loop"))


@pytest.fixture
def serve(door):
    """`with serve("module:app", *options, env=…) as server:` checks the server's end."""
    started: list[Server] = []

    def start(app: str, *options: str, **settings) -> Server:
        started.append(Server(door, app, *options, **settings))
        return started[-1]

    yield start
    for server in started:
        server.kill()


@pytest.fixture(scope="session")
def pool(door):
    """Servers that live for the session, by application and options."""
    servers: dict[tuple, Server] = {}
    yield servers
    problems = []
    for server in servers.values():
        server.ask_to_stop()
    for server in servers.values():
        try:
            server.check_end()
        except AssertionError as problem:
            problems.append(str(problem))
    assert not problems, "\n\n".join(problems)


@pytest.fixture
def shared(door, pool):
    """`shared("raw:app", *options)`: a server that earlier tests may have used, and later ones do.

    A server that died during the test fails that test and is replaced for the next one.
    """
    borrowed: dict[tuple, int] = {}  # where its stderr stood

    def borrow(app: str = "raw:app", *options: str) -> Server:
        key = (app, *options)
        if key not in pool:
            pool[key] = Server(door, app, *options)
        borrowed.setdefault(key, pool[key].mark())
        return pool[key]

    yield borrow
    for key, mark in borrowed.items():
        pool[key].check_reports(mark)
        if not pool[key].running():
            server = pool.pop(key)
            server.wait()
            text = "\n".join(server.stderr_lines()[-60:])
            pytest.fail(f"the shared server died (status {server.process.returncode}):\n{text}")


@pytest.fixture
def server(shared) -> Server:
    """The shared server of apps/raw.py with default options."""
    return shared()


class Release:
    """What an application of apps/lifespans.py waits for, told its `path` as RELEASE."""

    def __init__(self, folder) -> None:
        self.path = str(folder / "release")
        os.mkfifo(self.path)

    def open(self) -> None:
        """Returns when the application has heard."""
        with open(self.path, "wb"):
            pass


@pytest.fixture
def release(tmp_path) -> Release:
    return Release(tmp_path)
