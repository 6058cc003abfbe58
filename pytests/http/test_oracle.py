"""The same bytes to uvicorn and to us: all is equal but for what is listed.

Every difference is either a bug or a line here (and in DECISIONS.md). Left out of the comparison
are the values that must differ: date, server, ports.
"""

from __future__ import annotations

import json

import pytest
from support import doors
from support.checks import chunked, chunks, post, request
from support.raw import Response
from support.server import Server

HOST = "Host: test"


def get(target: str, *fields: str) -> bytes:
    return request(f"GET {target} HTTP/1.1", HOST, *fields)


# name: (bytes, method)
REQUESTS = {
    "plain": (get("/scope"), "GET"),
    "query": (get("/scope?a=b&c=%20d+e"), "GET"),
    "empty query": (get("/scope?"), "GET"),
    "question marks": (get("/scope?a?b"), "GET"),
    "encoded path": (get("/%C3%A9/%2F/a%20b"), "GET"),
    "not UTF-8": (get("/%ff%c0"), "GET"),
    "percent": (get("/a%25b"), "GET"),
    "lone percent": (get("/a%zz"), "GET"),
    "dots": (get("/a/../b"), "GET"),
    "two slashes": (get("//a//b"), "GET"),
    "at sign": (get("/@a:b"), "GET"),
    "long path": (get("/" + "a" * 4000), "GET"),
    "field case": (get("/scope", "X-CaSe: VaLuE"), "GET"),
    "field duplicates": (get("/scope", "X-A: 1", "x-b: 2", "X-A: 3"), "GET"),
    "cookies": (get("/scope", "Cookie: a=1", "Cookie: b=2"), "GET"),
    "field white space": (get("/scope", "X-A: \t a  b \t"), "GET"),
    "field empty": (get("/scope", "X-A:"), "GET"),
    "field obs-text": (get("/scope", "X-A: caf\xe9 \xff"), "GET"),
    "field underscore": (get("/scope", "X_A: 1", "X-A: 2"), "GET"),
    "many fields": (get("/scope", *(f"X-{number}: {number}" for number in range(80))), "GET"),
    "large field": (get("/scope", "X-A: " + "a" * 8000), "GET"),
    "host with port": (request("GET /scope HTTP/1.1", "Host: example.com:8000"), "GET"),
    "host IPv6": (request("GET /scope HTTP/1.1", "Host: [::1]:8000"), "GET"),
    "1.0": (request("GET /scope HTTP/1.0", HOST), "GET"),
    "1.0 without Host": (request("GET /scope HTTP/1.0"), "GET"),
    "close": (get("/scope", "Connection: close"), "GET"),
    "DELETE": (request("DELETE /scope HTTP/1.1", HOST), "DELETE"),
    "OPTIONS": (request("OPTIONS /scope HTTP/1.1", HOST), "OPTIONS"),
    "PATCH": (request("PATCH /scope HTTP/1.1", HOST, "Content-Length: 0"), "PATCH"),
    "HEAD": (request("HEAD /sized?size=1000 HTTP/1.1", HOST), "HEAD"),
    "HEAD of a stream": (request("HEAD /stream?count=3&size=8 HTTP/1.1", HOST), "HEAD"),
    "POST": (post("/echo", b"hello"), "POST"),
    "POST empty": (post("/echo", b""), "POST"),
    "POST binary": (post("/echo", bytes(range(256)) * 10), "POST"),
    "POST large": (post("/measure", b"x" * 300_000), "POST"),
    "POST scope": (post("/scope", b"{}", "Content-Type: application/json"), "POST"),
    "chunked": (chunked("/echo", chunks(b"hello ", b"world")), "POST"),
    "chunked empty": (chunked("/echo", chunks()), "POST"),
    "chunked extension": (chunked("/echo", b"5;a=b\r\nhello\r\n0\r\n\r\n"), "POST"),
    "chunked trailer": (chunked("/echo", b"5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n"), "POST"),
    "chunked case": (
        post("/scope", b"").replace(b"Content-Length: 0", b"Transfer-Encoding: Chunked") + chunks(),
        "POST",
    ),
    "hello": (get("/hello"), "GET"),
    "own fields": (get("/field-bytes"), "GET"),
    "stream": (get("/stream?count=20&size=100"), "GET"),
    "stream with a length": (get("/stream?count=20&size=100&length=1"), "GET"),
    "no length": (get("/without-length"), "GET"),
    "204": (get("/status?status=204"), "GET"),
    "304": (get("/status?status=304"), "GET"),
    "404": (get("/status?status=404&body=gone"), "GET"),
    "closing app": (get("/close"), "GET"),
    "raising app": (get("/raise-before-start"), "GET"),
    "silent app": (get("/return-without-start"), "GET"),
    "empty response": (get("/sized?size=0"), "GET"),
    "large response": (get("/sized?size=1000000"), "GET"),
}

