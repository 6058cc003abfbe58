"""The chat: a room behind WebSockets, kept in memory, and its page.

The page greets with `{"type": "join", "name": …}` and then sends `{"type": "say", "text": …}`; it
gets `welcome` (who is here, what was said last), `joined`, `left` and `said`. A room lives in one
worker: with several of them the page says which one it has reached.
"""

import os
import time
from collections import deque
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.websockets import WebSocket, WebSocketDisconnect

PAGE = Path(__file__).with_name("chat.html")
NAME_LENGTH_MAX, TEXT_LENGTH_MAX, REMEMBERED = 30, 2000, 50


class Room:
    def __init__(self) -> None:
        self._names: dict[WebSocket, str] = {}
        self._said: deque[dict] = deque(maxlen=REMEMBERED)

    def names(self) -> list[str]:
        return sorted(self._names.values())

    async def enter(self, socket: WebSocket, name: str) -> None:
        await self.tell({"type": "joined", "name": name})
        self._names[socket] = name
        known = {"names": self.names(), "said": list(self._said), "worker": os.getpid()}
        await socket.send_json({"type": "welcome", **known})

    async def leave(self, socket: WebSocket) -> None:
        if name := self._names.pop(socket, ""):
            await self.tell({"type": "left", "name": name})

    async def say(self, socket: WebSocket, text: str) -> None:
        now = time.strftime("%H:%M:%S")
        message = {"type": "said", "name": self._names[socket], "text": text, "time": now}
        self._said.append(message)
        await self.tell(message)

    async def tell(self, message: dict) -> None:
        """To all that are here; who has gone is about to be told so by its own endpoint."""
        for socket in list(self._names):
            try:
                await socket.send_json(message)
            except (WebSocketDisconnect, RuntimeError):
                self._names.pop(socket, None)


room = Room()


async def chat_page(request: Request) -> Response:
    return FileResponse(PAGE)


async def chat(socket: WebSocket) -> None:
    await socket.accept()
    try:
        while True:
            message = await socket.receive_json()
            match message:
                case {"type": "join", "name": str(name)} if name.strip():
                    await room.enter(socket, name.strip()[:NAME_LENGTH_MAX])
                case {"type": "say", "text": str(text)} if text.strip():
                    await room.say(socket, text.strip()[:TEXT_LENGTH_MAX])
                case _:
                    return await socket.close(1008, "join first, then say something")
    except (WebSocketDisconnect, KeyError, ValueError):
        pass
    finally:
        await room.leave(socket)
