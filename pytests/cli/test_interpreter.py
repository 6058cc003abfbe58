"""The embedded interpreter is the user's: environment, paths, flags, streams, as under `python`."""

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from support.checks import show
from support.doors import APPS
from support.patience import SANITIZED

APP = "surroundings:app"


def look(server) -> dict:
    return show(server.get("/"))


def python_of(door) -> str:
    """The interpreter to compare with: the one whose packages this door serves with."""
    if door.name == "executable":
        return str(Path(door.environment["VIRTUAL_ENV"]) / "bin" / "python")
    return door.command[0]


def packages_of(python: str) -> str:
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    return subprocess.check_output([python, "-c", code], text=True).strip()


@pytest.fixture
def venv(door, tmp_path) -> Path:
    """A fresh environment with one module that nobody else has."""
    root = tmp_path / "venv"
    subprocess.run([python_of(door), "-m", "venv", "--without-pip", str(root)], check=True)
    site = Path(packages_of(str(root / "bin" / "python")))
    (site / "only_here.py").write_text("")
    # The door's own package stays in reach, behind everything else.
    code = f"import site; site.addsitedir({packages_of(python_of(door))!r})"
    (site / "door.pth").write_text(code + "\n")
    return root


# Environments.


def test_active_virtual_environment_is_used(serve, door, venv):
    if door.name != "executable":
        pytest.skip("an interpreter is its own environment")
    with serve(APP, env={"VIRTUAL_ENV": str(venv)}) as server:
        assert show(server.get("/find?module=only_here")) is True
        found = look(server)
        assert found["prefix"] == str(venv)
        assert found["base_prefix"] != str(venv)


def test_environment_beside_the_executable_is_used(serve, door, venv):
    """pyvenv.cfg one above: `venv/bin/ringhorn`, with nothing activated."""
    if door.name == "executable":
        program = venv / "bin" / "ringhorn"
        shutil.copy(door.command[0], program)
        command = (str(program),)
    else:
        command = (str(venv / "bin" / "python"), *door.command[1:])
    with serve(APP, env={"VIRTUAL_ENV": None}, command=command) as server:
        assert show(server.get("/find?module=only_here")) is True
        assert look(server)["prefix"] == str(venv)


def test_environment_beside_a_symbolic_link_is_used(serve, door, venv):
    if door.name != "executable":
        pytest.skip("the interpreter's own business")
    program = venv / "bin" / "ringhorn"
    program.symlink_to(door.command[0])
    with serve(APP, env={"VIRTUAL_ENV": None}, command=(str(program),)) as server:
        assert look(server)["prefix"] == str(venv)


def test_environment_beside_the_program_wins_over_the_active_one(serve, door, venv):
    """As with `venv/bin/python` while another environment is active."""
    if door.name != "executable":
        pytest.skip("the interpreter's own business")
    program = venv / "bin" / "ringhorn"
    shutil.copy(door.command[0], program)
    with serve(APP, command=(str(program),)) as server:
        assert look(server)["prefix"] == str(venv)


def test_environment_that_is_not_there_is_no_trap(door, tmp_path):
    if door.name != "executable":
        pytest.skip("the interpreter's own business")
    ended = door.run("no_such:app", env={"VIRTUAL_ENV": str(tmp_path / "gone")})
    assert ended.returncode == 3


def test_prefix_and_packages_are_those_of_the_interpreter(serve, door):
    with serve(APP) as server:
        found = look(server)
    code = (
        "import sys, json; print(json.dumps([sys.prefix, sys.base_prefix, sys.version_info[:3]]))"
    )
    expected = json.loads(subprocess.check_output([python_of(door), "-c", code]))
    assert [found["prefix"], found["base_prefix"], found["version"]] == expected
    assert packages_of(python_of(door)) in found["path"]


# Sys.


