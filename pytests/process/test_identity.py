"""--user, --group, --umask, --chdir, --env-file, --pid, --check-config. robustness 74 and 91."""

import os
import pwd
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.checks import show
from support.doors import APPS
from support.holds import holds


def open_to_all(place: str) -> bool:
    path = Path(place).resolve()
    return all(each.stat().st_mode & 0o5 == 0o5 for each in (path, *path.parents))


# Somebody else must find the interpreter: root's own pyenv is below a directory that is root's.
ROOT = pytest.mark.skipif(
    os.getuid() != 0 or not all(map(open_to_all, (APPS, sys.prefix, sys.base_prefix))),
    reason="only root may become somebody else, and must have a Python that others can read",
)


def who(server) -> dict:
    both = show(server.get("/who"))
    assert both["at_import"] == both["now"]
    return both["now"]


@pytest.fixture
def gone() -> int:
    """The number of a process that has ended."""
    child = subprocess.Popen(["true"])
    child.wait()
    return child.pid


# Who it runs as.


@ROOT
@pytest.mark.parametrize("mode", [(), ("--preload",)], ids=["alone", "preload"])
@holds("robustness_91")
def test_user_is_taken_before_the_application_is_imported(serve, door, mode):
    if door.oracle and mode:
        pytest.skip("not an option of uvicorn's")
    nobody = pwd.getpwnam("nobody")
    with serve("identity:app", "--user", "nobody", *mode) as server:
        seen = who(server)
        assert seen["user"] == [nobody.pw_uid] * 3
        assert seen["group"] == [nobody.pw_gid] * 3
        assert 0 not in seen["groups"]
        assert seen["groups"] == sorted(os.getgrouplist("nobody", nobody.pw_gid))


@ROOT
@holds("robustness_91")
def test_group_and_numbers(serve):
    with serve("identity:app", "-u", "4711", "-g", "4712") as server:
        seen = who(server)
        assert (seen["user"], seen["group"], seen["groups"]) == ([4711] * 3, [4712] * 3, [4712])


@ROOT
@holds("robustness_91")
def test_socket_is_bound_by_who_started_it(serve, tmp_path):
    """In a directory where the user may not write."""
    path = tmp_path / "app.sock"
    tmp_path.chmod(0o755)
    with serve("identity:app", "--user", "nobody", "--uds", str(path), ready=False) as server:
        server.wait_for_line("running on unix socket")
        assert path.stat().st_uid == 0


@ROOT
@holds("robustness_91")
def test_workers_run_as_the_user_and_find_what_they_need(serve, tmp_path):
    nobody = pwd.getpwnam("nobody")
    here = tmp_path / "here"
    here.mkdir()
    (here / ".env").write_text("TEST_A=1\n")
    options = ("--user", "nobody", "--chdir", "here", "--env-file", ".env", "--pid", "pid")
    with serve("identity:app", "--workers", "1", *options, cwd=tmp_path) as server:
        seen = who(server)
        assert seen["user"] == [nobody.pw_uid] * 3
        assert seen["variables"] == {"TEST_A": "1"}
        assert seen["directory"] == str(here)
        assert (here / "pid").read_text() == f"{server.pid}\n"
    assert not (here / "pid").exists()


def test_own_user_needs_no_rights(serve):
    own = ("--user", str(os.getuid()), "--group", str(os.getgid()))
    with serve("identity:app", *own) as server:
        assert who(server)["user"] == [os.getuid()] * 3


@pytest.mark.parametrize(
    "options, says",
    [
        (("--user", "no-such-user"), "there is no user 'no-such-user'"),
        (("--group", "no-such-group"), "there is no group 'no-such-group'"),
    ],
)
def test_unknown_name_is_refused(door, options, says):
    ended = door.run("identity:app", "--app-dir", str(APPS), "--port", "0", *options)
    assert ended.returncode == 3
    assert says in ended.stderr


@ROOT
def test_who_is_not_root_cannot_become_another(door, tmp_path):
    command = ("setpriv", "--reuid=4711", "--clear-groups", *door.command)
    ended = door.run("identity:app", "--port", "0", "--user", "nobody", command=command)
    assert ended.returncode == 3, ended.stderr
    assert "--user nobody: cannot run as that: Operation not permitted" in ended.stderr


# What it finds.


def test_umask(serve):
    with serve("identity:app", "--umask", "027") as server:
        assert who(server)["umask"] == 0o027


