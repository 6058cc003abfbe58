"""FastAPI: typed parameters, a dependency, an exception that closes."""

from typing import Annotated

from fastapi import Depends, FastAPI, Header, WebSocket, WebSocketDisconnect, WebSocketException
from observe import key_of, note

from conversations import CODE, REASON, SUBPROTOCOL, facts, observed

api = FastAPI()


async def subprotocol(socket: WebSocket) -> str | None:
    return SUBPROTOCOL if SUBPROTOCOL in socket.scope["subprotocols"] else None


@api.websocket("/echo")
async def echo(socket: WebSocket, chosen: Annotated[str | None, Depends(subprotocol)]):
    await socket.accept(chosen)
    try:
        while True:
            message = await socket.receive()
            socket._raise_on_disconnect(message)
            if (content := message.get("bytes")) is not None:
                await socket.send_bytes(content)
                continue
            if message["text"] == "close":
                raise WebSocketException(CODE, REASON)
            if message["text"] == "raise":
                raise RuntimeError("as asked")
            if message["text"] == "leave":
                return
            await socket.send_text(message["text"])
    except WebSocketDisconnect as left:
        note(key_of(socket.scope), f"left {left.code}")


@api.websocket("/facts")
async def tell_facts(socket: WebSocket, x_asked: Annotated[str | None, Header()] = None):
    await socket.accept()
    assert x_asked == "by the test"
    await socket.send_text(facts(socket.scope))
    await socket.close()


@api.websocket("/refuse")
async def refuse(socket: WebSocket):
    raise WebSocketException(code=1008, reason="not you")


@api.websocket("/push")
async def push(socket: WebSocket, count: int):
    await socket.accept()
    for number in range(count):
        await socket.send_text(str(number))
    await socket.close()


app = observed(api)
