"""Checks that many tests make, written once."""

from __future__ import annotations

import itertools
import json
import re

from support.raw import Connection, Response
from support.server import Server

REFUSAL = b"Invalid HTTP request received."
_WARNING = re.compile(r"^WARNING: +Invalid HTTP request received")
_ids = itertools.count(1)


def fresh_id() -> str:
    """A name for what one request leaves in the notes of apps/observe.py."""
    return f"k{next(_ids)}"


def show(response: Response):
    """The JSON of a response."""
    assert response.status == 200, (response.status, response.body)
    return json.loads(response.body)


def calls(server: Server) -> int:
    """How often the application was called before this."""
    return show(server.get("/calls")) - 1


def seen(server: Server, key: str) -> list:
    return show(server.get(f"/seen?id={key}"))


def await_note(server: Server, key: str, what: str, times: int = 1) -> list:
    """Waits until the application has noted `what`; all its notes."""
    return show(server.get(f"/await?id={key}&what={what.replace(' ', '+')}&times={times}"))


def events_at_end(server: Server, key: str) -> list[dict]:
    """What receive() gave the WebSocket application, up to its end."""
    notes = await_note(server, key, "websocket.disconnect")
    return [note for note in notes if isinstance(note, dict)]


def tell(server: Server, key: str, what: str = "go") -> None:
    show(server.get(f"/tell?id={key}&what={what}"))


def raised_in(notes: list) -> list[str]:
    """What the notes say of exceptions out of send()."""
    return [item for item in notes if isinstance(item, str) and item.startswith("raised ")]


def said(server: Server, mark: int) -> list[str]:
    """All of stderr since `mark`, up to now.

    A bad request of our own makes the server say something: whatever it had to say before has come
    through the pipe when that line has.
    """
    with server.connect() as connection:
        place = server.mark()
        connection.send(b"\0\r\n\r\n")
        connection.read_response()
        whose = "" if server.door.oracle else f".*127.0.0.1:{connection.local_port}:"
        last = server.wait_for_line(_WARNING.pattern + whose, since=place).string
    lines = server.stderr_lines(mark)
    lines.remove(last)
    return lines


def still_serves(connection: Connection) -> None:
    """The connection answers another request, so nothing was left over on it."""
    connection.get("/hello")
    response = connection.read_response()
    assert (response.status, response.body) == (200, b"hello")


def check_refused(server: Server, data: bytes, status: int = 400) -> Response:
    """`data` gets `status` and an orderly close; the application is not called."""
    before = calls(server)
    mark = server.mark()
    with server.connect() as connection:
        connection.send(data)
        response = connection.read_response()
        connection.expect_close()
    assert response.status == status, (response.status, response.body)
    assert response.value("connection") == b"close"
    assert calls(server) == before + 1, "the application was called"
    if status == 400:
        assert response.body == REFUSAL
        assert (response.value("content-type") or b"").startswith(b"text/plain")
        server.wait_for_line(_WARNING.pattern, since=mark)
        warnings = [line for line in server.stderr_lines(mark) if line.startswith("WARNING")]
        assert len(warnings) == 1, warnings
    return response


def check_accepted(server: Server, data: bytes, method: str = "GET") -> Response:
    """`data` is answered by the application with 200, and the connection goes on."""
    with server.connect() as connection:
        connection.send(data)
        response = connection.read_response(method)
        assert response.status == 200, (response.status, response.body)
        still_serves(connection)
    return response


def request(line: str | bytes, *fields: str | bytes, body: bytes = b"") -> bytes:
    """A request from its lines, CRLF between them, as given: also a wrong one."""

    def as_bytes(text):
        return text.encode("latin-1") if isinstance(text, str) else text

    return b"".join(as_bytes(part) + b"\r\n" for part in (line, *fields, b"")) + body


def post(target: str, body: bytes, *fields: str) -> bytes:
    """A correct POST with a content-length."""
    return request(
        f"POST {target} HTTP/1.1", "Host: test", f"Content-Length: {len(body)}", *fields, body=body
    )


def chunked(target: str, wire: bytes, *fields: str) -> bytes:
    """A POST whose chunked body goes out as given."""
    return request(
        f"POST {target} HTTP/1.1", "Host: test", "Transfer-Encoding: chunked", *fields, body=wire
    )


def chunks(*pieces: bytes) -> bytes:
    """The pieces in the chunked coding, the end included."""
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
