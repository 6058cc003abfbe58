"""Options: by flag and by RINGHORN_* variable, their refusals, --help and --version."""

import os
import re
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import pytest
from support.checks import request, show
from support.doors import APPS
from support.holds import holds
from support.ports import connect_when_up, free_port

APP = ("raw:app", "--app-dir", str(APPS), "--port", "0")


def test_version_tells_server_interpreter_and_system(door):
    ended = door.run("--version")
    assert ended.returncode == 0
    form = rf"Running {door.program} \d+\.\d+\.\d+\S* with CPython 3\.\d+\.\d+\S* on Linux\n"
    assert re.fullmatch(form, ended.stdout), ended.stdout
    assert ended.stderr == ""


def test_help_names_every_option_and_its_variable(door):
    ended = door.run("--help")
    assert ended.returncode == 0
    assert ended.stderr == ""
    uvicorns = (
        "host port app-dir factory lifespan root-path log-level access-log no-access-log "
        "use-colors backlog limit-concurrency timeout-keep-alive timeout-graceful-shutdown "
        "header server-header no-server-header date-header no-date-header version help"
    )
    ours = (
        "timeout-header timeout-body timeout-write limit-request-line limit-header-count "
        "limit-header-size limit-header-field-size limit-body limit-body-rate"
    )
    for option in (*uvicorns.split(), *ours.split()):
        assert re.search(rf"--{option}\b", ended.stdout), option
    for variable in ("RINGHORN_PORT", "RINGHORN_APP", "RINGHORN_TIMEOUT_HEADER"):
        assert variable in ended.stdout
    assert max(len(line) for line in ended.stdout.splitlines()) <= 80


@pytest.mark.parametrize(
    "arguments, says",
    [
        ((), "no application given"),
        (("raw:app", "--prot", "1"), "no such option --prot: did you mean --port?"),
        (("raw:app", "--nonsense-option"), "no such option --nonsense-option"),
        (("raw:app", "other:app"), "unexpected argument 'other:app'"),
        (("raw:app", "--port"), "--port needs a value"),
        (("raw:app", "--port", "http"), "--port: 'http' is not a port number"),
        (("raw:app", "--port", "65536"), "--port: '65536' is not a port number"),
        (("raw:app", "--port", "-1"), "--port"),
        (("raw:app", "--lifespan", "maybe"), "--lifespan: 'maybe' is not"),
        (("raw:app", "--log-level", "loud"), "--log-level: 'loud' is not a log level"),
        (("raw:app", "--timeout-keep-alive", "soon"), "--timeout-keep-alive: 'soon' is not a time"),
        (("raw:app", "--timeout-header", "-1"), "--timeout-header: '-1' is not a time"),
        (("raw:app", "--limit-concurrency", "0"), "--limit-concurrency: '0' is not"),
        (("raw:app", "--limit-body", "lots"), "--limit-body: 'lots' is not a size"),
        (("raw:app", "--header", "no colon"), "--header: 'no colon' is not a response header"),
        (("raw:app", "--header", "a b:c"), "--header: 'a b:c' is not a response header"),
        (("raw:app", "--header", "a:b\r\nc: d"), "--header"),
        (("raw", "--port", "0"), "is not an application"),
        (("raw:", "--port", "0"), "is not an application"),
        (("raw:app", "--workers", "0"), "--workers: '0' is not a count of workers"),
        (("raw:app", "--reload-dir", "."), "--reload-dir does nothing without --reload"),
        (("raw:app", "--ssl-keyfile", "x"), "--ssl-keyfile is not available yet"),
        (("raw:app", "--proxy-headers"), "--proxy-headers is not available yet"),
        (("raw:app", "--loop", "trio"), "--loop: 'trio' is not an event loop"),
        (("raw:app", "--http", "h11"), "--http"),
    ],
)
def test_wrong_option_is_refused_with_a_sentence(door, arguments, says):
    ended = door.run(*arguments)
    assert ended.returncode == 2, ended.stderr
    assert says in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""
    assert len(ended.stderr.splitlines()) == 2, ended.stderr


@pytest.mark.parametrize(
    "variable, value, says",
    [
        ("RINGHORN_PORT", "http", "RINGHORN_PORT: 'http' is not a port number"),
        ("RINGHORN_LIFESPAN", "maybe", "RINGHORN_LIFESPAN: 'maybe' is not"),
        ("RINGHORN_ACCESS_LOG", "maybe", "RINGHORN_ACCESS_LOG: 'maybe' is not true or false"),
        ("RINGHORN_HEADERS", "nocolon", "RINGHORN_HEADERS: 'nocolon' is not a response header"),
    ],
)
def test_wrong_variable_is_refused_with_a_sentence(door, variable, value, says):
    ended = door.run("raw:app", "--app-dir", str(APPS), env={variable: value})
    assert ended.returncode == 2
    assert says in ended.stderr


