"""The application of most tests: plain ASGI, its behaviour chosen by the path.

/seen?id=K           what was noted for K so far, as JSON
/await?id=K&what=W   waits until W was noted for K, then as /seen
/tell?id=K&what=W    notes W for K: an application that waits for it goes on
/calls               how often the application was called
"""

from __future__ import annotations

import raw_faults
import raw_flows
import raw_requests
import raw_responses
import raw_sockets
from observe import key_of, note, noted, notes, query
from replies import respond_json

_calls = 0


async def seen(scope, receive, send):
    await respond_json(send, notes(key_of(scope)))


async def await_note(scope, receive, send):
    asked = query(scope)
    found = await noted(asked["id"], asked["what"], int(asked.get("times", 1)))
    await respond_json(send, notes(asked["id"]), status=200 if found else 504)


async def tell(scope, receive, send):
    asked = query(scope)
    note(asked["id"], asked["what"])
    await respond_json(send, "told")


async def calls(scope, receive, send):
    await respond_json(send, _calls)


ROUTES = {
    "/seen": seen,
    "/await": await_note,
    "/tell": tell,
    "/calls": calls,
    **raw_requests.ROUTES,
    **raw_responses.ROUTES,
    **raw_flows.ROUTES,
    **raw_faults.ROUTES,
}


async def app(scope, receive, send):
    global _calls
    if scope["type"] == "lifespan":
        raise RuntimeError("apps/raw.py has no lifespan")
    _calls += 1
    if scope["type"] == "websocket":
        return await raw_sockets.ROUTES[scope["path"]](scope, receive, send)
    handler = ROUTES.get(scope["path"], raw_requests.show_scope)
    return await handler(scope, receive, send)
