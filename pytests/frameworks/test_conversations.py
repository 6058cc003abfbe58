"""One WebSocket conversation in seven frameworks' words: what each needs of its server.

The client is the `websockets` package, with permessage-deflate as it offers it by itself.
"""

import json
import os
from socket import SHUT_RDWR

import pytest
from support.checks import await_note, fresh_id
from support.holds import holds
from support.patience import seconds
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

FRAMEWORKS = ("plain", "starlette", "endpoints", "fastapi", "channels", "litestar", "quart")
# What clients see when the handler raises: the server's 1011, or what the framework makes of it.
RAISED = {"litestar": 4500, "quart": 1000}


def app_of(framework: str) -> str:
    module = framework if framework == "plain" else f"with_{framework}"
    return f"conversations.{module}:app"


@pytest.fixture(params=FRAMEWORKS)
def framework(request) -> str:
    return request.param


@pytest.fixture
def server(shared, framework):
    return shared(app_of(framework))


def open_socket(server, path: str, **options):
    url = server.url.replace("http", "ws", 1) + path
    patience = {"open_timeout": seconds(10), "close_timeout": seconds(10)}
    return connect(url, max_size=None, **patience, **options)


def end_of(socket) -> tuple[int, str]:
    """Reads to the end: the code and the reason of the Close frame."""
    with pytest.raises(ConnectionClosed) as end:
        while True:
            socket.recv(timeout=seconds(10))
    assert end.value.rcvd is not None, "no Close frame"
    return end.value.rcvd.code, end.value.rcvd.reason


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 1_000_000])
@holds("asgi_61", "asgi_62")
def test_text_and_bytes_come_back(server, framework, size):
    if framework == "quart" and size == 0:
        pytest.skip("Quart takes empty bytes for text")
    text = ("grüße, 世界 " * (size // 10 + 1))[:size]
    content = os.urandom(size)
    with open_socket(server, "/echo") as socket:
        socket.send(text)
        assert socket.recv(timeout=seconds(10)) == text
        socket.send(content)
        assert socket.recv(timeout=seconds(10)) == content


def test_messages_keep_their_order(server):
    with open_socket(server, "/echo") as socket:
        sent = [str(number) for number in range(500)]
        for text in sent:
            socket.send(text)
        assert [socket.recv(timeout=seconds(10)) for _ in sent] == sent


def test_fragments_become_one_message(server):
    with open_socket(server, "/echo") as socket:
        socket.send(["one ", "two ", "three"])
        assert socket.recv(timeout=seconds(10)) == "one two three"


@pytest.mark.parametrize("offered, chosen", [(["other", "echo.v1"], "echo.v1"), (["x"], None)])
def test_subprotocol_is_agreed_on(server, offered, chosen):
    with open_socket(server, "/echo", subprotocols=offered) as socket:
        assert socket.subprotocol == chosen


def test_handshake_reaches_the_handler(server):
    options = {"subprotocols": ["a", "b"], "additional_headers": {"X-Asked": "by the test"}}
    with open_socket(server, "/facts?a=1&b=%20", **options) as socket:
        facts = json.loads(socket.recv(timeout=seconds(10)))
        assert end_of(socket)[0] == 1000
    assert facts == {
        "path": "/facts",
        "query": "a=1&b=%20",
        "scheme": "ws",
        "http_version": "1.1",
        "subprotocols": ["a", "b"],
        "client": "127.0.0.1",
        "asked": "by the test",
    }


@holds("asgi_58")
def test_refusal_before_accept_is_403(server):
    with pytest.raises(InvalidStatus) as refused, open_socket(server, "/refuse"):
        pass
    assert refused.value.response.status_code == 403


def test_handler_closes_with_its_code_and_reason(server):
    with open_socket(server, "/echo") as socket:
        socket.send("close")
        assert end_of(socket) == (4001, "as asked")


def test_push_is_read_to_its_end(server):
    with open_socket(server, "/push?count=1000") as socket:
        assert list(socket) == [str(number) for number in range(1000)]
        assert socket.close_code == 1000


@pytest.mark.parametrize("code, reason", [(1000, ""), (1001, "going"), (4321, "für immer")])
@holds("asgi_63")
def test_handler_is_told_how_the_client_left(server, framework, code, reason):
    key = fresh_id()
    with open_socket(server, f"/echo?id={key}") as socket:
        socket.send("here")
        socket.recv(timeout=seconds(10))
        socket.close(code, reason)
        assert socket.close_code == code
    await_note(server, key, "left" if framework == "quart" else f"left {code}")


@holds("asgi_63")
def test_handler_is_told_that_the_client_has_vanished(server, framework):
    if server.door.oracle:
        pytest.skip("the oracle says 1005")
    key = fresh_id()
    with open_socket(server, f"/echo?id={key}") as socket:
        socket.send("here")
        socket.recv(timeout=seconds(10))
        socket.socket.shutdown(SHUT_RDWR)
    await_note(server, key, "left" if framework == "quart" else "left 1006")


@holds("robustness_65")
def test_handler_that_raises_closes_with_1011(server, framework):
    if server.door.oracle:
        pytest.skip("the oracle sends no Close frame")
    mark = server.mark()
    with open_socket(server, "/echo") as socket:
        socket.send("raise")
        assert end_of(socket)[0] == RAISED.get(framework, 1011)
    if framework not in RAISED:
        server.wait_for_line("RuntimeError: as asked", since=mark)
