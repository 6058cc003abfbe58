"""Starlette: functions over its WebSocket."""

from observe import key_of, note
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from conversations import CODE, REASON, SUBPROTOCOL, facts, observed, push_count


async def echo(socket: WebSocket):
    offered = SUBPROTOCOL if SUBPROTOCOL in socket.scope["subprotocols"] else None
    await socket.accept(offered)
    try:
        while True:
            message = await socket.receive()
            socket._raise_on_disconnect(message)
            if (content := message.get("bytes")) is not None:
                await socket.send_bytes(content)
            elif not await answer(socket, message["text"]):
                return
    except WebSocketDisconnect as left:
        note(key_of(socket.scope), f"left {left.code}")


async def answer(socket: WebSocket, text: str) -> bool:
    if text == "close":
        await socket.close(CODE, REASON)
    elif text == "raise":
        raise RuntimeError("as asked")
    elif text != "leave":
        await socket.send_text(text)
        return True
    return False


async def tell_facts(socket: WebSocket):
    await socket.accept()
    await socket.send_text(facts(socket.scope))
    await socket.close()


async def refuse(socket: WebSocket):
    await socket.close()


async def push(socket: WebSocket):
    await socket.accept()
    for number in range(push_count(socket.scope)):
        await socket.send_text(str(number))
    await socket.close()


app = observed(
    Starlette(
        routes=[
            WebSocketRoute("/echo", echo),
            WebSocketRoute("/facts", tell_facts),
            WebSocketRoute("/refuse", refuse),
            WebSocketRoute("/push", push),
        ]
    )
)
