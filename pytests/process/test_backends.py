"""io_uring and epoll: which one serves and what the server says about it; what either survives.

Refusals come from a seccomp filter, as in a container, and from strace, which can make any system
call fail with any error: robustness 73, 89, 90.
"""

import contextlib
import os
import shutil
import sys
from pathlib import Path

import pytest
from support import forbid
from support.checks import post, still_serves
from support.doors import APPS
from support.holds import holds

WHICH = "Using epoll: "


@pytest.fixture(autouse=True)
def ours(door):
    if door.oracle:
        pytest.skip("the oracle has no such option")


@pytest.fixture
def ring(door):
    if door.io == "epoll":
        pytest.skip("this run has no io_uring")


def without_ring(door) -> tuple[str, ...]:
    return (sys.executable, forbid.__file__, str(forbid.IO_URING_SETUP), *door.command)


def traced(door, *options: str, log=os.devnull) -> tuple[str, ...]:
    """The server as the process that is started, strace beside it."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    return ("strace", "-D", "-f", "--seccomp-bpf", "-qq", "-o", str(log), *options, *door.command)


def faulty(door, *injections: str) -> tuple[str, ...]:
    calls = ",".join(each.partition(":")[0] for each in injections)
    return traced(door, f"--trace={calls}", *(f"--inject={each}" for each in injections))


def holds_a_ring(server) -> bool:
    links = []
    for entry in Path(f"/proc/{server.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # a client's, which was closed just now
            links.append(os.readlink(entry))
    return "anon_inode:[io_uring]" in links


def said_which(server) -> list[str]:
    return [line for line in server.stderr_lines() if "io_uring" in line or "epoll" in line]


def exercise(server) -> None:
    """Requests that meet each operation: many on one connection, large both ways, a timer."""
    large = b"x" * 300_000
    for _ in range(3):
        with server.connect() as connection:
            for _ in range(5):
                still_serves(connection)
            connection.send(post("/echo", large))
            assert connection.read_response().body == large
            connection.get("/sleep?seconds=0.02")
            assert connection.read_response().body == b"slept"


# Which one.


@holds("robustness_89")
def test_server_serves_on_epoll_where_io_uring_is_forbidden(serve, door):
    with serve("raw:app", command=without_ring(door), env={"RINGHORN_IO": None}) as server:
        exercise(server)
        said = said_which(server)
        assert len(said) == 1, said
        assert said[0].startswith(f"INFO:     {WHICH}io_uring is forbidden here (EPERM)"), said
        assert "seccomp" in said[0]


@holds("robustness_89", "robustness_73")
def test_server_that_must_have_io_uring_says_why_not_and_exits_with_3(door):
    ended = door.run(
        *("raw:app", "--port", "0", "--app-dir", str(APPS), "--io", "uring"),
        command=without_ring(door),
    )
    assert ended.returncode == 3, ended.stderr
    said = [line for line in ended.stderr.splitlines() if "io_uring" in line]
    assert len(said) == 1, ended.stderr
    assert said[0].startswith("ERROR:    io_uring is forbidden here (EPERM)"), said
    assert "Traceback" not in ended.stderr


def test_server_that_is_told_epoll_never_asks_for_a_ring(serve, door, tmp_path):
    log = tmp_path / "calls"
    command = traced(door, "--trace=io_uring_setup,epoll_create1", log=log)
    with serve("raw:app", "--io", "epoll", command=command) as server:
        exercise(server)
        assert not holds_a_ring(server)
        assert said_which(server) == []
    assert "epoll_create1(" in log.read_text()
    assert "io_uring_setup(" not in log.read_text()


def test_server_takes_the_ring_where_it_may_and_does_not_boast(serve, ring):
    with serve("raw:app") as server:
        exercise(server)
        assert holds_a_ring(server)
        assert said_which(server) == []


REFUSALS = {
    "no ring": ("io_uring_setup:error=ENOSYS", "this kernel has no io_uring"),
    "no memory": ("io_uring_setup:error=ENOMEM", "no memory for io_uring"),
    "no flags": ("io_uring_setup:error=EINVAL", "this kernel's io_uring is too old"),
    "no buffers": ("io_uring_register:error=EINVAL", "this kernel's io_uring is too old"),
}


@holds("robustness_89", "robustness_90")
@pytest.mark.parametrize("refusal", REFUSALS)
def test_server_serves_on_epoll_whatever_is_missing(serve, door, ring, refusal):
    injection, cause = REFUSALS[refusal]
    with serve("raw:app", command=faulty(door, injection)) as server:
        still = server.get("/hello")
        assert still.body == b"hello"
        (said,) = said_which(server)
        assert said.startswith(f"INFO:     {WHICH}{cause}"), said


# What it survives.

FAULTS = {
    "uring": [
        ["io_uring_enter:error=EINTR:when=4+3"],
        ["io_uring_enter:error=EBUSY:when=4+3"],
        ["io_uring_enter:error=EAGAIN:when=4+3"],
    ],
    "epoll": [
        ["epoll_wait,epoll_pwait2:error=EINTR:when=2+2"],
        ["epoll_pwait2:error=ENOSYS"],
        ["epoll_pwait2:error=EPERM", "recvfrom:error=EINTR:when=2+3"],
        ["sendto:error=EAGAIN:when=1"],
        ["sendmsg:error=EAGAIN:when=1"],
        ["accept4:error=ECONNABORTED:when=1+2"],
        ["accept4:error=EMFILE:when=2"],
        ["epoll_ctl:error=ENOSPC:when=3"],  # the listener's
    ],
}
CASES = [(io, faults) for io, cases in FAULTS.items() for faults in cases]


@holds("robustness_90")
@pytest.mark.parametrize(("io", "faults"), CASES, ids=[f"{io} {case[0]}" for io, case in CASES])
def test_server_survives_what_the_kernel_may_answer(serve, door, request, io, faults):
    if io == "uring":
        request.getfixturevalue("ring")
    with serve("raw:app", "--io", io, command=faulty(door, *faults)) as server:
        exercise(server)


@holds("robustness_90")
def test_connection_that_epoll_cannot_watch_ends_and_the_next_one_is_served(serve, door):
    """ENOSPC: fs.epoll.max_user_watches. The first three registrations are the server's own."""
    command = faulty(door, "epoll_ctl:error=ENOSPC:when=4")
    with serve("raw:app", "--io", "epoll", command=command) as server:
        with server.connect() as connection:
            assert connection.read_to_any_end() == (b"", "fin")
        exercise(server)
