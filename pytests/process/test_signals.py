"""SIGINT and SIGTERM, once and twice, with work under way. robustness 85, lessons 16 and 52."""

import os
import signal

import pytest
from support.checks import post, request
from support.holds import holds
from support.raw import Connection

HOST = "Host: test"
BOTH = pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM])
FORCED = {signal.SIGINT: 130, signal.SIGTERM: 143}


def await_refusal(port: int) -> None:
    """The listener closes a few turns after the line; who still gets in is sent away."""
    with pytest.raises(ConnectionRefusedError):
        for _ in range(1000):
            with Connection(port) as connection:
                connection.expect_close()


@BOTH
@holds("robustness_85", "asgi_76", "asgi_77")
def test_signal_stops_an_idle_server_with_uvicorns_lines(serve, sig):
    with serve("lifespans:well") as server:
        server.get("/")
        mark = server.mark()
        assert server.stop(sig) == 0
        said = [line for line in server.stderr_lines(mark) if line.startswith("INFO")]
    assert said == [
        "INFO:     Shutting down",
        "INFO:     Waiting for application shutdown.",
        "INFO:     Application shutdown complete.",
        f"INFO:     Finished server process [{server.pid}]",
    ]


@holds("robustness_85")
def test_live_objects_are_counted_at_the_end(serve, door):
    """The check of every server's end rests on this line."""
    if door.oracle:
        pytest.skip("the oracle counts nothing")
    with serve("raw:app") as server:
        with server.connect() as connection:
            for _ in range(10):
                connection.get("/stream?count=10&size=1000")
                connection.read_response()
        server.stop()
        counts = "live objects: connections 0, exchanges 0, cycles 0, handles 0"
        assert [line for line in server.stderr_lines() if line.endswith(counts)]


@BOTH
@holds("robustness_85")
def test_idle_connections_are_closed_at_once(serve, sig):
    with serve("raw:app", "--timeout-keep-alive", "60") as server:
        connections = [server.connect() for _ in range(5)]
        for connection in connections[:3]:
            connection.get("/hello")
            assert connection.read_response().status == 200
        server.send_signal(sig)
        for connection in connections:
            connection.expect_close()
        assert server.wait(timeout=5) == 0


@holds("robustness_85", "lesson_52")
def test_request_in_flight_is_finished_and_loses_keep_alive(serve, release):
    with serve("lifespans:well", env={"RELEASE": release.path}) as server:
        with server.connect() as connection:
            connection.get("/finish")
            server.wait_for_line("^app: request waits")
            server.send_signal(signal.SIGTERM)
            waiting = server.wait_for_line("Waiting for connections")
            assert waiting.string == (
                "INFO:     Waiting for connections to close. (CTRL+C to force quit)"
            )
            await_refusal(server.port)
            release.open()
            response = connection.read_response()
            assert response.body == b"finished"
            assert response.says_close
            connection.expect_close()
        assert server.wait(timeout=5) == 0


@holds("robustness_85", "lesson_52")
def test_upload_that_is_still_coming_is_read_to_its_end(serve):
    with serve("raw:app") as server:
        with server.connect() as connection:
            data = post("/echo", b"0123456789")
            connection.send(data[:-5])
            server.get("/hello")
            server.send_signal(signal.SIGTERM)
            server.wait_for_line("Waiting for connections")
            connection.send(data[-5:])
            assert connection.read_response().body == b"0123456789"
            connection.expect_close()
        assert server.wait(timeout=5) == 0


@holds("robustness_85")
def test_stream_is_finished_before_the_end(serve):
    with serve("raw:app") as server:
        with server.connect(receive_buffer=4096, timeout=20) as connection:
            connection.get("/sized?size=20000000")
            head = connection.read_head()
            server.send_signal(signal.SIGTERM)
            server.wait_for_line("Waiting for connections")
            assert len(connection.read_exactly(int(head.value("content-length")))) == 20_000_000
            connection.expect_close()
        assert server.wait(timeout=5) == 0


