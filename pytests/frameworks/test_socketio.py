"""python-socketio: long polling, the upgrade to WebSocket, rooms, acknowledgements."""

import asyncio

import pytest
import socketio
from socketio.exceptions import ConnectionError as Refused
from support.patience import seconds

TRANSPORTS = (["polling"], ["websocket"], ["polling", "websocket"])
# A long poll lasts 25 s, and its handler does not look whether the client is still there.
APP = ("conversations.with_socketio:app", "--timeout-graceful-shutdown", "1")


def converse(server, talk, transports=None, count: int = 1, **options):
    """Runs `talk(client, …)` with `count` clients that are connected."""

    async def run():
        clients = [socketio.AsyncClient(reconnection=False) for _ in range(count)]
        try:
            for client in clients:
                await client.connect(
                    server.url, transports=transports, wait_timeout=seconds(10), **options
                )
            async with asyncio.timeout(seconds(20)):
                return await talk(*clients)
        finally:
            for client in clients:
                await part(client)

    return asyncio.run(run())


async def part(client) -> None:
    """The server ends it: a polling client that leaves by itself waits for its last poll."""
    left = asyncio.Event()
    client.on("disconnect", lambda *_: left.set())
    if client.connected:
        await client.emit("dismiss")
        await left.wait()


@pytest.mark.parametrize("transports", TRANSPORTS, ids="+".join)
def test_event_is_acknowledged(shared, transports):
    async def talk(client):
        for data in ("text", {"a": [1, 2, None]}, b"\0\xff" * 5000, "ü" * 70_000):
            assert await client.call("echo", data) == data
        return await client.call("who")

    fields = {"X-Asked": "by the test"}
    asked, transport = converse(shared(*APP), talk, transports, headers=fields)
    assert asked == "by the test"
    assert transport == transports[-1], "the upgrade did not happen"


@pytest.mark.parametrize("transports", TRANSPORTS[:2], ids="+".join)
def test_room_hears_what_is_said_in_it(shared, transports):
    async def talk(*clients):
        heard = asyncio.Queue()
        for number, client in enumerate(clients):
            client.on("said", lambda message, who=number: heard.put_nowait((who, message)))
            await client.call("enter", "even" if number % 2 == 0 else "odd")
        await clients[0].call("say", ("even", "hello"))
        return [await heard.get() for _ in range(5)], heard

    found, rest = converse(shared(*APP), talk, transports, count=10)
    assert {who for who, _ in found} == {0, 2, 4, 6, 8}
    assert all(message == {"text": "hello", "room": "even"} for _, message in found)
    assert rest.empty()


@pytest.mark.parametrize("transports", TRANSPORTS[:2], ids="+".join)
def test_server_dismisses_a_client(shared, transports):
    async def talk(client):
        await part(client)
        assert not client.connected

    converse(shared(*APP), talk, transports)


def test_server_refuses_a_client(shared):
    async def talk(client):
        raise AssertionError("was let in")

    with pytest.raises(Refused):
        converse(shared(*APP), talk, ["websocket"], auth="nobody")
