"""The clients that people use, each in its own words: websockets, aiohttp, wsproto, Node's ws.

All talk to apps/conversations/plain.py. RINGHORN_NODE_MODULES names the directory in which
packaging/test has installed `ws`.
"""

import asyncio
import json
import os
import shutil
import subprocess
from pathlib import Path

import aiohttp
import pytest
import websockets
from support.checks import await_note, fresh_id
from support.holds import holds
from support.patience import seconds
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from wsproto import ConnectionType, WSConnection
from wsproto import events as wsproto_events
from wsproto.extensions import PerMessageDeflate

APP = "conversations.plain:app"
TEXT = "grüße, 世界 " * 20_000
CONTENT = bytes(range(256)) * 1000


def url_of(server, path: str) -> str:
    return server.url.replace("http", "ws", 1) + path


def within(coroutine):
    async def run():
        async with asyncio.timeout(seconds(20)):
            return await coroutine

    return asyncio.run(run())


# websockets.


@pytest.mark.parametrize(
    "deflate",
    [
        None,
        ClientPerMessageDeflateFactory(),
        ClientPerMessageDeflateFactory(server_no_context_takeover=True),
        ClientPerMessageDeflateFactory(client_no_context_takeover=True),
        ClientPerMessageDeflateFactory(server_max_window_bits=9, client_max_window_bits=9),
    ],
    ids=["plain", "deflate", "server-forgets", "client-forgets", "small-windows"],
)
def test_websockets_converses_with_every_compression(shared, deflate):
    async def talk():
        url = url_of(shared(APP), "/echo")
        extensions = [deflate] if deflate else None
        async with websockets.connect(url, compression=None, extensions=extensions) as socket:
            assert bool(socket.protocol.extensions) is bool(deflate)
            for message in (TEXT, CONTENT, "", "short", os.urandom(70_000), TEXT):
                await socket.send(message)
                assert await socket.recv() == message

    within(talk())


@holds("asgi_52", "asgi_53")
def test_websockets_pings_between_fragments(shared):
    async def talk():
        async with websockets.connect(url_of(shared(APP), "/echo")) as socket:

            async def pieces():
                for word in ("one ", "two ", "three"):
                    await (await socket.ping())
                    yield word

            await socket.send(pieces())
            assert await socket.recv() == "one two three"

    within(talk())


def test_websockets_by_the_hundred(shared):
    async def one(number: int, start: asyncio.Event) -> None:
        async with websockets.connect(url_of(shared(APP), "/echo")) as socket:
            await start.wait()
            for turn in range(10):
                await socket.send(f"{number} {turn}")
                assert await socket.recv() == f"{number} {turn}"

    async def talk():
        start = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for number in range(100):
                group.create_task(one(number, start))
            start.set()

    within(talk())


# aiohttp.


@pytest.mark.parametrize("compress", [0, 15, 9])
def test_aiohttp_converses(shared, compress):
    server, key = shared(APP), fresh_id()

    async def talk():
        url = url_of(server, f"/echo?id={key}")
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(
                url, protocols=["echo.v1"], compress=compress, max_msg_size=0
            ) as socket,
        ):
            assert socket.protocol == "echo.v1"
            assert bool(socket.compress) is bool(compress)
            await socket.send_str(TEXT)
            assert await socket.receive_str() == TEXT
            await socket.send_bytes(CONTENT)
            assert await socket.receive_bytes() == CONTENT
            await socket.close(code=4002, message=b"done")
            assert socket.close_code == 4002

    within(talk())
    await_note(server, key, "left 4002")


def test_aiohttp_iterates_to_the_end(shared):
    async def talk():
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(url_of(shared(APP), "/push?count=500")) as socket,
        ):
            assert [message.data async for message in socket] == [str(n) for n in range(500)]
            assert socket.close_code == 1000

    within(talk())


@holds("asgi_58", "robustness_60")
def test_aiohttp_is_refused_with_403(shared):
    async def talk():
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await session.ws_connect(url_of(shared(APP), "/refuse"))
            assert refused.value.status == 403

    within(talk())


# wsproto: the socket is ours.


class Wsproto:
    def __init__(self, connection, path: str, extensions=()) -> None:
        self._connection = connection
        self._protocol = WSConnection(ConnectionType.CLIENT)
        request = wsproto_events.Request("test", path, extensions=list(extensions))
        connection.send(self._protocol.send(request))

    def send(self, event) -> None:
        self._connection.send(self._protocol.send(event))

    def events(self):
        """Each event as it comes; pings are answered."""
        while True:
            for event in self._protocol.events():
                if isinstance(event, wsproto_events.Ping):
                    self.send(event.response())
                yield event
            assert self._connection.wait_readable(), "nothing came"
            self._protocol.receive_data(self._connection.read_now() or None)

    def message(self):
        """The next whole message."""
        pieces = []
        for event in self.events():
            if isinstance(event, wsproto_events.Message):
                pieces.append(event.data)
                if event.message_finished:
                    return pieces[0][:0].join(pieces)


@pytest.mark.parametrize("extensions", [[], [PerMessageDeflate()]], ids=["plain", "deflate"])
def test_wsproto_converses(shared, extensions):
    with shared(APP).connect() as connection:
        client = Wsproto(connection, "/echo", extensions)
        accepted = next(client.events())
        assert isinstance(accepted, wsproto_events.AcceptConnection)
        assert len(accepted.extensions) == len(extensions)
        client.send(wsproto_events.TextMessage("in two ", message_finished=False))
        client.send(wsproto_events.TextMessage("frames"))
        assert client.message() == "in two frames"
        client.send(wsproto_events.BytesMessage(CONTENT))
        assert client.message() == CONTENT
        client.send(wsproto_events.CloseConnection(4003, "bye"))
        end = next(e for e in client.events() if isinstance(e, wsproto_events.CloseConnection))
        assert end.code == 4003
        connection.expect_close()


# Node.


@pytest.mark.skipif(
    shutil.which("node") is None or "RINGHORN_NODE_MODULES" not in os.environ,
    reason="packaging/test installs Node and its ws",
)
def test_node_converses(shared):
    server = shared(APP)
    ended = subprocess.run(
        ["node", Path(__file__).with_name("node_client.js"), str(server.port)],
        env={**os.environ, "NODE_PATH": os.environ["RINGHORN_NODE_MODULES"]},
        capture_output=True,
        text=True,
        timeout=seconds(30),
    )
    assert ended.returncode == 0, ended.stderr
    seen = json.loads(ended.stdout)
    conversation = {
        "protocol": "echo.v1",
        "text": True,
        "bytes": True,
        "pong": "are you there?",
        "close": 4000,
    }
    assert seen["plain"] == {"extensions": "", **conversation}
    assert seen["deflated"] == {"extensions": "permessage-deflate", **conversation}
    assert seen["told"] == [4001, "as asked"]
    assert seen["refused"] == "Unexpected server response: 403"
    assert seen["many"] == 50
