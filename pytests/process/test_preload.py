"""--preload: one import for all workers, which are forked from the process that has done it."""

import os
import re
import signal
import time

import pytest
from support.checks import show
from support.patience import seconds

APP = """
import json, os, sys
{before}
AT_IMPORT = os.getpid()
print("app: imported")  # into a buffer, which must not be forked with what is in it

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        {at_start}
        await send({{"type": "lifespan.startup.complete"}})
        await receive()
        await send({{"type": "lifespan.shutdown.complete"}})
        return
    seen = {{"import": AT_IMPORT, "pid": os.getpid(), "parent": os.getppid(), "code": {code}}}
    headers = [(b"content-type", b"application/json")]
    await send({{"type": "http.response.start", "status": 200, "headers": headers}})
    await send({{"type": "http.response.body", "body": json.dumps(seen).encode()}})
"""
LOAD = 96 << 20
DICE = 'print("app: dice", random.random(), file=sys.stderr)'
IMPORTED = r"Template process \[(\d+)\] has imported the application in"


class Project:
    """A directory with an application that a test changes, and a server of it."""

    def __init__(self, serve, folder) -> None:
        self.folder = folder
        self._serve = serve
        self.write()

    def write(self, code: int = 1, before: str = "", at_start: str = "") -> None:
        text = APP.format(code=code, before=before, at_start=at_start)
        (self.folder / "main.py").write_text(text)

    def serve(self, *options: str, **settings):
        # A cached module is valid as long as size and second of its source are the same.
        env = {"PYTHONDONTWRITEBYTECODE": "1"}
        options = ("--preload", "--lifespan", "on", "--log-level", "debug", *options)
        return self._serve("main:app", *options, env=env, cwd=self.folder, app_dir=None, **settings)


@pytest.fixture
def project(serve, tmp_path, door):
    if door.oracle:
        pytest.skip("uvicorn imports in each worker")
    return Project(serve, tmp_path)


def look(server) -> dict:
    return show(server.get("/"))


def look_at_code(server, code: int) -> dict:
    """As look(), from `code`: a worker that was just told to go may still accept somebody."""
    deadline = time.monotonic() + seconds(10)
    while (seen := look(server))["code"] != code:
        assert time.monotonic() < deadline, seen
    return seen


def template_of(server, since: int = 0) -> int:
    return int(server.wait_for_line(IMPORTED, since=since).group(1))


def memory(pid: int, name: str) -> int:
    """A figure of /proc/pid/smaps_rollup, in bytes."""
    with open(f"/proc/{pid}/smaps_rollup") as lines:
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith(f"{name}:"))


def kill_worker(server, pid: int) -> dict:
    """What the next one says, that has taken its place."""
    mark = server.mark()
    os.kill(pid, signal.SIGKILL)
    server.wait_for_line(rf"Child process \[{pid}\] died: killed by SIGKILL", since=mark)
    server.wait_for_line("Application startup complete", since=mark)
    return look(server)


def test_application_is_imported_once_and_its_memory_shared(project):
    project.write(before=f"import random; LOAD = b'x' * {LOAD}", at_start=DICE)
    with project.serve("--workers", "3") as server:
        thrown, mark = set(), 0
        for _ in range(3):
            line = server.wait_for_line("^app: dice", since=mark).string
            mark = server.stderr_lines().index(line, mark) + 1
            thrown.add(line)
        assert len(thrown) == 3, "what must differ from process to process does not"
        template = template_of(server)
        seen = look(server)
        assert seen["import"] == template != seen["pid"]
        assert seen["parent"] == server.pid
        assert memory(seen["pid"], "Rss") > LOAD
        assert memory(seen["pid"], "Private_Dirty") < LOAD
        server.stop()
        assert server.stdout_lines().count("app: imported") == 1


def test_reload_imports_anew_and_the_old_template_goes(project):
    with project.serve("--workers", "2") as server:
        old = template_of(server)
        mark = server.mark()
        project.write(2)
        server.send_signal(signal.SIGHUP)
        server.wait_for_line("Restarted: generation 2 serves with 2 processes.", since=mark)
        new = template_of(server, mark)
        assert look_at_code(server, 2)["import"] == new != old
        server.wait_for_line(rf"Template process \[{old}\] ended", since=mark)


def test_reloads_that_come_during_an_import_are_one(project):
    fifo = project.folder / "gate"
    os.mkfifo(fifo)
    with project.serve("--workers", "1") as server:
        project.write(2, before='print("app: at the gate", file=sys.stderr); open("gate").read()')
        server.send_signal(signal.SIGHUP)
        server.wait_for_line("app: at the gate")
        for _ in range(3):
            mark = server.mark()
            server.send_signal(signal.SIGHUP)
            server.wait_for_line("Received SIGHUP", since=mark)
        project.write(3)
        fifo.write_bytes(b"")
        server.wait_for_line(r"Restarted: generation \d serves", since=mark)
        look_at_code(server, 3)
        assert len([line for line in server.stderr_lines() if re.search(IMPORTED, line)]) == 3


