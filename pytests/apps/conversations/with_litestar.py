"""Litestar: handlers and its WebSocket."""

from litestar import Litestar, WebSocket, websocket
from litestar.exceptions import WebSocketDisconnect
from observe import key_of, note

from conversations import CODE, REASON, SUBPROTOCOL, facts, observed


@websocket("/echo")
async def echo(socket: WebSocket) -> None:
    offered = SUBPROTOCOL if SUBPROTOCOL in socket.scope["subprotocols"] else None
    await socket.accept(subprotocols=offered)
    try:
        while (message := await socket.receive())["type"] == "websocket.receive":
            if (content := message.get("bytes")) is not None:
                await socket.send_bytes(content)
            elif message["text"] == "close":
                return await socket.close(CODE, REASON)
            elif message["text"] == "raise":
                raise RuntimeError("as asked")
            elif message["text"] == "leave":
                return None
            else:
                await socket.send_text(message["text"])
    except WebSocketDisconnect as left:
        note(key_of(socket.scope), f"left {left.code}")
    else:
        note(key_of(socket.scope), f"left {message['code']}")


@websocket("/facts")
async def tell_facts(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text(facts(socket.scope))
    await socket.close()


@websocket("/refuse")
async def refuse(socket: WebSocket) -> None:
    await socket.close()


@websocket("/push")
async def push(socket: WebSocket, count: int) -> None:
    await socket.accept()
    for number in range(count):
        await socket.send_text(str(number))
    await socket.close()


app = observed(Litestar([echo, tell_facts, refuse, push]))
