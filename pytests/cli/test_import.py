"""Finding the application: what is accepted, what is said when it is not there. Lessons 15, 17.

Exit status 3, one line that says what to do, the user's traceback without the server's frames.
"""

import pytest
from support.doors import APPS
from support.holds import holds, row

BROKEN = APPS / "broken"


def start(door, app: str, *options: str, **settings):
    return door.run(app, "--port", "0", "--app-dir", str(BROKEN), *options, **settings)


def check_failed(ended, *says: str) -> str:
    """Status 3, the texts in stderr, nothing on stdout, no word of the server's own frames."""
    assert ended.returncode == 3, (ended.returncode, ended.stderr)
    assert ended.stdout == ""
    for text in says:
        assert text in ended.stderr, ended.stderr
    for frame in (
        "<frozen importlib",
        "importlib/__init__.py",
        "ringhorn/__init__.py",
        "ringhorn/__main__.py",
        "<ringhorn.",
    ):
        assert frame not in ended.stderr, ended.stderr
    assert "Started server process" not in ended.stderr
    return ended.stderr


@pytest.mark.parametrize(
    "app, says",
    [
        row(
            "lesson_15", "misspelt module", "god:app", "no module named 'god': did you mean 'good'?"
        ),
        row("lesson_15", "no module", "qqqq:app", "no module named 'qqqq'"),
        row(
            "lesson_15",
            "misspelt submodule",
            "package.mian:app",
            "no module named 'package.mian': did you mean 'package.main'?",
        ),
        row(
            "lesson_15",
            "no package",
            "pakage.main:app",
            "no module named 'pakage': did you mean 'package'?",
        ),
        row(
            "lesson_15",
            "misspelt attribute",
            "good:ap",
            "attribute 'ap' not found in module 'good'; it has: app",
        ),
        row("lesson_15", "misspelt inside", "good:nested.iner", "attribute 'iner' not found in"),
        row(
            "lesson_15",
            "a number",
            "good:number",
            "'good:number' is an int, not an ASGI application",
        ),
        row("lesson_15", "a text", "good:text", "'good:text' is a str, not an ASGI application"),
        row("lesson_15", "None", "good:nothing", "not an ASGI application"),
        row("asgi_02", "WSGI", "good:wsgi", "WSGI"),
    ],
)
def test_application_that_cannot_be_found_is_explained_in_one_line(door, app, says):
    text = check_failed(start(door, app), says)
    assert "Traceback" not in text
    lines = [line for line in text.splitlines() if line]
    assert len(lines) == 1, lines
    assert lines[0].startswith("ERROR:    Error loading ASGI app. ")


@pytest.mark.parametrize("app", ["good:asgi2", "good:Asgi2"])
@holds("asgi_02")
def test_legacy_application_is_served_or_refused_with_a_sentence(serve, door, app):
    """Two-callable applications may wait; they must not fail at each request."""
    ended = start(door, app, timeout=5) if not door.oracle else None
    if ended is not None:
        check_failed(ended, "ASGI 2")


@pytest.mark.parametrize(
    "app, says",
    [
        row("lesson_15", "raises", "raises:app", "ValueError: no settings"),
        row(
            "lesson_15",
            "a module is missing",
            "needs:app",
            "ModuleNotFoundError: No module named 'a_module_that_nobody_has'",
        ),
        row("lesson_15", "syntax", "syntax:app", "SyntaxError"),
    ],
)
def test_error_inside_the_users_code_shows_the_users_traceback(door, app, says):
    text = check_failed(start(door, app), says)
    assert text.count("Traceback (most recent call last)") <= 1
    module = app.partition(":")[0]
    assert f"broken/{module}.py" in text
    frames = [line for line in text.splitlines() if line.lstrip().startswith("File ")]
    assert all("broken/" in frame for frame in frames), frames


def test_traceback_of_the_user_has_all_of_the_users_frames(door):
    text = check_failed(start(door, "raises:app"))
    for name in ("in <module>", "in setup", "in connect"):
        assert name in text


