"""Descriptors, memory, pipes and children: robustness 76, 79, 80, 83, 89; lessons 35 and 54."""

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.checks import post, request, show, still_serves
from support.doors import APPS
from support.holds import holds
from support.patience import SANITIZED, seconds
from support.ports import connect_when_up, free_port
from support.raw import Connection
from support.server import cpu_seconds, open_files, resident_bytes

HOST = "Host: test"


# Descriptors.


@pytest.mark.slow
@pytest.mark.skipif(SANITIZED, reason="UBSan needs a pipe of its own to look at memory")
@holds("robustness_76", "lesson_30")
def test_server_without_descriptors_keeps_serving_and_recovers(serve, door):
    """EMFILE on accept: those connected are served, no busy loop, those who wait for long are told
    so, and accept goes on later."""
    # The ring notes the limit when accept is armed: it must be low from the start.
    command = ("sh", "-c", 'ulimit -S -n 20; exec "$@"', "sh", *door.command)
    with serve("raw:app", command=command) as server:
        with server.connect() as early:
            still_serves(early)
            waiting = [server.connect() for _ in range(30)]
            for connection in waiting:
                connection.get("/hello")
            server.wait_for_line(r"^ERROR: .*(descriptor|open files|EMFILE)")
            used = cpu_seconds(server.pid)
            early.get("/sleep?seconds=1")
            assert early.read_response().body == b"slept"
            assert cpu_seconds(server.pid) - used < seconds(0.4), "accept is a busy loop"
            still_serves(early)
            shed = waiting.pop()
            assert shed.read_response().status == 503
            shed.expect_close()
            _, most = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
            resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (most, most))
            # Those that it has dropped were told so; the others are answered now.
            served = [connection.read_to_any_end() for connection in end_all(waiting)]
            assert sum(b"hello" in data for data, _ in served) >= 3
        assert server.get("/hello").body == b"hello"
        errors = [line for line in server.stderr_lines() if line.startswith("ERROR")]
        assert len(errors) < 10, errors


def end_all(connections: list[Connection]) -> list[Connection]:
    for connection in connections:
        try:
            connection.half_close()
        except OSError:
            pass  # shed by the server: its end is read all the same
    return connections


@holds("robustness_83", "lesson_54")
def test_every_descriptor_of_the_server_is_closed_on_exec(server):
    """A child must not hold a client's connection, the listener or the ring."""
    with server.connect() as connection:
        still_serves(connection)
        leaking = []
        for number in os.listdir(f"/proc/{server.pid}/fd"):
            flags = fdinfo_flags(server.pid, number)
            if int(number) > 2 and flags is not None and not flags & os.O_CLOEXEC:
                leaking.append((number, os.readlink(f"/proc/{server.pid}/fd/{number}")))
    assert not leaking


def fdinfo_flags(pid: int, number: str) -> int | None:
    try:
        text = Path(f"/proc/{pid}/fdinfo/{number}").read_text()
    except FileNotFoundError:
        return None
    return int(text.partition("flags:")[2].split()[0], 8)


@pytest.mark.slow
@pytest.mark.parametrize(
    "way",
    [
        "run",
        "popen",
        "asyncio",
        "shell",
        "multiprocessing-fork",
        "multiprocessing-spawn",
        "pool",
        "fork",
    ],
)
@holds("robustness_83", "asgi_03")
def test_child_processes_of_the_application_work(shared, way):
    server = shared("children:app")
    with server.connect(timeout=20) as connection:
        connection.get(f"/{way}")
        response = connection.read_response()
        assert (response.status, response.body) == (200, b"42"), response.body
        still_serves_plainly(connection)


def still_serves_plainly(connection) -> None:
    connection.get("/")
    assert connection.read_response().status == 200


@holds("robustness_83")
def test_child_sees_only_its_three_descriptors(shared):
    server = shared("children:app")
    with server.connect() as connection:
        connection.get("/descriptors")
        assert show(connection.read_response()) == ["0", "1", "2"]


def test_process_and_its_forked_children_know_their_own_numbers(shared):
    """The executable answers getpid() by itself: asyncio asks for it all the time."""
    server = shared("children:app")
    with server.connect() as connection:
        connection.get("/numbers")
        quick, *seen = show(connection.read_response())
        assert quick == (server.door.name == "executable")
        assert [own for own, _ in seen] == [real for _, real in seen]
        assert seen[0][0] == server.pid
        assert len({own for own, _ in seen}) == 3, "the server, its child and its grandchild"


