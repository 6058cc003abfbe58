"""--loop: the application on its own event loop, on asyncio's, on uvloop, on anybody's."""

import pytest
from support.doors import APPS
from test_import import check_failed

NATIVE = "_ringhorn.EventLoop"


@pytest.fixture(autouse=True)
def ours(door):
    if door.oracle:
        pytest.skip("the oracle has another loop by default")


@pytest.mark.parametrize(
    "name, expected",
    [
        ("auto", NATIVE),
        ("ringhorn", NATIVE),
        ("loops:native", NATIVE),
        ("asyncio", "asyncio.unix_events._UnixSelectorEventLoop"),
        ("none", "asyncio.unix_events._UnixSelectorEventLoop"),
        ("uvloop", "uvloop.Loop"),
        ("loops:OwnLoop", "loops.OwnLoop"),
        ("loops:Namespace.Inner", "loops.OwnLoop"),
    ],
)
def test_application_runs_on_the_loop_that_was_named(serve, name, expected):
    with serve("loops:app", "--loop", name) as server:
        for _ in range(3):
            assert server.get("/").body.decode() == expected


def test_loop_may_be_named_by_the_environment(serve):
    with serve("loops:app", env={"RINGHORN_LOOP": "asyncio"}) as server:
        assert server.get("/").body.startswith(b"asyncio.")


def start(door, name, app_dir=APPS):
    return door.run("raw:app", "--port", "0", "--app-dir", str(app_dir), "--loop", name)


@pytest.mark.parametrize(
    "name, says",
    [
        ("nowhere:loop", "--loop nowhere:loop needs the module 'nowhere', which is not installed"),
        ("loops:nothing", "--loop loops:nothing is not there: loops has no function 'nothing'"),
        ("loops:__name__", "loops has no function '__name__'"),
        ("loops:no_loop", "--loop loops:no_loop gives 'a loop', which is not an asyncio event"),
        ("loops:a_coroutine", "loops has no function 'a_coroutine'"),
        ("loops:broken", "ValueError: this factory is broken"),
    ],
)
def test_loop_that_cannot_be_had_is_a_failure_to_start(door, name, says):
    text = check_failed(start(door, name), says)
    assert "choose_loop" not in text
    assert (len(text.splitlines()) == 1) == ("ValueError" not in says), text


def test_uvloop_that_is_not_installed_is_named(door, tmp_path):
    absent = "raise ModuleNotFoundError('No module named uvloop', name='uvloop')\n"
    (tmp_path / "uvloop.py").write_text(absent)
    text = check_failed(start(door, "uvloop", tmp_path), "--loop uvloop needs the module 'uvloop'")
    assert len(text.splitlines()) == 1, text


def test_import_that_fails_inside_the_loops_module_is_a_traceback(door, tmp_path):
    (tmp_path / "mine.py").write_text("import not_there\n")
    check_failed(start(door, "mine:loop", tmp_path), "mine.py", "No module named 'not_there'")