@pytest.mark.parametrize(
    "broken",
    [{"before": "import nowhere_at_all"}, {"at_start": "raise KeyError(7)"}],
    ids=["import", "lifespan"],
)
def test_code_that_does_not_start_leaves_the_old_one_serving(project, broken):
    with project.serve("--workers", "1") as server:
        template = template_of(server)
        mark = server.mark()
        project.write(2, **broken)
        server.send_signal(signal.SIGHUP)
        server.wait_for_line("ModuleNotFoundError: |KeyError: 7", since=mark)
        server.wait_for_line("The restart has failed: generation 2 does not start.", since=mark)
        assert not [line for line in server.stderr_lines(mark) if "ringhorn" in line.lower()]
        # The code on the disk is broken, and a worker can die all the same.
        seen = kill_worker(server, look(server)["pid"])
        assert (seen["code"], seen["import"]) == (1, template)
        mark = server.mark()
        project.write(3)
        server.send_signal(signal.SIGHUP)
        server.wait_for_line("Restarted", since=mark)
        look_at_code(server, 3)


def test_template_that_dies_is_replaced_and_the_workers_serve_on(project):
    with project.serve("--workers", "1") as server:
        before = look(server)
        mark = server.mark()
        os.kill(template_of(server), signal.SIGKILL)
        died = server.wait_for_line(r"Template process .* died: .*", since=mark)
        assert re.search(r"killed by SIGKILL after .*\. Starting another\.$", died.string)
        new = template_of(server, mark)
        assert look(server) == before
        assert kill_worker(server, before["pid"])["import"] == new


def test_worker_is_replaced_from_the_template(project):
    with project.serve("--limit-max-requests", "3") as server:
        first = look(server)
        last = kill_worker(server, first["pid"])
        assert last["pid"] != first["pid"]
        mark = server.mark()
        look(server), look(server)
        server.wait_for_line(r"will be replaced: ", since=mark)
        server.wait_for_line("Application startup complete", since=mark)
        template = template_of(server)
        assert {each["import"] for each in (first, last, look(server))} == {template}


def test_term_overtakes_an_import(serve, door):
    if door.oracle:
        pytest.skip("uvicorn imports in each worker")
    with serve("slow_import:app", "--preload", ready=False) as server:
        server.wait_for_line("app: importing")
        assert server.stop() == 0
        server.wait_for_line("Received SIGTERM, exiting.")


@pytest.mark.parametrize("app", ["slow_import:app", "raw:app"])
def test_nobody_is_left_when_the_supervisor_is_killed(serve, door, app):
    if door.oracle:
        pytest.skip("uvicorn imports in each worker")
    with serve(app, "--preload", ready=False, expect_status=None) as server:
        server.wait_for_line("app: importing|Application startup complete")
        server.process.kill()
        # Who is left would keep it open.
        with pytest.raises(AssertionError, match="the stream ended without"):
            server.wait_for_line("what nobody says")


def test_import_that_takes_too_long_ends_the_start(serve, door):
    if door.oracle:
        pytest.skip("uvicorn imports in each worker")
    options = ("--preload", "--timeout-startup", "0.3")
    with serve("slow_import:app", *options, ready=False, expect_status=3) as server:
        server.wait_for_line(r"Template process \[\d+\] has not imported the application in")
        server.wait_for_line("before it was ready. Exiting.")
        assert server.wait() == 3


def test_import_that_fails_ends_the_start(project, door):
    project.write(before="import nowhere_at_all")
    ended = door.run("main:app", "--port", "0", "--preload", cwd=project.folder)
    assert ended.returncode == 3
    assert "ModuleNotFoundError: No module named 'nowhere_at_all'" in ended.stderr
    assert re.search(r"Template process .* died: exit status 3 .* Exiting\.", ended.stderr)


def test_threads_of_the_import_are_named(project):
    thread = "Thread(target=threading.Event().wait, name='mine', daemon=True)"
    project.write(before=f"import threading; threading.{thread}.start()")
    with project.serve() as server:
        warning = server.wait_for_line("WARNING: +(Importing .*)")
        assert warning.group(1) == (
            "Importing the application has started threads, which do not exist in the workers: "
            "'mine'. Start them when the application starts (lifespan)."
        )
        assert look(server)["code"] == 1


def test_module_that_wants_a_running_loop_is_told_so(project, door):
    project.write(before="import asyncio; asyncio.get_running_loop()")
    for options in (("--preload",), ("--preload", "--check-config")):
        ended = door.run("main:app", "--port", "0", *options, cwd=project.folder)
        assert ended.returncode == 3
        assert "RuntimeError: no running event loop" in ended.stderr
        assert "start tasks in a startup handler (lifespan)" in ended.stderr
