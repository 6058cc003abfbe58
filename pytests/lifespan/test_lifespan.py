"""The lifespan protocol: asgi 69 to 79, robustness 73 and 88, lesson 15."""

import signal

import pytest
from support.checks import show
from support.holds import holds, row
from support.ports import free_port
from support.raw import Connection

STARTED = [
    "INFO:     Waiting for application startup.",
    "INFO:     Application startup complete.",
]


def app_lines(server) -> list[str]:
    return [line for line in server.stderr_lines() if line.startswith("app: ")]


@holds("asgi_69", "asgi_71", "asgi_73", "asgi_76", "asgi_77", "robustness_88")
def test_lifespan_is_told_once_of_start_and_stop(serve):
    with serve("lifespans:well") as server:
        assert server.get("/").body == b"served"
        assert server.stop() == 0
        lines = app_lines(server)
    # lifespan 2.0: `state` is empty at first and keeps what the application put there.
    assert lines[0] == (
        "app: scope ['asgi', 'state', 'type'] {'version': '3.0', 'spec_version': '2.0'} {}"
    )
    assert lines[1:] == [
        "app: heard {'type': 'lifespan.startup'}",
        "app: started",
        "app: heard {'type': 'lifespan.shutdown'} state ['plain', 'shared']",
        "app: stopped",
    ]


@holds("asgi_70", "asgi_34", "asgi_79", "robustness_88")
def test_state_is_copied_for_each_request(serve):
    expected = {"state": [["plain", "1"], ["shared", "[]"]], "same_loop": True}
    with serve("lifespans:well") as server, server.connect() as connection:
        connection.get("/state")
        assert show(connection.read_response()) == expected
        connection.get("/change-state")
        assert connection.read_response().body == b"changed"
        connection.get("/state")
        # A shallow copy: what hangs below is shared, what was added or taken away is not.
        expected["state"][1][1] = "[1]"
        assert show(connection.read_response()) == expected
        server.stop()
        assert any("state ['plain', 'shared']" in line for line in app_lines(server))


@holds("asgi_74", "asgi_73", "robustness_88")
def test_no_connection_is_accepted_before_startup_is_complete(serve, release):
    port = free_port()
    with serve(
        "lifespans:slow_start", env={"RELEASE": release.path}, port=port, ready=False
    ) as server:
        server.wait_for_line("^app: starting")
        with pytest.raises(ConnectionRefusedError):
            Connection(port)
        assert "INFO:     Application startup complete." not in server.stderr_lines()
        release.open()
        server.await_ready()
        assert server.get("/").body == b"served"


@holds("asgi_75", "robustness_73", "robustness_88", "lesson_15")
@pytest.mark.parametrize(
    "app, message",
    [("failed", "ERROR:    the database is not there"), ("failed_silently", None)],
)
def test_startup_failed_is_logged_and_exits_with_3(serve, app, message):
    with serve(f"lifespans:{app}", ready=False, expect_status=3) as server:
        assert server.wait() == 3
        lines = server.stderr_lines()
        assert lines.count("ERROR:    Application startup failed. Exiting.") == 1
        assert message is None or message in lines
        assert not [line for line in lines if "running on" in line]
        assert len([line for line in lines if "Started server process" in line]) == 1


@holds("asgi_72", "robustness_88")
@pytest.mark.parametrize("app", ["raises_at_once", "returns"])
def test_application_without_a_lifespan_is_served(serve, app):
    with serve(f"lifespans:{app}") as server:
        assert server.get("/").body == b"served"
        assert show(server.get("/state"))["state"] in (None, [])
        server.stop()
        assert "no lifespan here" not in "\n".join(server.stderr_lines())
        assert not [line for line in server.stderr_lines() if line.startswith("ERROR")]


@holds("asgi_72")
def test_application_without_a_lifespan_is_named_in_the_log(serve):
    with serve("lifespans:raises_at_once") as server:
        assert "INFO:     ASGI 'lifespan' protocol appears unsupported." in server.stderr_lines()


@holds("asgi_72", "robustness_88")
def test_raise_at_startup_continues_without_lifespan_in_auto(serve):
    """The specification says so; uvicorn and we do it, Starlette sends startup.failed itself."""
    with serve("lifespans:raises_at_startup") as server:
        assert server.get("/").body == b"served"


@holds("robustness_88", "robustness_73", "lesson_15")
@pytest.mark.parametrize("app", ["raises_at_once", "raises_at_startup"])
def test_raise_with_lifespan_on_exits_with_3(serve, app):
    with serve(f"lifespans:{app}", "--lifespan", "on", ready=False, expect_status=3) as server:
        assert server.wait() == 3
        text = "\n".join(server.stderr_lines())
        assert "Exception in 'lifespan' protocol" in text
        assert text.count("Traceback (most recent call last)") == 1
        assert "Application startup failed. Exiting." in text


