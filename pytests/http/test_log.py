"""Access lines, and that nothing a peer sends can forge one. robustness 81, lesson 60."""

import re

import pytest
from support.checks import request
from support.holds import holds, row

HOST = "Host: test"


def access_line(server, data: bytes, method: str = "GET") -> str:
    """The access line of one exchange; it leaves in a later write than the response."""
    mark = server.mark_stdout()
    server.request(data, method)
    return server.wait_for_output('"', since=mark).string


@holds("lesson_60")
def test_access_line_is_uvicorns(server):
    mark = server.mark_stdout()
    with server.connect() as connection:
        connection.get("/hello?a=b")
        connection.read_response()
        line = server.wait_for_output("hello", since=mark).string
        client = f"127.0.0.1:{connection.local_port}"
    assert line == f'INFO:     {client} - "GET /hello?a=b HTTP/1.1" 200 OK'


@pytest.mark.parametrize(
    "data, end",
    [
        row(
            "lesson_60",
            "404",
            request("GET /status?status=404 HTTP/1.1", HOST),
            '1.1" 404 Not Found',
        ),
        row("lesson_60", "1.0", request("GET /hello HTTP/1.0"), '"GET /hello HTTP/1.0" 200 OK'),
        row(
            "lesson_60",
            "500",
            request("GET /raise-before-start HTTP/1.1", HOST),
            '1.1" 500 Internal Server Error',
        ),
        row(
            "lesson_60",
            "POST",
            request("POST /echo HTTP/1.1", HOST),
            '"POST /echo HTTP/1.1" 200 OK',
        ),
    ],
)
def test_access_line_tells_method_target_version_and_status(server, data, end):
    assert access_line(server, data).endswith(end)


@holds("lesson_60")
def test_streamed_response_is_one_access_line(server):
    mark = server.mark_stdout()
    with server.connect() as connection:
        connection.get("/stream?count=100&size=10")
        connection.read_response()
        connection.get("/hello?next")
        connection.read_response()
    server.wait_for_output("hello.next", since=mark)
    assert len([line for line in server.stdout_lines(mark) if "/stream" in line]) == 1


HOSTILE = [
    row("robustness_81", "encoded line end", "/%0d%0aINFO:%20forged"),
    row("robustness_81", "encoded escape", "/%1b[31mred"),
    row("robustness_81", "encoded NUL", "/%00"),
    row("robustness_81", "encoded quote", "/%22%20200%20OK"),
    row("robustness_81", "a quote", '/a"b'),
    row("robustness_81", "a backslash", "/a\\b"),
    row("robustness_81", "encoded high bytes", "/%ff%c3%a9"),
    row("robustness_81", "a format", "/%25s%25n{0}{x}%s"),
    row("robustness_81", "a long one", "/" + "a" * 8000),
]


@pytest.mark.parametrize("target", HOSTILE)
def test_access_line_stays_one_printable_line(server, target):
    """CVE-2020-7694."""
    mark, start = server.mark_stdout(), len(server.stdout_bytes())
    server.request(request(f"GET {target} HTTP/1.1", HOST))
    server.get("/hello?behind")
    server.wait_for_output("hello.behind", since=mark)
    lines = server.stdout_bytes()[start:].split(b"\n")[:-1]
    assert len(lines) == 2, lines
    assert re.fullmatch(rb"[\x20-\x7e]+", lines[0]), lines[0]
    form = rb'INFO:     127\.0\.0\.1:\d+ - "GET [^"]+ HTTP/1\.1" (200 OK|400 Bad Request)'
    assert re.fullmatch(form, lines[0].replace(rb"\"", b"").replace(b'a"b', b"ab")), lines[0]


@pytest.mark.parametrize(
    "data",
    [
        row("robustness_81", "line ends in the request line", b"GET /\nINFO: forged\n\n"),
        row("robustness_81", "escapes in a field", request("GET / HTTP/1.1", HOST, "X: \x1b[31m")),
        row(
            "robustness_81", "high bytes in a name", request("GET / HTTP/1.1", HOST, "\xff\xfe: 1")
        ),
        row("robustness_81", "a method of garbage", b"\xff\x1b]0;title\x07 / HTTP/1.1\r\n\r\n"),
        row("robustness_81", "a hostile Host", request("GET / HTTP/1.1", "Host: a\x1b[2Jb")),
    ],
)
def test_warning_about_a_bad_request_stays_one_printable_line(server, data):
    mark = server.mark()
    start = len(server.stderr_bytes())
    assert server.request(data).status == 400
    server.wait_for_line("^WARNING", since=mark)
    text = server.stderr_bytes()[start:]
    assert re.fullmatch(rb"WARNING:  [\x20-\x7e]+\n", text), text


@holds("lesson_60")
def test_refused_request_has_no_traceback(server):
    mark = server.mark()
    server.request(b"\0\r\n\r\n")
    server.wait_for_line("^WARNING", since=mark)
    assert "Traceback" not in "\n".join(server.stderr_lines(mark))
