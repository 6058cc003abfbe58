"""What never ends by itself is told that the server ends. robustness 85, lesson 16."""

import signal

import pytest
from support.holds import holds


@holds("robustness_85", "lesson_16")
def test_stream_is_told_when_the_time_to_drain_is_over(serve, door):
    if door.oracle:
        pytest.skip("uvicorn waits for ever")
    with serve("raw:app", "--timeout-drain", "0.1") as server, server.connect() as connection:
        connection.get("/watch-and-stream")
        connection.read_until(b"first")
        server.send_signal(signal.SIGTERM)
        connection.read_until(b"second")
        assert server.wait() == 0


@holds("robustness_85", "lesson_16")
def test_quit_cancels_at_once_and_shuts_the_application_down(serve, door):
    if door.oracle:
        pytest.skip("uvicorn has no SIGQUIT")
    with serve("lifespans:well", "--workers", "1") as server, server.connect() as connection:
        connection.get("/hang")
        server.wait_for_line("^app: request hangs")
        server.send_signal(signal.SIGQUIT)
        assert server.wait() == 0
        lines = server.stderr_lines()
        cancelled = lines.index("app: request cancelled")
        assert cancelled < lines.index("INFO:     Application shutdown complete.")