@holds("asgi_72")
def test_lifespan_off_never_calls_the_application(serve):
    with serve("lifespans:well", "--lifespan", "off") as server:
        assert server.get("/").body == b"served"
        server.stop()
        assert not app_lines(server)
        assert not [line for line in server.stderr_lines() if "application" in line]


@holds("asgi_78", "robustness_88")
def test_shutdown_failed_is_logged(serve):
    with serve("lifespans:shutdown_failed", expect_status=None) as server:
        assert server.stop() in (0, 3)
        lines = server.stderr_lines()
        assert "ERROR:    the cache would not close" in lines
        assert "ERROR:    Application shutdown failed. Exiting." in lines
        assert [line for line in lines if "Finished server process" in line]


@holds("asgi_78")
def test_raise_at_shutdown_is_logged_once(serve):
    with serve("lifespans:raises_later", expect_status=None) as server:
        server.get("/")
        assert server.stop() in (0, 3)
        text = "\n".join(server.stderr_lines())
        assert text.count("RuntimeError: shutdown broke") == 1


@holds("asgi_77")
def test_server_waits_for_shutdown_complete(serve, release):
    with serve("lifespans:slow_stop", env={"RELEASE": release.path}) as server:
        server.send_signal(signal.SIGTERM)
        server.wait_for_line("^app: stopping")
        assert server.running()
        release.open()
        assert server.wait() == 0
        assert "app: stopped" in server.stderr_lines()
        assert "INFO:     Application shutdown complete." in server.stderr_lines()


@holds("asgi_76", "lesson_16")
def test_shutdown_is_sent_after_the_last_response(serve, release):
    with serve("lifespans:well", env={"RELEASE": release.path}) as server:
        with server.connect() as connection:
            connection.get("/finish")
            server.wait_for_line("^app: request waits")
            server.send_signal(signal.SIGTERM)
            server.wait_for_line("Waiting for connections to close")
            release.open()
            assert connection.read_response().body == b"finished"
        assert server.wait() == 0
        lines = app_lines(server)
        heard = [line for line in lines if "lifespan.shutdown" in line]
        assert lines.index("app: request finished") < lines.index(heard[0])


@holds("robustness_88", "lesson_16")
@pytest.mark.parametrize("app", ["hangs_at_shutdown", "swallows_cancellation"])
def test_shutdown_that_hangs_is_bounded_by_the_grace(serve, app):
    """lesson 16: one that swallows its cancellation ends in the watchdog."""
    options = ("--timeout-graceful-shutdown", "0.5")
    with serve(f"lifespans:{app}", *options, expect_status=None) as server:
        server.send_signal(signal.SIGTERM)
        server.wait_for_line("^app: stopping")
        assert server.wait(timeout=12) is not None
        assert [line for line in server.stderr_lines() if line.startswith("ERROR")]


@holds("lesson_16")
def test_endless_background_task_of_the_app_does_not_skip_the_shutdown(serve):
    with serve("lifespans:endless_background") as server:
        server.get("/")
        assert server.stop() == 0
        assert "app: background done False" in server.stderr_lines()
        assert "INFO:     Application shutdown complete." in server.stderr_lines()


@holds("robustness_88")
def test_startup_that_never_completes_can_be_stopped(serve):
    with serve("lifespans:hangs_at_startup", ready=False, expect_status=None) as server:
        server.wait_for_line("^app: starting")
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=8) in (0, 3, 143, -15)
        assert not [line for line in server.stderr_lines() if "running on" in line]


@holds("asgi_77")
def test_lifespan_that_returned_after_startup_is_not_waited_for(serve):
    with serve("lifespans:returns_after_startup") as server:
        assert server.get("/").body == b"served"
        assert server.stop() == 0


@holds("asgi_09", "robustness_88")
def test_wrong_lifespan_message_raises_in_the_app(serve):
    options = ("--lifespan", "on")
    with serve("lifespans:wrong_message", *options, ready=False, expect_status=3) as server:
        assert server.wait() == 3
        assert "lifespan.nonsense" in "\n".join(server.stderr_lines())


@pytest.mark.parametrize("mode", [row("asgi_73", "auto", "auto"), row("asgi_73", "on", "on")])
def test_start_lines_come_in_order(serve, mode):
    with serve("lifespans:well", "--lifespan", mode) as server:
        lines = [line for line in server.stderr_lines() if not line.startswith("app: ")]
        assert lines[0] == f"INFO:     Started server process [{server.pid}]"
        assert lines[1:3] == STARTED
        assert lines[3].endswith(f"running on {server.url} (Press CTRL+C to quit)")