@holds("robustness_85", "lesson_52")
def test_requests_in_the_kernels_queue_are_served(serve, tmp_path):
    """The loop stands still while they connect, send and the signal comes."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with serve("raw:app") as server:
        with server.connect() as blocker:
            blocker.get(f"/block?fifo={fifo}")
            with open(fifo, "wb"):
                waiting = [server.connect() for _ in range(20)]
                for connection in waiting:
                    connection.get("/hello")
                server.send_signal(signal.SIGTERM)
            for connection in waiting:
                assert connection.read_response().body == b"hello"
                connection.expect_close()
            assert blocker.read_response().body == b"went on"
        assert server.wait(timeout=5) == 0


@BOTH
@holds("robustness_85")
def test_second_signal_ends_the_server_at_once(serve, sig):
    forced = {"expect_status": FORCED[sig], "check_counts": False}
    with serve("lifespans:well", **forced) as server:
        with server.connect() as connection:
            connection.get("/hang")
            server.wait_for_line("^app: request hangs")
            server.send_signal(sig)
            server.wait_for_line("Waiting for connections")
            server.send_signal(sig)
            assert server.wait(timeout=5) == FORCED[sig]
            connection.read_to_any_end()
        # As uvicorn: a forced exit skips the lifespan's shutdown.
        assert "app: stopped" not in server.stderr_lines()


@holds("robustness_85")
def test_second_signal_ends_a_shutdown_that_hangs(serve):
    with serve("lifespans:hangs_at_shutdown", expect_status=130) as server:
        server.send_signal(signal.SIGINT)
        server.wait_for_line("^app: stopping")
        server.send_signal(signal.SIGINT)
        assert server.wait(timeout=5) == 130


@holds("robustness_85")
def test_second_signal_ends_a_task_that_swallows_its_cancellation(serve):
    with serve("lifespans:well", expect_status=130, check_counts=False) as server:
        with server.connect() as connection:
            connection.get("/stubborn")
            server.wait_for_line("^app: request hangs")
            server.send_signal(signal.SIGINT)
            server.wait_for_line("Waiting for connections")
            server.send_signal(signal.SIGINT)
            assert server.wait(timeout=5) == 130


@holds("robustness_85")
def test_second_signal_ends_an_application_that_swallows_the_interrupt(serve):
    with serve("lifespans:well", expect_status=130, check_counts=False) as server:
        with server.connect() as connection:
            connection.send(b"POST /deaf HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n")
            server.wait_for_line("^app: request waits")
            server.send_signal(signal.SIGINT)
            server.wait_for_line("Waiting for connections")
            connection.send(b"!")
            server.wait_for_line("^app: request blocks")
            server.send_signal(signal.SIGINT)
            server.wait_for_line("^app: request swallows")
            assert server.wait(timeout=5) == 130


@holds("lesson_16", "robustness_85")
def test_grace_cancels_a_hung_request_then_shuts_down(serve):
    """Drain, cancel, await the cancelled, then lifespan.shutdown."""
    options = ("--timeout-graceful-shutdown", "0.5")
    with serve("lifespans:well", *options) as server:
        with server.connect() as connection:
            connection.get("/hang")
            server.wait_for_line("^app: request hangs")
            assert server.stop(timeout=8) == 0
            assert connection.read_response().status == 500
        lines = server.stderr_lines()
        cancel = "ERROR:    Cancel 1 running task(s), timeout graceful shutdown exceeded"
        order = [
            lines.index("INFO:     Shutting down"),
            lines.index(cancel),
            lines.index("app: request cancelled"),
            next(at for at, line in enumerate(lines) if "lifespan.shutdown" in line),
            lines.index("app: stopped"),
        ]
        assert order == sorted(order), lines
        assert "Traceback (most recent call last)" not in "\n".join(lines)


@holds("lesson_16")
def test_grace_ends_a_task_that_swallows_its_cancellation(serve):
    options = ("--timeout-graceful-shutdown", "0.5")
    with serve("lifespans:well", *options, expect_status=None, check_counts=False) as server:
        with server.connect() as connection:
            connection.get("/stubborn")
            server.wait_for_line("^app: request hangs")
            server.send_signal(signal.SIGTERM)
            server.wait(timeout=15)
            connection.read_to_any_end()
        assert [line for line in server.stderr_lines() if "swallows" in line]


@holds("lesson_06", "robustness_85")
def test_background_after_the_response_is_waited_for_and_then_cancelled(serve):
    options = ("--timeout-graceful-shutdown", "0.5")
    with serve("lifespans:well", *options) as server:
        with server.connect() as connection:
            connection.get("/background")
            assert connection.read_response().body == b"answered"
            server.wait_for_line("^app: background began")
            assert server.stop(timeout=8) == 0
        assert "app: background cancelled" in server.stderr_lines()


@holds("robustness_85")
def test_client_that_never_reads_does_not_hold_up_the_end(serve):
    options = ("--timeout-graceful-shutdown", "0.5")
    with serve("raw:app", *options) as server:
        with server.connect(receive_buffer=4096) as connection:
            connection.get("/endless?size=1000000")
            connection.read_head()
            assert server.stop(timeout=8) == 0


@holds("robustness_85", "robustness_37")
def test_half_a_request_does_not_hold_up_the_end(serve):
    with serve("raw:app", "--timeout-header", "1") as server:
        with server.connect() as connection:
            connection.send(b"GET / HTTP/1.1\r\n")
            server.get("/hello")
            server.send_signal(signal.SIGTERM)
            connection.read_to_any_end()
        assert server.wait(timeout=5) == 0


@BOTH
@holds("robustness_73", "robustness_85")
def test_signal_during_import_ends_the_server(serve, sig):
    with serve("slow_import:app", ready=False, expect_status=None) as server:
        server.wait_for_line("^app: importing")
        server.send_signal(sig)
        assert server.wait(timeout=8) in (0, FORCED[sig], -sig)
        assert not [line for line in server.stderr_lines() if "running on" in line]


@holds("robustness_85")
def test_handlers_of_the_application_are_called(serve):
    """loop.add_signal_handler for a signal that the server does not use."""
    with serve("surroundings:app") as server:
        server.send_signal(signal.SIGUSR1)
        server.wait_for_line("^app: SIGUSR1")
        assert server.get("/").status == 200


@holds("robustness_85")
def test_pipelined_requests_at_the_signal_lose_no_answer_that_was_begun(serve):
    with serve("raw:app") as server:
        with server.connect() as connection:
            connection.send(request("GET /sleep?seconds=0.3 HTTP/1.1", HOST))
            server.get("/hello")
            server.send_signal(signal.SIGTERM)
            response = connection.read_response()
            assert (response.body, response.says_close) == (b"slept", True)
            connection.expect_close()
        assert server.wait() == 0
