"""SIGUSR2: a new program takes the sockets, and either of the two may go. robustness 84."""

import contextlib
import os
import signal

import pytest
from support.doors import APPS
from support.holds import holds
from support.patience import seconds


@pytest.fixture
def start(serve, door, tmp_path):
    """A server of its own application, whose `main.py` lies in `start.folder`."""
    if door.oracle:
        pytest.skip("uvicorn has no SIGUSR2")
    (tmp_path / "main.py").write_text("from raw import app\n")

    def start(*options: str):
        env = {"PYTHONPATH": str(APPS)}
        return serve(
            "main:app", "--workers", "1", *options, cwd=tmp_path, app_dir=tmp_path, env=env
        )

    start.folder = tmp_path
    return start


@contextlib.contextmanager
def upgraded(server):
    """The pid of the new program; it does not outlive the test."""
    server.send_signal(signal.SIGUSR2)
    new = int(server.wait_for_line(r"started the new program \[(\d+)\]")[1])
    try:
        yield new
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.kill(new, signal.SIGKILL)
        raise


@holds("robustness_84")
def test_old_program_goes_and_the_new_one_serves_on(start):
    file, beside = start.folder / "pid", start.folder / "pid.2"
    with start("--pid", "pid") as server, upgraded(server) as new:
        server.wait_for_line(rf"The new program \[{new}\] serves")
        assert (file.read_text(), beside.read_text()) == (f"{server.pid}\n", f"{new}\n")
        server.send_signal(signal.SIGTERM)
        assert server.process.wait(seconds(20)) == 0
        server.wait_for_line("The program before this one is gone")
        assert server.get("/hello").body == b"hello"
        assert (file.read_text(), beside.exists()) == (f"{new}\n", False)
        os.kill(new, signal.SIGTERM)
        server.wait_for_line(rf"Stopping parent process \[{new}\]")
    assert not file.exists()


@holds("robustness_84")
def test_new_program_goes_and_the_old_one_serves_on(start):
    with start() as server, upgraded(server) as new:
        server.wait_for_line(rf"The new program \[{new}\] serves")
        server.send_signal(signal.SIGUSR2)
        server.wait_for_line("Received SIGUSR2; a new program runs already")
        os.kill(new, signal.SIGTERM)
        server.wait_for_line(rf"The new program \[{new}\] ended: exit status 0")
        assert server.get("/hello").body == b"hello"


@holds("robustness_84", "lesson_15")
def test_new_program_that_does_not_start_changes_nothing(start):
    with start() as server:
        (start.folder / "main.py").write_text("def\n")
        with upgraded(server) as new:
            server.wait_for_line(rf"The new program \[{new}\] ended: exit status 3")
            assert server.get("/hello").body == b"hello"


@holds("robustness_80")
def test_logs_are_not_opened_anew(start):
    with start() as server:
        server.send_signal(signal.SIGUSR1)
        server.wait_for_line("Received SIGUSR1; there are no log files to open anew")
        assert server.get("/hello").body == b"hello"
