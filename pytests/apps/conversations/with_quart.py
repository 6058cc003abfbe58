"""Quart: its context-local `websocket`."""

import asyncio

from observe import key_of, note
from quart import Quart, abort, websocket

from conversations import CODE, REASON, SUBPROTOCOL, facts, observed, push_count

site = Quart(__name__)


@site.websocket("/echo")
async def echo():
    scope = websocket._get_current_object().scope
    offered = SUBPROTOCOL if SUBPROTOCOL in scope["subprotocols"] else None
    await websocket.accept(subprotocol=offered)
    try:
        while True:
            message = await websocket.receive()
            if message == "close":
                return await websocket.close(CODE, REASON)
            if message == "raise":
                raise RuntimeError("as asked")
            if message == "leave":
                return None
            await websocket.send(message)
    except asyncio.CancelledError:
        # Quart tells no code: it cancels.
        note(key_of(scope), "left")
        raise


@site.websocket("/facts")
async def tell_facts():
    await websocket.send(facts(websocket._get_current_object().scope))
    await websocket.close(1000)


@site.websocket("/refuse")
async def refuse():
    abort(403)


@site.websocket("/push")
async def push():
    for number in range(push_count(websocket._get_current_object().scope)):
        await websocket.send(str(number))
    await websocket.close(1000)


app = observed(site)