# Pipes.


def start_plainly(door, **streams) -> tuple[subprocess.Popen, int]:
    """A server whose stderr the test reads by itself, up to its banner."""
    process = subprocess.Popen(
        [*door.command, "raw:app", "--port", "0", "--app-dir", str(APPS)],
        env=door.environ(),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        **streams,
    )
    for line in process.stderr:
        if b"running on" in line:
            return process, int(line.split(b"127.0.0.1:")[1].split()[0])
    raise AssertionError("the server did not start")


@holds("robustness_80")
def test_closed_output_pipes_harm_nobody(door):
    """SIGPIPE must not end the server; an ERROR and access lines have nowhere to go."""
    process, port = start_plainly(door, stdout=subprocess.PIPE)
    process.stdout.close()
    process.stderr.close()
    with Connection(port) as connection:
        for _ in range(50):
            still_serves(connection)
    with Connection(port) as connection:
        connection.get("/raise-before-start")
        assert connection.read_response().status == 500
    process.send_signal(signal.SIGTERM)
    assert process.wait(seconds(10)) == 0


@holds("robustness_80")
def test_output_pipe_that_nobody_reads_does_not_block_the_loop(door):
    """2,000 access lines of 200 bytes against 64 KiB of pipe."""
    process, port = start_plainly(door, stdout=subprocess.PIPE)
    with Connection(port) as connection:
        for _ in range(20):
            connection.send(request(f"GET /hello?{'x' * 150} HTTP/1.1", HOST) * 100)
            for _ in range(100):
                assert connection.read_response().status == 200
    process.stderr.close()
    process.send_signal(signal.SIGTERM)
    assert process.wait(seconds(10)) == 0
    process.stdout.close()


@holds("robustness_80")
def test_full_disk_harms_nobody(door):
    with open("/dev/full", "wb") as full:
        process, port = start_plainly(door, stdout=full)
    with Connection(port) as connection:
        for _ in range(50):
            still_serves(connection)
    process.stderr.close()
    process.send_signal(signal.SIGTERM)
    # The interpreter may complain about its own stdout at its end (status 120).
    assert process.wait(seconds(10)) in (0, 120)


@holds("robustness_80")
def test_standard_streams_that_are_closed_from_the_start(door):
    """`ringhorn main:app >&- 2>&- <&-`: sockets then get the numbers 0, 1 and 2."""
    port = free_port()
    arguments = [*door.command, "raw:app", "--port", str(port), "--app-dir", str(APPS)]
    process = subprocess.Popen(
        ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *arguments], env=door.environ()
    )
    try:
        with connect_when_up(process, port) as connection:
            for _ in range(5):
                still_serves(connection)
        process.send_signal(signal.SIGTERM)
        assert process.wait(seconds(10)) == 0
    finally:
        process.kill()
        process.wait()


# Memory.


@pytest.mark.slow
@pytest.mark.skipif(SANITIZED, reason="a sanitizer's memory is not ours")
@holds("lesson_35", "robustness_79")
def test_idle_connection_costs_at_most_2500_bytes(serve):
    options = ("--timeout-keep-alive", "120", "--no-access-log")
    with serve("raw:app", *options) as server:
        warm = [server.connect() for _ in range(300)]
        for connection in warm:
            still_serves(connection)
        before = resident_bytes(server.pid)
        idle = [server.connect() for _ in range(3000)]
        for connection in idle:
            still_serves(connection)
        grown = resident_bytes(server.pid) - before
        for connection in (*idle, *warm):
            connection.close()
        assert grown / 3000 <= 2500, f"{grown / 3000:.0f} bytes per connection"


@pytest.mark.slow
@pytest.mark.skipif(SANITIZED, reason="a sanitizer's memory is not ours")
@holds("lesson_35", "robustness_79")
def test_buffers_of_large_messages_are_given_back(serve):
    with serve("raw:app", "--timeout-keep-alive", "120") as server:
        body = b"x" * 8_000_000

        def round_of(count):
            for _ in range(count):
                with server.connect(timeout=20) as connection:
                    connection.send(post("/measure", body))
                    assert show(connection.read_response())["length"] == len(body)
                    connection.get("/sized?size=8000000")
                    assert len(connection.read_response().body) == 8_000_000

        round_of(5)
        before = resident_bytes(server.pid)
        round_of(20)
        assert resident_bytes(server.pid) - before < 16_000_000


