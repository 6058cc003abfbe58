"""systemd's side of a service: NOTIFY_SOCKET, WATCHDOG_USEC, LISTEN_FDS, and the units."""

import configparser
import os
import signal
import socket
from pathlib import Path

import pytest
from support.patience import seconds
from support.raw import Connection

UNITS = Path(__file__).resolve().parents[2] / "packaging" / "systemd"


class Manager:
    """What systemd would hear."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self._socket.settimeout(seconds(10))

    def next(self) -> dict[str, str]:
        text = self._socket.recv(65536).decode()
        return dict(line.split("=", 1) for line in text.splitlines())

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def manager(request, tmp_path):
    abstract = f"@ringhorn-notify-{os.getpid()}"
    made = Manager(str(tmp_path / "notify") if request.param == "path" else abstract)
    yield made
    made.close()


def test_manager_hears_ready_and_stopping(serve, manager):
    env = {"NOTIFY_SOCKET": manager.address}
    with serve("lifespans:well", env=env) as server:
        assert manager.next() == {"READY": "1", "STATUS": "Serving lifespans:well"}
        # Ready means that it serves.
        assert server.get("/state").status == 200
        server.send_signal(signal.SIGTERM)
        assert manager.next() == {"STOPPING": "1", "STATUS": "Shutting down"}
        assert server.wait() == 0


@pytest.mark.parametrize("manager", ["path"], indirect=True)
def test_watchdog_is_fed_by_the_loop(serve, manager):
    env = {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "200000", "WATCHDOG_PID": ""}
    with serve("raw:app", env=env) as server:
        assert manager.next()["READY"] == "1"
        for _ in range(3):
            assert manager.next() == {"WATCHDOG": "1"}
        server.send_signal(signal.SIGTERM)
        heard = [manager.next()]
        while "STOPPING" not in heard[-1]:
            heard.append(manager.next())
        assert all(each == {"WATCHDOG": "1"} for each in heard[:-1])
        assert server.wait() == 0


@pytest.mark.parametrize("manager", ["path"], indirect=True)
def test_supervisor_says_when_it_reloads(serve, manager):
    env = {"NOTIFY_SOCKET": manager.address}
    with serve("raw:app", "--workers", "1", env=env) as server:
        ready = {"READY": "1", "STATUS": "Serving raw:app with 1 of 1 workers"}
        assert manager.next() == ready
        server.send_signal(signal.SIGHUP)
        assert manager.next()["RELOADING"] == "1"
        assert manager.next() == ready
        server.send_signal(signal.SIGTERM)
        assert manager.next()["STOPPING"] == "1"
        assert server.wait() == 0


@pytest.mark.parametrize("manager", ["path"], indirect=True)
def test_supervisor_feeds_the_watchdog_once_it_is_ready(serve, manager):
    env = {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "200000"}
    with serve("raw:app", "--workers", "1", env=env):
        assert manager.next()["READY"] == "1"
        for _ in range(3):
            assert manager.next() == {"WATCHDOG": "1"}


@pytest.mark.parametrize("manager", ["path"], indirect=True)
def test_watchdog_of_another_process_is_not_ours(serve, manager):
    env = {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"}
    with serve("raw:app", env=env) as server:
        assert manager.next()["READY"] == "1"
        server.get("/hello")
        server.send_signal(signal.SIGTERM)
        assert manager.next()["STOPPING"] == "1"
        assert server.wait() == 0


@pytest.mark.parametrize("address", ["", "relative", "/nowhere/notify", "@", "/" + "x" * 200])
def test_manager_that_cannot_be_reached_is_none(serve, address):
    with serve("raw:app", env={"NOTIFY_SOCKET": address}) as server:
        assert server.get("/hello").status == 200


def unit(name: str) -> configparser.ConfigParser:
    parsed = configparser.ConfigParser(strict=False, interpolation=None)
    parsed.optionxform = str
    parsed.read_string((UNITS / name).read_text())
    return parsed


@pytest.mark.parametrize("manager", ["path"], indirect=True)
def test_units_start_a_server_as_systemd_would(serve, manager, door):
    """The service's own command line, the socket unit's socket, and the variables of both."""
    service, sockets = unit("ringhorn@.service"), unit("ringhorn@.socket")
    assert service["Service"]["Type"] == "notify"
    program, *options = service["Service"]["ExecStart"].split()
    assert Path(program).name == "ringhorn"
    check = service["Service"]["ExecStartPre"].split()
    assert check == [program, "--check-config"]
    with socket.create_server(("127.0.0.1", 0)) as listening:
        assert sockets["Socket"]["ListenStream"].isdigit()
        port = listening.getsockname()[1]
        # What systemd does between fork and exec.
        start = (
            "import os, sys; os.dup2(int(sys.argv[1]), 3); os.environ['LISTEN_PID'] ="
            " str(os.getpid()); os.execvp(sys.argv[2], sys.argv[2:])"
        )
        command = ("/usr/bin/python3", "-c", start, str(listening.fileno()), *door.command)
        env = {
            "NOTIFY_SOCKET": manager.address,
            "WATCHDOG_USEC": str(int(service["Service"]["WatchdogSec"]) * 1_000_000),
            "LISTEN_FDS": "1",
        }
        with serve(
            "raw:app",
            *options,
            env=env,
            command=command,
            pass_fds=(listening.fileno(),),
            ready=False,
        ) as server:
            assert manager.next()["READY"] == "1"
            with Connection(port) as connection:
                connection.get("/hello")
                assert connection.read_response().body == b"hello"
