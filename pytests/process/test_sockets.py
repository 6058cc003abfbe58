"""Where the server listens: --bind, --uds, --fd, socket activation. robustness 91 and 92."""

import json
import os
import signal
import socket
import stat
import sys

import pytest
from support.holds import holds
from support.raw import Connection

GET = b"GET /scope HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"


@pytest.fixture
def listening():
    """A listening socket of ours, as a service manager would have it."""
    with socket.create_server(("127.0.0.1", 0)) as ours:
        yield ours


def scope_of(connection: Connection) -> dict:
    with connection:
        connection.send(GET)
        response = connection.read_response()
        assert response.status == 200
        return json.loads(response.body)


def running_on(server) -> list[str]:
    return [line.partition("running on ")[2] for line in server.stderr_lines() if "running" in line]


@holds("robustness_92")
def test_uds_is_served_with_its_path_as_server_and_no_client(serve, tmp_path):
    path = str(tmp_path / "app.sock")
    with serve("raw:app", "--uds", path, ready=False) as server:
        server.wait_for_line(f"Ringhorn running on unix socket {path}")
        scope = scope_of(Connection(0, path=path))
        assert scope["server"] == [path, None]
        assert scope["client"] is None
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o666
        assert running_on(server) == [f"unix socket {path} (Press CTRL+C to quit)"]
        server.wait_for_output('- "GET /scope HTTP/1.1" 200 OK')
    assert not os.path.exists(path)


@holds("robustness_91")
def test_uds_mode_and_owner(serve, tmp_path):
    path = str(tmp_path / "app.sock")
    own = f"{os.getuid()}:{os.getgid()}"
    options = ("--bind", f"unix:{path}", "--uds-mode", "600", "--uds-owner", own)
    with serve("raw:app", *options, ready=False) as server:
        server.wait_for_line("running on unix socket")
        status = os.stat(path)
        assert stat.S_IMODE(status.st_mode) == 0o600
        assert (status.st_uid, status.st_gid) == (os.getuid(), os.getgid())


@holds("robustness_91")
def test_abstract_socket(serve):
    name = f"@ringhorn-{os.getpid()}"
    with serve("raw:app", "--bind", f"unix:{name}", ready=False) as server:
        server.wait_for_line(f"running on unix socket {name} ")
        assert scope_of(Connection(0, path=name))["server"] == [name, None]


@holds("robustness_91")
def test_stale_socket_is_taken_over_and_a_live_one_is_not(serve, door, tmp_path):
    path = str(tmp_path / "app.sock")
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(path)
    with serve("raw:app", "--uds", path, ready=False) as server:
        server.wait_for_line("running on unix socket")
        second = door.run("raw:app", "--uds", path, "--app-dir", "pytests/apps")
        assert second.returncode == 3
        assert "another server is listening there" in second.stderr
        assert scope_of(Connection(0, path=path))["server"] == [path, None]


@holds("robustness_91")
def test_file_in_the_way_stays(door, tmp_path):
    path = tmp_path / "precious"
    path.write_text("text")
    ended = door.run("raw:app", "--uds", str(path), "--app-dir", "pytests/apps")
    assert ended.returncode == 3
    assert "exists and is not a socket" in ended.stderr
    assert path.read_text() == "text"


@holds("robustness_91")
def test_socket_of_a_successor_is_not_removed(serve, tmp_path):
    path = str(tmp_path / "app.sock")
    with serve("raw:app", "--uds", path, ready=False) as server:
        server.wait_for_line("running on unix socket")
        os.unlink(path)
        with socket.socket(socket.AF_UNIX) as successor:
            successor.bind(path)
            server.stop()
            assert os.path.exists(path)


def test_several_addresses_are_served_together(serve, tmp_path):
    path = str(tmp_path / "app.sock")
    binds = ("--bind", "127.0.0.1:0", "-b", "127.0.0.2:0", "--bind", f"unix:{path}")
    with serve("raw:app", *binds) as server:
        server.wait_for_line("running on unix socket")
        first, second, third = running_on(server)
        assert third.startswith(f"unix socket {path}")
        for banner, host in ((first, "127.0.0.1"), (second, "127.0.0.2")):
            port = int(banner.split()[0].rpartition(":")[2])
            for _ in range(2):
                scope = scope_of(Connection(port, host))
                assert scope["server"] == [host, port]
                assert scope["client"][0] == "127.0.0.1"
        assert scope_of(Connection(0, path=path))["server"] == [path, None]
    with pytest.raises(ConnectionRefusedError):
        Connection(port, "127.0.0.2")


def test_name_with_two_addresses_is_served_on_both(serve):
    if not any(info[0] == socket.AF_INET6 for info in socket.getaddrinfo("localhost", 0)):
        pytest.skip("localhost has no IPv6 address here")
    with serve("raw:app", "--host", "localhost") as server:
        for host in ("127.0.0.1", "::1"):
            assert scope_of(Connection(server.port, host))["server"] == [host, server.port]


@holds("robustness_91")
@pytest.mark.parametrize("option", ["--fd", "--bind=fd://"])
def test_inherited_descriptor_is_served_and_left_open(serve, listening, option):
    number = listening.fileno()
    options = (option, str(number)) if option == "--fd" else (f"{option}{number}",)
    with serve("raw:app", *options, pass_fds=(number,)) as server:
        port = listening.getsockname()[1]
        assert server.port == port
        assert scope_of(Connection(port))["server"] == ["127.0.0.1", port]
        server.stop()
        # Ours still: who connects now waits for the next server.
        with Connection(port):
            pass


@holds("robustness_91")
def test_descriptor_that_is_no_socket_is_refused(door):
    ended = door.run("raw:app", "--fd", "0", "--app-dir", "pytests/apps")
    assert ended.returncode == 3
    assert "cannot listen on descriptor 0: it is not a stream socket" in ended.stderr


def activated(door, listening, *arguments: str) -> tuple[str, ...]:
    """The command of a service manager: the socket as descriptor 3, and who it is for."""
    script = (
        "import os, sys; os.dup2(int(sys.argv[1]), 3);"
        "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1');"
        "os.execv(sys.argv[2], sys.argv[2:])"
    )
    return (sys.executable, "-c", script, str(listening.fileno()), *door.command, *arguments)


@holds("users_ask_21")
def test_socket_activation(serve, door, listening):
    """systemd's LISTEN_FDS: its socket stands in for --host and --port."""
    number = listening.fileno()
    command = activated(door, listening)
    with serve("raw:app", command=command, pass_fds=(number,)) as server:
        assert server.port == listening.getsockname()[1]
        assert len(running_on(server)) == 1
        scope = scope_of(Connection(server.port))
        assert scope["server"] == ["127.0.0.1", server.port]
        # A request at the time of the restart waits in the manager's socket and is not lost.
        server.send_signal(signal.SIGTERM)
        server.wait()
    with Connection(listening.getsockname()[1], timeout=20) as early:
        early.send(GET)
        with serve("raw:app", command=command, pass_fds=(number,)):
            assert early.read_response().status == 200