def test_every_option_by_flag(serve):
    options = (
        *(
            "--host",
            "127.0.0.1",
            "--root-path",
            "/api",
            "--lifespan",
            "off",
            "--log-level",
            "debug",
        ),
        *("--no-access-log", "--no-use-colors", "--backlog", "100", "--limit-concurrency", "50"),
        *("--timeout-keep-alive", "2.5", "--timeout-graceful-shutdown", "3", "--no-server-header"),
        *(
            "--no-date-header",
            "--header",
            "X-One: 1",
            "--header",
            "X-Two:2:3",
            "--timeout-header",
            "1",
        ),
        *("--timeout-body", "1", "--timeout-write", "1", "--limit-request-line", "1000"),
        *("--limit-header-count", "20", "--limit-header-size", "2000"),
        *("--limit-header-field-size", "500", "--limit-body", "100"),
        *("--limit-body-rate", "10"),
    )
    with serve("raw:app", *options) as server:
        response = server.get("/scope")
        assert show(response)["root_path"] == "/api"
        assert response.value("x-one") == b"1"
        assert response.value("x-two") == b"2:3"
        assert response.value("server") is None
        assert response.value("date") is None


def test_every_option_by_variable(serve):
    variables = {
        "RINGHORN_ROOT_PATH": "/api",
        "RINGHORN_LIFESPAN": "off",
        "RINGHORN_ACCESS_LOG": "false",
        "RINGHORN_LIMIT_CONCURRENCY": "50",
        "RINGHORN_TIMEOUT_KEEP_ALIVE": "0.3",
        "RINGHORN_SERVER_HEADER": "0",
        "RINGHORN_DATE_HEADER": "no",
        "RINGHORN_HEADERS": "X-One:1 X-Two:2:3",
        "RINGHORN_LIMIT_BODY": "100",
    }
    with serve("raw:app", env=variables) as server:
        with server.connect() as connection:
            connection.get("/scope")
            response = connection.read_response()
            assert show(response)["root_path"] == "/api"
            assert (response.value("x-one"), response.value("x-two")) == (b"1", b"2:3")
            assert (response.value("server"), response.value("date")) == (None, None)
            connection.expect_close()  # the keep-alive of 0.3 s
        assert not server.stdout_lines()


def test_flag_wins_over_variable(serve):
    with serve(
        "raw:app", "--root-path", "/flag", env={"RINGHORN_ROOT_PATH": "/variable"}
    ) as server:
        assert show(server.get("/scope"))["root_path"] == "/flag"


def test_application_may_come_from_the_environment(door):
    ended = door.run("--app-dir", str(APPS), env={"RINGHORN_APP": "no_such_module:app"})
    assert ended.returncode == 3
    assert "no module named 'no_such_module'" in ended.stderr


def test_variables_of_others_are_left_alone(serve):
    """RINGHORN_PORT=tcp://… is what Kubernetes sets beside a service of that name."""
    with serve(
        "raw:app", env={"RINGHORN_SERVICE_HOST": "10.0.0.1", "RINGHORN_PORT": "tcp://10.0.0.1:80"}
    ) as server:
        assert server.get("/hello").body == b"hello"


# Address.


def test_port_0_takes_a_free_one_and_says_which(serve):
    with serve("raw:app") as one, serve("raw:app") as two:
        assert one.port != two.port
        assert one.get("/hello").body == two.get("/hello").body == b"hello"


def test_port_in_use_exits_with_3_and_one_sentence(door):
    """uvicorn's sentence; its status is 1, ours is that of any failure to start."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = door.run("raw:app", "--app-dir", str(APPS), "--port", str(port))
    assert ended.returncode == 3, ended.stderr
    assert re.search(
        r"ERROR: +\[Errno 98\] error while attempting to bind on address "
        rf"\('127\.0\.0\.1', {port}\): address already in use",
        ended.stderr,
    ), ended.stderr
    assert "Traceback" not in ended.stderr


def test_port_in_use_stops_the_application_again(door):
    """The lifespan was started before the bind, as in uvicorn: it must be told of the end."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = door.run("lifespans:well", "--app-dir", str(APPS), "--port", str(port))
    assert ended.returncode == 3
    if "app: started" in ended.stderr:
        assert "app: stopped" in ended.stderr


@pytest.mark.parametrize("host", ["no.such.host.invalid", "192.0.2.1", "300.1.1.1", "::zz"])
def test_address_that_is_not_ours_exits_with_3(door, host):
    ended = door.run("raw:app", "--app-dir", str(APPS), "--port", "0", "--host", host)
    assert ended.returncode == 3, ended.stderr
    assert [line for line in ended.stderr.splitlines() if line.startswith("ERROR")]
    assert "Traceback" not in ended.stderr


def test_name_as_host(serve):
    with serve("raw:app", "--host", "localhost") as server:
        assert server.wait_for_line("running on http://")
        host = "::1" if "[::1]" in "".join(server.stderr_lines()) else "127.0.0.1"
        with server.connect(host=host) as connection:
            connection.get("/hello")
            assert connection.read_response().body == b"hello"


