"""What a request does to its scope, and what the next one finds in its own."""

from __future__ import annotations

import sys

from replies import respond, respond_json

_lifespan_state = {}
_kept = []


class Left:
    """Says on stderr when nobody has it any more."""

    def __del__(self):
        print("app: freed", file=sys.stderr, flush=True)


def keep(value):
    _kept.append(value)


CHANGES = {
    "a-key": lambda scope: scope.update(mark=1),
    "a-value": lambda scope: scope.update(path="/mark"),
    "all": lambda scope: scope.clear(),
    "header-added": lambda scope: scope["headers"].append((b"mark", b"")),
    "header-replaced": lambda scope: scope["headers"].__setitem__(0, (b"mark", b"")),
    "headers-emptied": lambda scope: scope["headers"].clear(),
    "asgi": lambda scope: scope["asgi"].update(mark=1),
    "state-added": lambda scope: scope["state"].update(mark=1),
    "state-replaced": lambda scope: scope["state"].update(began="mark"),
    "keep-scope": keep,
    "keep-headers": lambda scope: keep(scope["headers"]),
    "keep-asgi": lambda scope: keep(scope["asgi"]),
    "keep-state": lambda scope: keep(scope["state"]),
}


def mark_kept() -> None:
    for value in _kept:
        if isinstance(value, list):
            value.append((b"mark", b""))
        else:
            value["mark"] = 1


async def lifespan(scope, receive, send):
    global _lifespan_state
    _lifespan_state = scope["state"]
    _lifespan_state["began"] = "well"
    for event in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{event}.complete"})


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await lifespan(scope, receive, send)
        return
    what = scope["path"].removeprefix("/")
    if what == "kept":
        await respond_json(send, _kept)
    elif what == "leave":
        scope["left"] = Left()
        await respond(send)
    elif what == "lifespan-state":
        _lifespan_state["later"] = scope["query_string"]
        await respond(send)
    elif what == "mark-kept":
        mark_kept()
        await respond_json(send, scope)
    elif what in CHANGES:
        CHANGES[what](scope)
        await respond(send)
    else:
        await respond_json(send, scope)
