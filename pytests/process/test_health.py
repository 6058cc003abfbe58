"""--health-check-path and --drain-delay: what a load balancer sees of a server's life."""

import signal

import pytest
from support.checks import calls
from support.holds import holds
from support.ports import free_port
from support.raw import Connection

PATH = "/up"
HEALTH = ("--health-check-path", PATH)


def health(server, method: str = "GET"):
    request = f"{method} {PATH}?by=probe HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n".encode()
    return server.request(request, method)


@holds("lesson_15")
def test_health_is_answered_without_the_application(serve):
    with serve("raw:app", *HEALTH) as server:
        before = calls(server)
        for method, body in (("GET", b"ok\n"), ("HEAD", b"")):
            answer = health(server, method)
            assert (answer.status, answer.body) == (200, body)
            assert answer.value("cache-control") == b"no-store"
        assert calls(server) == before + 1
        # No access line for them: the next line is of the request behind them.
        mark = server.mark_stdout()
        health(server)
        server.get("/hello")
        server.wait_for_output('"GET /hello HTTP/1.1" 200', since=mark)
        assert not [line for line in server.stdout_lines(mark) if PATH in line]


def test_other_methods_and_paths_reach_the_application(serve):
    with serve("raw:app", *HEALTH) as server:
        before = calls(server)
        assert health(server, "POST").body != b"ok\n"
        server.get(PATH + "/")
        assert calls(server) == before + 3


@holds("lesson_15")
def test_nothing_answers_before_the_application_has_started(serve, release):
    """The port is not open while the lifespan starts: 200 means that it has."""
    env = {"RELEASE": release.path}
    with serve(
        "lifespans:slow_start", *HEALTH, env=env, port=free_port(), ready=False
    ) as server:
        server.wait_for_line("^app: starting")
        with pytest.raises(ConnectionRefusedError):
            health(server)
        release.open()
        server.await_ready()
        assert health(server).status == 200


def test_health_is_no_load(serve):
    with serve("lifespans:well", *HEALTH, "--limit-concurrency", "1") as server:
        with server.connect() as busy:
            busy.get("/watch")
            server.wait_for_line("^app: request watches")
            assert server.get("/").status == 503
            assert health(server).status == 200


def test_drain_delay_serves_on_while_health_says_no(serve):
    with serve("raw:app", *HEALTH, "--drain-delay", "100") as server:
        with server.connect() as kept:
            kept.get("/hello")
            assert not kept.read_response().says_close
            server.send_signal(signal.SIGTERM)
            server.wait_for_line("Shutting down soon")
            assert (health(server).status, health(server).body) == (503, b"draining\n")
            kept.get("/hello")
            last = kept.read_response()
            assert (last.body, last.says_close) == (b"hello", True)
        late = server.get("/hello")
        assert (late.status, late.body) == (200, b"hello")
        assert not [line for line in server.stderr_lines() if line.endswith("Shutting down")]
        # Another signal cuts it short, and the end is as ever.
        server.send_signal(signal.SIGTERM)
        server.wait_for_line("Shutting down$")
        assert server.wait(timeout=5) == 0
        with pytest.raises(ConnectionRefusedError):
            Connection(server.port)


def test_drain_delay_passes(serve):
    with serve("lifespans:well", *HEALTH, "--drain-delay", "0.2") as server:
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=5) == 0
        said = [line.split(": ", 1)[1].strip() for line in server.stderr_lines()]
        soon = said.index("Shutting down soon: serving on while health checks are told so.")
        assert said[soon + 1] == "Shutting down"


def test_interrupt_by_hand_does_not_wait(serve):
    with serve("raw:app", *HEALTH, "--drain-delay", "100") as server:
        assert server.stop(signal.SIGINT) == 0
        assert not [line for line in server.stderr_lines() if "soon" in line]


def test_third_signal_ends_the_server_at_once(serve):
    options = ("--drain-delay", "100")
    with serve("lifespans:well", *options, expect_status=143, check_counts=False) as server:
        with server.connect() as connection:
            connection.get("/hang")
            server.wait_for_line("^app: request hangs")
            for line in ("Shutting down soon", "Waiting for connections"):
                server.send_signal(signal.SIGTERM)
                server.wait_for_line(line)
            server.send_signal(signal.SIGTERM)
            assert server.wait(timeout=5) == 143
