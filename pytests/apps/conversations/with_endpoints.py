"""Starlette: classes, WebSocketEndpoint."""

from observe import key_of, note
from starlette.applications import Starlette
from starlette.endpoints import WebSocketEndpoint
from starlette.routing import WebSocketRoute

from conversations import CODE, REASON, SUBPROTOCOL, facts, observed, push_count


class Echo(WebSocketEndpoint):
    """`encoding` is None: text and bytes as they come."""

    async def on_connect(self, websocket):
        offered = SUBPROTOCOL if SUBPROTOCOL in self.scope["subprotocols"] else None
        await websocket.accept(offered)

    async def decode(self, websocket, message):
        return message.get("bytes") if message.get("text") is None else message["text"]

    async def on_receive(self, websocket, data):
        if isinstance(data, bytes):
            await websocket.send_bytes(data)
        elif data == "close":
            await websocket.close(CODE, REASON)
        elif data == "raise":
            raise RuntimeError("as asked")
        else:
            await websocket.send_text(data)

    async def on_disconnect(self, websocket, close_code):
        note(key_of(self.scope), f"left {close_code}")


class Facts(WebSocketEndpoint):
    async def on_connect(self, websocket):
        await websocket.accept()
        await websocket.send_text(facts(self.scope))
        await websocket.close()


class Refuse(WebSocketEndpoint):
    async def on_connect(self, websocket):
        await websocket.close()


class Push(WebSocketEndpoint):
    async def on_connect(self, websocket):
        await websocket.accept()
        for number in range(push_count(self.scope)):
            await websocket.send_text(str(number))
        await websocket.close()


app = observed(
    Starlette(
        routes=[
            WebSocketRoute("/echo", Echo),
            WebSocketRoute("/facts", Facts),
            WebSocketRoute("/refuse", Refuse),
            WebSocketRoute("/push", Push),
        ]
    )
)