# The log.


def test_access_log_goes_to_stdout_and_the_rest_to_stderr(serve):
    with serve("raw:app") as server:
        server.get("/hello")
        server.wait_for_output('"GET /hello HTTP/1.1" 200 OK')
        server.stop()
        assert not [line for line in server.stderr_lines() if "GET" in line]
        assert len(server.stdout_lines()) == 1


def test_no_access_log_leaves_stdout_empty(serve):
    with serve("raw:app", "--no-access-log") as server:
        server.get("/hello")
        server.stop()
        assert server.stdout_lines() == []


@pytest.mark.parametrize("level", ["critical", "error", "warning"])
def test_log_level_hides_the_lines_below(serve, level):
    options = ("--log-level", level)
    with serve("raw:app", *options, port=free_port(), ready=False) as server:
        with connect_when_up(server.process, server.port) as connection:
            connection.get("/hello")
            assert connection.read_response().body == b"hello"
        server.request(b"\0\r\n\r\n")
        server.stop()
        levels = {line.split(":")[0] for line in server.stderr_lines() if ": " in line}
        assert "INFO" not in levels
        assert ("WARNING" in levels) == (level == "warning")
        assert server.stdout_lines() == []


def test_log_level_debug_and_trace_start_too(serve):
    for level in ("debug", "trace"):
        with serve("raw:app", "--log-level", level) as server:
            assert server.get("/hello").body == b"hello"


def test_colours_by_option(serve):
    with serve("raw:app", "--use-colors") as server:
        server.get("/hello")
        server.wait_for_output("GET /hello")
        server.stop()
        assert b"\x1b[32mINFO\x1b[0m:     " in server.stderr_bytes()
        assert b"\x1b[1mhttp://127.0.0.1" in server.stderr_bytes()
        assert b"\x1b[" in server.stdout_bytes()


def test_no_colours_in_a_pipe(serve):
    with serve("raw:app") as server:
        server.get("/hello")
        server.stop()
        assert b"\x1b" not in server.stderr_bytes() + server.stdout_bytes()


def test_colours_on_a_terminal(door):
    """stderr is a pseudo-terminal here."""
    leader, follower = os.openpty()
    process = subprocess.Popen(
        [*door.command, *APP], env=door.environ(), stdout=subprocess.DEVNULL, stderr=follower
    )
    os.close(follower)
    text = b""
    while b"running on" not in text:
        text += os.read(leader, 4096)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    os.close(leader)
    assert b"\x1b[32mINFO\x1b[0m:     " in text


# Responses.


def test_header_option_replaces_server_and_adds_the_others(serve):
    options = ("--header", "Server: mine", "--header", "X-A: 1", "--header", "X-A: 2")
    with serve("raw:app", *options) as server:
        response = server.get("/hello")
        assert response.value("server") == b"mine"
        assert response.values("x-a") == [b"1", b"2"]
        refused = server.request(b"\0\r\n\r\n")
        assert refused.status == 400


def test_backlog_option_reaches_listen(serve):
    """`ss` shows it as the Send-Q of a listening socket; the kernel's own table does not."""
    with serve("raw:app", "--backlog", "7") as server:
        if not shutil.which("ss"):
            pytest.skip("ss is not installed")
        table = subprocess.run(["ss", "-ltnH"], capture_output=True, text=True, check=True).stdout
        line = next(line for line in table.splitlines() if f":{server.port} " in line)
        assert line.split()[2] == "7"


@holds("robustness_77")
@pytest.mark.parametrize("workers", [(), ("--workers", "1")], ids=["alone", "supervised"])
def test_backlog_beyond_what_the_kernel_grants_is_told(serve, door, workers):
    if door.oracle:
        pytest.skip("uvicorn says nothing")
    granted = int(Path("/proc/sys/net/core/somaxconn").read_text())
    with serve("raw:app", "--backlog", "2147483647", *workers) as server:
        server.wait_for_line(
            "WARNING:  --backlog 2147483647 is more than net.core.somaxconn allows: "
            f"{granted} connections can wait"
        )
        assert sum("somaxconn" in line for line in server.stderr_lines()) == 1


def test_two_servers_do_not_share_a_port_by_accident(serve, door):
    with serve("raw:app") as server:
        ended = door.run("raw:app", "--app-dir", str(APPS), "--port", str(server.port))
        assert ended.returncode == 3 or door.oracle
        assert server.request(request("GET /hello HTTP/1.1", "Host: test")).body == b"hello"


def test_port_can_be_used_again_at_once(serve):
    """SO_REUSEADDR: TIME_WAIT of the last server's connections does not matter."""
    with serve("raw:app") as server:
        port = server.port
        with server.connect() as connection:
            connection.get("/hello", "Connection: close")
            connection.read_to_end()
    with serve("raw:app", port=port) as server:
        assert server.get("/hello").body == b"hello"