# What differs on purpose, by request: a field of the scope, `head` or `chunks` of the response.
INTENDED = {
    # 2.4: send() after a disconnect raises; uvicorn says 2.3 because its own does not.
    "*": {"asgi", "extensions"},
    # uvicorn hangs on the coding in another case, or does not decode it (robustness 22).
    "chunked case": {"response"},
    # A single body whose start was held back gets its length; uvicorn has sent its head by then.
    "no length": {"framing"},
    "own fields": {"connection"},
    "HEAD of a stream": {"framing"},
    # httptools leaves a tab at the end of a value (RFC 9110 §5.5: it is no part of it).
    "field white space": {"headers"},
    "404": {"framing"},
    "204": {"framing"},
    "304": {"framing"},
    "1.0": {"connection"},
    "1.0 without Host": {"connection"},
}


@pytest.fixture(scope="module")
def oracle():
    server = Server(doors.oracle(), "raw:app", expect_status=None)
    yield server
    server.kill()


def exchange(server: Server, data: bytes, method: str) -> Response:
    with server.connect(timeout=10) as connection:
        connection.send(data)
        return connection.read_response(method)


def intended(name: str) -> set[str]:
    return INTENDED["*"] | INTENDED.get(name, set())


@pytest.mark.parametrize("name", REQUESTS)
def test_answer_is_uvicorns(server, oracle, name):
    if "response" in intended(name):
        pytest.skip("uvicorn does not answer this one")
    data, method = REQUESTS[name]
    ours, theirs = exchange(server, data, method), exchange(oracle, data, method)
    assert (ours.status, ours.reason) == (theirs.status, theirs.reason)
    assert comparable_fields(ours, name) == comparable_fields(theirs, name)
    assert comparable_body(ours, name) == comparable_body(theirs, name)


def comparable_fields(response: Response, name: str) -> list[tuple[bytes, bytes]]:
    """Fields in order, their names in lower case as uvicorn sends them."""
    hidden = {b"date", b"server"}
    if "framing" in intended(name):
        hidden |= {b"content-length", b"transfer-encoding"}
    if "connection" in intended(name):
        hidden |= {b"connection"}
    fields = [(field.lower(), value) for field, value in response.fields]
    kept = [(field, value) for field, value in fields if field not in hidden]
    if response.value("content-type") == b"application/json":
        kept = [(field, value) for field, value in kept if field != b"content-length"]
    return kept


def comparable_body(response: Response, name: str):
    if response.value("content-type") != b"application/json":
        return response.body
    shown = json.loads(response.body)
    if not isinstance(shown, dict) or shown.get("type") != "http":
        return (
            shown
            if name != "POST large"
            else {"length": shown["length"], "sha256": shown["sha256"]}
        )
    for key in intended(name):
        shown.pop(key, None)
    assert [type(part) for part in shown.pop("client")] == [str, int]
    assert [type(part) for part in shown.pop("server")] == [str, int]
    shown.pop("state", None)  # the oracle's key without a lifespan: an empty dict
    return shown


@pytest.mark.parametrize("name", ["plain", "POST", "chunked", "stream", "204", "HEAD", "404"])
def test_connection_goes_on_after_it_as_with_uvicorn(server, oracle, name):
    data, method = REQUESTS[name]
    for one in (server, oracle):
        with one.connect() as connection:
            connection.send(data)
            connection.read_response(method)
            connection.get("/hello")
            assert connection.read_response().body == b"hello"


def test_pipelined_table_gives_the_same_statuses(server, oracle):
    names = ["plain", "POST", "chunked", "HEAD", "204", "stream", "404", "large response", "hello"]
    statuses = []
    for one in (server, oracle):
        with one.connect(timeout=10) as connection:
            connection.send(*(REQUESTS[name][0] for name in names))
            found = [connection.read_response(REQUESTS[name][1]) for name in names]
            statuses.append([response.status for response in found])
    assert statuses[0] == statuses[1]
