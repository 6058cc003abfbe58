"""Libraries that people use beside a server, each doing its work inside one request."""

from __future__ import annotations

import contextlib

from replies import respond, respond_json

from . import clients, postgres, stores, system

ENDPOINTS = {**postgres.ENDPOINTS, **stores.ENDPOINTS, **clients.ENDPOINTS, **system.ENDPOINTS}


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        async with contextlib.AsyncExitStack() as stack:
            await receive()
            await postgres.open_pool(stack, scope["state"])
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    if scope["path"] == "/echo":
        message = await receive()
        await respond(send, message.get("body", b"") or scope["query_string"])
        return
    await respond_json(send, await ENDPOINTS[scope["path"].lstrip("/")](scope))