def test_chdir_is_where_everything_is_looked_up(serve, tmp_path):
    (tmp_path / "here.py").write_text(
        f"import sys\nsys.path.append({str(APPS)!r})\nfrom identity import app\n"
    )
    (tmp_path / ".env").write_text("TEST_A=1\n")
    options = ("--chdir", str(tmp_path), "--env-file", ".env", "--pid", "here.pid")
    with serve("here:app", *options, app_dir=None) as server:
        seen = who(server)
        assert seen["directory"] == str(tmp_path)
        assert seen["variables"] == {"TEST_A": "1"}
        assert (tmp_path / "here.pid").read_text() == f"{server.pid}\n"
    assert not (tmp_path / "here.pid").exists()


def test_env_file_gives_what_is_not_set_and_configures_nothing(serve, tmp_path):
    file = tmp_path / "env"
    file.write_text(
        "# for the application\nTEST_A=from file\nexport TEST_B='two words' # comment\n"
        "TEST_C=${TEST_B}!\nRINGHORN_ACCESS_LOG=maybe\n"
    )
    env = {"TEST_A": "from process"}
    with serve("identity:app", "--env-file", str(file), env=env) as server:
        assert who(server)["variables"] == {
            "TEST_A": "from process",
            "TEST_B": "two words",
            "TEST_C": "two words!",
        }


@pytest.mark.parametrize(
    "options, says",
    [
        (("--chdir", "/nowhere"), "--chdir: /nowhere: No such file or directory"),
        (("--env-file", "/nowhere"), "--env-file: /nowhere: No such file or directory"),
        (("--env-file", __file__), "test_identity.py: line 1: write NAME=value"),
        (("--pid", "/nowhere/pid"), "--pid: /nowhere/pid: No such file or directory"),
        (("--pid", "/dev/null"), "--pid: /dev/null: exists and is not a file"),
    ],
)
def test_what_cannot_be_had_is_said_in_a_sentence(door, options, says):
    ended = door.run("identity:app", "--app-dir", str(APPS), "--port", "0", *options)
    assert ended.returncode == 3
    assert says in ended.stderr
    assert "Traceback" not in ended.stderr


# The file that names it.


@holds("robustness_74")
def test_pid_file_names_the_server_while_it_runs(serve, tmp_path):
    path = tmp_path / "pid"
    with serve("raw:app", "--pid", str(path)) as server:
        assert path.read_text() == f"{server.pid}\n"
        assert path.stat().st_mode & 0o777 == 0o644
        assert os.listdir(tmp_path) == ["pid"]
    assert not path.exists()


@holds("robustness_74")
@pytest.mark.parametrize("text", ["{gone}\n", "", "rubbish", "0", "-1"])
def test_stale_pid_file_is_replaced(serve, tmp_path, gone, text):
    path = tmp_path / "pid"
    path.write_text(text.format(gone=gone))
    with serve("raw:app", "--pid", str(path)) as server:
        assert path.read_text() == f"{server.pid}\n"


@holds("robustness_74")
def test_pid_file_of_a_living_process_is_refused_and_stays(door, tmp_path):
    path = tmp_path / "pid"
    path.write_text(f"{os.getpid()}\n")
    ended = door.run("raw:app", "--app-dir", str(APPS), "--port", "0", "--pid", str(path))
    assert ended.returncode == 3
    assert f"process {os.getpid()} is running already" in ended.stderr
    assert path.read_text() == f"{os.getpid()}\n"


def test_pid_file_of_a_successor_stays(serve, tmp_path):
    path = tmp_path / "pid"
    with serve("raw:app", "--pid", str(path)) as server:
        path.write_text("1\n")
        server.stop(signal.SIGTERM)
    assert path.read_text() == "1\n"


# --check-config.


def test_check_config_imports_and_binds_nothing(door, tmp_path):
    options = ("--check-config", "--pid", str(tmp_path / "pid"), "--uds", str(tmp_path / "sock"))
    ended = door.run("lifespans:well", "--app-dir", str(APPS), *options)
    assert ended.returncode == 0, ended.stderr
    assert "INFO:     The configuration is right: lifespans:well can be served." in ended.stderr
    assert "startup" not in ended.stderr
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "app, says", [("broken.raises:app", "Error loading ASGI app"), ("nowhere:app", "nowhere")]
)
def test_check_config_says_what_is_wrong(door, app, says):
    ended = door.run(app, "--app-dir", str(APPS), "--check-config")
    assert ended.returncode == 3
    assert says in ended.stderr
    assert "is right" not in ended.stderr