def test_sys_executable_is_a_python_of_the_same_environment(serve):
    with serve(APP) as server:
        found = look(server)
    code = f"import sys; print(sys.prefix, list(sys.version_info[:3]) == {found['version']})"
    ran = subprocess.run([found["executable"], "-c", code], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == f"{found['prefix']} True"


def test_sys_argv_is_the_command_line(serve):
    with serve(APP, "--header", "X: y") as server:
        argv = look(server)["argv"]
    assert argv[1:] == [APP, "--port", "0", "--app-dir", str(APPS), "--header", "X: y"]
    assert os.path.basename(argv[0]) in (server.door.program, "__main__.py")


def test_sys_path_begins_with_the_app_dir(serve):
    with serve(APP) as server:
        found = look(server)
    assert found["path"][0] == str(APPS)
    assert [entry for entry in found["path"] if entry.endswith("lib-dynload")]


def test_sys_path_begins_with_the_current_directory_by_default(serve):
    with serve(APP, app_dir=None, cwd=APPS) as server:
        found = look(server)
    assert found["path"][0] in ("", str(APPS))
    assert found["cwd"] == str(APPS)


def test_application_runs_in_the_main_thread(serve):
    with serve(APP) as server:
        found = look(server)
    assert found["main_thread"] is True
    assert found["import_thread"] is True
    assert found["main"] == "__main__"
    assert found["implementation"] == "cpython"


# PYTHON*.

VARIABLES = [
    {},
    {"PYTHONOPTIMIZE": "2"},
    {"PYTHONDONTWRITEBYTECODE": "1"},
    {"PYTHONUNBUFFERED": "1"},
    {"PYTHONDEVMODE": "1"},
    {"PYTHONWARNINGS": "error::DeprecationWarning,ignore::UserWarning"},
    {"PYTHONHASHSEED": "0"},
    {"PYTHONHASHSEED": "12345"},
    {"PYTHONUTF8": "1"},
    {"PYTHONNOUSERSITE": "1"},
    {"PYTHONSAFEPATH": "1"},
    {"PYTHONINTMAXSTRDIGITS": "5000"},
    {"PYTHONVERBOSE": ""},
    {"PYTHONDEBUG": "0"},
]


@pytest.mark.parametrize(
    "variables", VARIABLES, ids=lambda variables: " ".join(variables) or "none"
)
def test_flags_are_those_of_python_with_the_same_variables(serve, door, variables):
    with serve(APP, env=variables) as server:
        found = look(server)
    plain = subprocess.run(
        [python_of(door), str(APPS / "surroundings.py")],
        env={**door.environ(variables), "PYTHONPATH": str(APPS)},
        capture_output=True,
        text=True,
        check=True,
    )
    expected = json.loads(plain.stdout.splitlines()[-1])
    assert found["flags"] == expected["flags"]
    assert found["warnoptions"] == expected["warnoptions"]
    if "PYTHONHASHSEED" in variables:
        assert found["hash"] == expected["hash"]
    assert found["asserts"] == (found["flags"]["optimize"] == 0)


def test_pythonpath_is_searched_behind_the_app_dir(serve, tmp_path):
    (tmp_path / "found_by_path.py").write_text("")
    with serve(APP, env={"PYTHONPATH": str(tmp_path)}) as server:
        assert show(server.get("/find?module=found_by_path")) is True
        path = look(server)["path"]
        assert path.index(str(tmp_path)) > 0
        assert path.index(str(tmp_path)) < path.index(path[-1])


def test_pythonunbuffered_shows_prints_at_once(serve):
    with serve(APP, env={"PYTHONUNBUFFERED": "1"}) as server:
        server.get("/output")
        server.wait_for_output("^app: a print without flush")


def test_buffered_prints_come_out_at_the_end(serve):
    with serve(APP) as server:
        server.get("/output")
        server.stop()
        assert "app: a print without flush" in server.stdout_lines()
        assert "app: printed at import" in server.stdout_lines()


def test_pythondontwritebytecode_leaves_no_cache(serve, tmp_path):
    for name in ("surroundings.py", "observe.py", "replies.py"):
        shutil.copy(APPS / name, tmp_path)
    with serve(APP, app_dir=tmp_path, env={"PYTHONDONTWRITEBYTECODE": "1"}) as server:
        assert look(server)["dont_write_bytecode"] is True
    assert not (tmp_path / "__pycache__").exists()
    with serve(APP, app_dir=tmp_path):
        pass
    assert (tmp_path / "__pycache__").exists()


def test_pythonwarnings_turns_a_warning_into_an_error(door):
    ended = door.run(
        APP, "--port", "0", "--app-dir", str(APPS), env={"PYTHONWARNINGS": "error::UserWarning"}
    )
    assert ended.returncode == 3
    assert "UserWarning: a warning at import" in ended.stderr


def test_warnings_are_shown_once_on_stderr(serve):
    with serve(APP) as server:
        for _ in range(3):
            server.get("/output")
        server.stop()
        lines = [line for line in server.stderr_lines() if "UserWarning: " in line]
        assert len(lines) == 2, lines  # one at import, one for the line in the request
        assert "surroundings.py" in lines[0]


def test_logging_of_the_application_is_left_to_it(serve):
    """Nobody configures the root logger: the handler of last resort writes the bare message."""
    with serve(APP) as server:
        server.get("/output")
        server.stop()
        assert "app: logged" in server.stderr_lines()


@pytest.mark.skipif(SANITIZED, reason="the sanitizer takes the signal")
def test_pythonfaulthandler_shows_the_stack_of_a_crash(serve):
    options = {"PYTHONFAULTHANDLER": "1"}
    with serve(APP, env=options, expect_status=-signal.SIGSEGV) as server:
        assert look(server)["faulthandler"] is True
        with server.connect() as connection:
            connection.get("/crash")
            connection.read_to_any_end()
        assert server.wait() == -signal.SIGSEGV
        text = "\n".join(server.stderr_lines())
        assert "Fatal Python error: Segmentation fault" in text
        assert "in crash" in text


def test_faulthandler_is_off_by_default_as_in_python(serve):
    with serve(APP) as server:
        assert look(server)["faulthandler"] is False


@pytest.mark.parametrize("variable", ["PYTHONASYNCIODEBUG", "PYTHONDEVMODE"])
def test_asyncio_debug_mode_is_honoured_and_serves(serve, variable):
    with serve(APP, env={variable: "1"}) as server:
        assert look(server)["loop_debug"] is True
        for _ in range(3):
            assert server.get("/").status == 200
        assert server.stop() == 0
        text = "\n".join(server.stderr_lines())
        assert "never awaited" not in text and "was never retrieved" not in text, text


def test_asyncio_debug_mode_serves_everything_that_the_raw_app_does(serve):
    """Debug mode takes the ordinary path: tasks, slow-callback warnings, origin tracking."""
    with serve("raw:app", env={"PYTHONASYNCIODEBUG": "1"}) as server:
        with server.connect() as connection:
            for target in ("/hello", "/stream?count=5&size=10", "/context?id=d", "/first-step"):
                connection.get(target)
                assert connection.read_response().status == 200


def test_pythonmalloc_debug_finds_nothing(serve):
    """Written past the end of a block: a fatal error at its release."""
    with serve("raw:app", env={"PYTHONMALLOC": "debug"}) as server:
        with server.connect() as connection:
            for _ in range(50):
                connection.get("/scope?a=b", "X-A: 1", "Cookie: c")
                assert connection.read_response().status == 200
                connection.get("/stream?count=5&size=100000")
                assert len(connection.read_response().body) == 500_000
        assert server.stop() == 0


# The rest of a process.


def test_atexit_handlers_run_and_output_is_flushed(serve):
    with serve(APP) as server:
        server.get("/")
        server.stop()
        assert "app: atexit" in server.stderr_lines()


def test_error_in_a_thread_is_reported_as_python_does(serve):
    with serve(APP) as server:
        assert server.get("/thread-error").body == b"joined"
        server.wait_for_line("ZeroDivisionError")


def test_error_in_a_task_that_nobody_asks_is_reported(serve):
    with serve(APP) as server:
        assert server.get("/task-error").body == b"failed"
        server.wait_for_line("Task exception was never retrieved")
        server.wait_for_line("LookupError: nobody asks me")


def test_process_title_and_directory_are_left_alone(serve):
    with serve(APP, cwd="/") as server:
        assert look(server)["cwd"] == "/"
        command = Path(f"/proc/{server.pid}/cmdline").read_bytes().split(b"\0")
        assert APP.encode() in command


def test_encodings_are_those_of_the_locale(serve):
    for variables in ({"LC_ALL": "C.UTF-8"}, {"LC_ALL": "C"}, {"PYTHONIOENCODING": "latin-1"}):
        with serve(APP, env=variables) as server:
            found = look(server)
            expected = "latin-1" if "PYTHONIOENCODING" in variables else "utf-8"
            assert found["stdout_encoding"].lower().replace("iso8859-1", "latin-1") == expected
            assert found["filesystem_encoding"] == "utf-8"


def test_tests_themselves_run_on_a_version_that_is_supported():
    assert sys.version_info >= (3, 11)
    assert sysconfig.get_platform().startswith("linux")
