"""--reload: the application follows its files."""

import itertools
import re

import pytest
from support.raw import Connection
from support.server import Server

APP = """
import asyncio
{before}
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        return
    await send({{"type": "http.response.start", "status": 200, "headers": []}})
    endless = scope["path"] == "/endless"
    body = {body}
    await send({{"type": "http.response.body", "body": body, "more_body": endless}})
    if endless:
        await asyncio.Event().wait()
"""


class Project:
    """A directory with an application that a test changes, and a server that watches it."""

    def __init__(self, serve, folder) -> None:
        self.folder = folder
        self._serve = serve
        self.write()

    def write(self, body: str = 'b"one"', before: str = "", name: str = "main.py") -> None:
        (self.folder / name).write_text(APP.format(body=body, before=before))

    def serve(self, *options: str, **settings) -> Server:
        options = ("--lifespan", "off", "--reload", "--reload-delay", "0.05", *options)
        # A cached module is valid as long as size and second of its source are the same.
        env = {"PYTHONDONTWRITEBYTECODE": "1"}
        return self._serve("main:app", *options, env=env, cwd=self.folder, app_dir=None, **settings)


@pytest.fixture
def project(serve, tmp_path, door):
    if door.oracle:
        pytest.skip("uvicorn watches in its own way")
    return Project(serve, tmp_path)


def test_change_is_served_and_no_request_is_refused(project):
    with project.serve() as server:
        assert server.get("/").body == b"one"
        mark = server.mark()
        project.write('b"two"', before="sum(range(10**7))  # takes a while")
        answers = []
        while b"two" not in answers:
            answers.append(server.get("/").body)
        assert set(answers) <= {b"one", b"two"}
        server.wait_for_line("Detected changes in 'main.py'. Reloading...", since=mark)
        server.wait_for_line("Restarted: generation 2 serves with 1 process.", since=mark)
        lines = server.stderr_lines()
    assert f"INFO:     Will watch for changes in these directories: ['{project.folder}']" in lines


def test_nobody_is_answered_by_old_code_after_the_change_is_seen(project):
    with project.serve() as server:
        with server.connect() as kept:
            kept.get("/")
            assert kept.read_response().body == b"one"
            mark = server.mark()
            project.write('b"two"', before="sum(range(10**7))  # takes a while")
            server.wait_for_line("Shutting down", since=mark)
            assert server.get("/").body == b"two"


@pytest.mark.parametrize("workers", [(), ("--workers", "2")], ids=["alone", "two"])
def test_code_that_is_broken_is_shown_and_mended(project, workers):
    with project.serve(*workers) as server:
        for number, broken in enumerate(("1 +", "import nowhere_at_all", "raise KeyError(7)"), 2):
            mark = server.mark()
            project.write(before=broken)
            error = "SyntaxError|ModuleNotFoundError|KeyError: 7"
            server.wait_for_line(error, since=mark)
            server.wait_for_line("exit status 3 .* The next change starts another.", since=mark)
            project.write(f'b"{number}"')
            # Of two workers the second may have read the file before it was broken.
            while (body := server.get("/").body) != str(number).encode():
                assert body in (b"one", str(number - 1).encode())


def test_code_that_is_broken_at_the_start_waits_for_a_change(project):
    project.write(before="1 +")
    with project.serve(ready=False) as server:
        server.wait_for_line("SyntaxError")
        server.wait_for_line("The next change starts another.")
        project.write()
        server.await_ready()
        assert server.get("/").body == b"one"


def test_endless_response_does_not_hold_it_up(project):
    with project.serve("--timeout-graceful-shutdown", "1") as server:
        with server.connect() as listener:
            listener.get("/endless")
            assert listener.read_head().status == 200
            for number in (2, 3):
                mark = server.mark()
                project.write(f'b"{number}"')
                server.wait_for_line(f"Restarted: generation {number}", since=mark)
                assert server.get("/").body == str(number).encode()


def test_other_files_count_when_they_are_included(project):
    page = project.folder / "page.html"
    page.write_text("one")
    project.write('open("page.html", "rb").read()', before='PAGE = open("page.html").read()')
    (project.folder / "test_main.py").write_text("")
    options = ("--reload-include", "*.html", "--reload-exclude", "test_*.py")
    with project.serve(*options) as server:
        mark = server.mark()
        (project.folder / "test_main.py").write_text("x = 1")
        (project.folder / "notes.txt").write_text("x = 1")
        page.write_text("two")
        found = server.wait_for_line("Detected changes in (.*). Reloading", since=mark)
        assert found.group(1) == "'page.html'"
        server.wait_for_line("Restarted", since=mark)
        assert server.get("/").body == b"two"


def test_directories_can_be_chosen(project, tmp_path_factory):
    watched = tmp_path_factory.mktemp("watched")
    with project.serve("--reload-dir", str(watched)) as server:
        mark = server.mark()
        project.write('b"two"')
        (watched / "package").mkdir()
        (watched / "package" / "new.py").write_text("")
        found = server.wait_for_line("Detected changes in (.*). Reloading", since=mark)
        assert found.group(1) == f"'{watched}/package/new.py'"


def test_directory_that_is_missing_is_said(project, door):
    options = ("--port", "0", "--reload", "--reload-dir", "nowhere")
    ended = door.run("main:app", *options, cwd=project.folder)
    assert ended.returncode == 3
    expected = r"ERROR: +--reload: nowhere cannot be watched: No such file or directory"
    assert re.search(expected, ended.stderr), ended.stderr


def test_worker_that_dies_is_replaced_as_without_reload(project):
    project.write("__import__('os')._exit(9)")
    with project.serve() as server:
        with server.connect() as connection:
            connection.get("/")
            assert connection.read_to_any_end()[0] == b""
        server.wait_for_line("died: exit status 9 after .* Starting another.")
        project.write()
        answered = next(filter(None, (try_get(server) for _ in itertools.count())))
        assert answered == b"one"


def try_get(server) -> bytes:
    with Connection(server.port) as connection:
        connection.send(b"GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n")
        return connection.read_to_any_end()[0].partition(b"\r\n\r\n")[2]
