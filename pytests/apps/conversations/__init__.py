"""The same WebSocket conversation, written in each framework as its own users write it.

/echo     accepts `echo.v1` when it is offered; text and bytes come back; `close` closes with 4001
          and `as asked`, `raise` raises, `leave` returns; how the client left is noted: `left CODE`
/facts    sends what the handshake said, as JSON, and closes
/refuse   closes before it accepts
/push     sends `count` numbers and closes

Plain HTTP beside it: `/await` tells a test what was noted for an `id` (apps/observe.py).
"""

import json

from observe import query
from raw import await_note

SUBPROTOCOL = "echo.v1"
CODE, REASON = 4001, "as asked"


def facts(scope) -> str:
    """What a handler can know of the handshake."""
    fields = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
    return json.dumps(
        {
            "path": scope["path"],
            "query": scope["query_string"].decode("ascii"),
            "scheme": scope["scheme"],
            "http_version": scope["http_version"],
            "subprotocols": list(scope["subprotocols"]),
            "client": scope["client"][0],
            "asked": fields.get("x-asked"),
        }
    )


def observed(app):
    """The application, and a way for tests to ask what it has noted."""

    async def with_notes(scope, receive, send):
        if scope["type"] == "http" and scope["path"] == "/await":
            return await await_note(scope, receive, send)
        return await app(scope, receive, send)

    return with_notes


def push_count(scope) -> int:
    return int(query(scope)["count"])