@pytest.mark.slow
@pytest.mark.skipif(SANITIZED, reason="a sanitizer's memory is not ours")
@holds("robustness_79", "robustness_36")
def test_memory_after_many_requests_is_the_same(serve):
    """A leak of 20 bytes a request would be 1 MB."""
    with serve("raw:app", "--no-access-log") as server:
        batch = b"".join(
            [
                request("GET /hello?{} HTTP/1.1", HOST, "X-A: 1", "Cookie: a=b"),
                post("/echo", b"x" * 100),
                request("GET /stream?count=3&size=100 HTTP/1.1", HOST),
                request("GET /status?status=404 HTTP/1.1", HOST),
            ]
        )

        def round_of(count):
            for _ in range(count // 200):
                with server.connect() as connection:
                    connection.send(batch * 50)
                    for _ in range(200):
                        connection.read_response()

        round_of(80_000)  # the allocator's arenas settle within this
        before = resident_bytes(server.pid)
        round_of(40_000)
        assert resident_bytes(server.pid) - before < 800_000


# System calls.


@pytest.mark.slow
@holds("lesson_27", "lesson_33")
@pytest.mark.skipif(SANITIZED, reason="counts the calls of a release build")
def test_one_connection_costs_few_system_calls_a_request(serve, tmp_path, door):
    if door.oracle:
        pytest.skip("a budget of ours")
    counted = count_calls(serve, tmp_path, connections=1)
    most = 3.2 if door.io == "epoll" else 2.2  # epoll: wait, read, write
    assert counted <= most, f"{counted:.2f} system calls per request"


@pytest.mark.slow
@holds("lesson_27", "lesson_32")
@pytest.mark.skipif(SANITIZED, reason="counts the calls of a release build")
def test_batch_of_64_connections_costs_few_system_calls_a_request(serve, tmp_path, door):
    """Many requests lie in the kernel before each turn: that is what the budget is about."""
    if door.oracle:
        pytest.skip("a budget of ours")
    counted = count_calls(serve, tmp_path, connections=64)
    most = 2.3 if door.io == "epoll" else 0.5  # epoll: read and write, and a share of the wait
    assert counted <= most, f"{counted:.2f} system calls per request"


def count_calls(serve, tmp_path, connections: int) -> float:
    """System calls of the server per request, counted by strace."""
    table = tmp_path / "calls"
    with serve("raw:app", "--no-access-log") as server:
        clients = [server.connect() for _ in range(connections)]
        for client in clients:
            still_serves(client)
        try:
            tracer = subprocess.Popen(
                ["strace", "-f", "-o", str(table), "-p", str(server.pid)], stderr=subprocess.PIPE
            )
        except FileNotFoundError:
            pytest.skip("strace is not installed")
        attached = tracer.stderr.readline()
        if b"attached" not in attached:
            tracer.wait()
            pytest.skip(f"strace may not attach: {attached!r}")
        rounds = max(10, 200 // connections)
        for _ in range(rounds):
            for client in clients:
                client.get("/hello")
            for client in clients:
                assert client.read_response().status == 200
        tracer.send_signal(signal.SIGINT)
        tracer.wait()
        tracer.stderr.close()
        calls = [line for line in table.read_text().splitlines() if "(" in line]
        return len(calls) / (rounds * connections)


@holds("robustness_76", "robustness_83")
def test_server_holds_few_descriptors_of_its_own(server):
    names = json.dumps(
        [os.readlink(f"/proc/{server.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{server.pid}/fd")]
    )
    assert open_files(server.pid) < 40, names


# The garbage collector.


def test_requests_that_wait_do_not_set_the_collector_to_work(serve):
    """Thirty requests with 200 young objects each: more than CPython's own threshold allows."""
    with serve("collector:app") as server, server.connect() as asking:
        asking.get("/collections")
        waiting = [server.connect() for _ in range(30)]
        for connection in waiting:
            connection.get("/keep")
        before, after = show(asking.read_response())
        assert after == before
        for connection in waiting:
            assert connection.read_response().body == b"200"


@pytest.mark.parametrize("chosen, expected", [("", 10_000), ("1234", 1234), ("0", 0)])
def test_collector_of_the_application_stays_as_it_was_set(serve, chosen, expected):
    with serve("collector:app", env={"CHOSEN_THRESHOLD": chosen}) as server:
        assert show(server.get("/threshold")) == expected