def test_missing_dependency_names_the_interpreter(door):
    text = check_failed(start(door, "needs:app"))
    assert "which is not installed for /" in text or "a_module_that_nobody_has" in text


@holds("lesson_17")
def test_task_at_import_works_or_is_explained(serve, door):
    """`asyncio.create_task` at import needs a running loop: uvicorn imports inside of its loop."""
    ended = None
    server = serve("task_at_import:app", app_dir=BROKEN, ready=False, expect_status=None)
    with server:
        try:
            server.await_ready()
        except AssertionError:
            ended = server.wait()
            text = "\n".join(server.stderr_lines())
            assert ended == 3
            assert (
                "no running event loop" in text and "startup" in text and "task_at_import" in text
            )
        else:
            assert server.get("/").body == b"task [True]"


def test_module_that_exits_at_import_exits_with_3(door):
    ended = start(door, "exits:app")
    assert ended.returncode in (1, 3)
    assert "the module had enough" in ended.stderr


@pytest.mark.parametrize(
    "app",
    ["good:app", "good:instance", "good:partial", "good:nested.inner", "package.main:app"],
)
def test_application_of_any_form_is_served(serve, app):
    with serve(app, app_dir=BROKEN) as server:
        assert server.get("/").body == b"good"


def test_factory_is_called(serve):
    with serve("good:create", "--factory", app_dir=BROKEN) as server:
        assert server.get("/").body == b"good"
        assert not [line for line in server.stderr_lines() if line.startswith("WARNING")]


def test_callable_without_arguments_is_taken_for_a_factory_with_a_warning(serve):
    with serve("good:create", app_dir=BROKEN) as server:
        assert server.get("/").body == b"good"
        assert (
            "WARNING:  ASGI app factory detected. Using it, but please consider setting the "
            "--factory flag explicitly."
        ) in server.stderr_lines()


@holds("asgi_03")
def test_factory_may_use_the_running_loop_or_fails_in_order(serve):
    with serve("good:loop_is_running", "--factory", app_dir=BROKEN) as server:
        assert server.get("/").body == b"good"


@pytest.mark.parametrize(
    "app, says",
    [
        ("good:create_wrong", "returned an int"),
        ("good:create_raises", "ValueError: the factory broke"),
        ("good:needs_argument", "needs arguments"),
        ("good:app", "needs arguments"),
    ],
)
def test_factory_that_cannot_be_one_exits_with_3(door, app, says):
    check_failed(start(door, app, "--factory"), says)


def test_app_dir_defaults_to_the_current_directory(serve):
    with serve("good:app", app_dir=None, cwd=BROKEN) as server:
        assert server.get("/").body == b"good"


def test_app_dir_may_be_relative(serve):
    with serve("good:app", app_dir="broken", cwd=APPS) as server:
        assert server.get("/").body == b"good"


def test_app_dir_comes_before_everything_else(serve, tmp_path):
    """A module of the user's hides one of the same name of an installed package."""
    (tmp_path / "starlette.py").write_text((BROKEN / "good.py").read_text())
    with serve("starlette:app", app_dir=tmp_path) as server:
        assert server.get("/").body == b"good"


@holds("lesson_22")
def test_application_name_that_is_not_utf_8_is_no_trap(door):
    import os
    import subprocess

    name = os.fsdecode(b"\xff\xfe:app")
    ended = subprocess.run(
        [*door.command, name, "--port", "0", "--app-dir", str(BROKEN)],
        env=door.environ(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=20,
    )
    assert ended.returncode in (2, 3), ended.stderr


@holds("lesson_15", "robustness_73")
def test_failed_start_leaves_no_process_and_no_port(door):
    from support.ports import free_port
    from support.raw import Connection

    port = free_port()
    ended = door.run("raises:app", "--port", str(port), "--app-dir", str(BROKEN))
    assert ended.returncode == 3
    with pytest.raises(ConnectionRefusedError):
        Connection(port)


def test_directory_of_the_module_is_named_when_it_is_elsewhere(door, tmp_path):
    ended = door.run("good:app", "--port", "0", cwd=tmp_path)
    text = check_failed(ended, "no module named 'good'")
    assert "--app-dir" in text
