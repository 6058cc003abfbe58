"""What the application is told: scopes, bodies, receive()."""

from __future__ import annotations

import asyncio
import hashlib

from observe import key_of, note, noted
from replies import plain, read_body, respond, respond_json


async def show_scope(scope, receive, send):
    """Every other path too: the scope as JSON."""
    await respond_json(send, scope)


async def scope_types(scope, receive, send):
    """The exact types within the scope."""

    def of(value):
        if isinstance(value, dict):
            return [type(value).__name__, {str(key): of(item) for key, item in value.items()}]
        if isinstance(value, (list, tuple)):
            return [type(value).__name__, [of(item) for item in value]]
        return type(value).__name__

    await respond_json(send, of(scope))


USUAL_METHODS = ("GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH")


async def method_interned(scope, receive, send):
    """Whether a usual method is the very string that stands in the code of an application."""
    found = any(scope["method"] is usual for usual in USUAL_METHODS)
    note(key_of(scope), "interned" if found else "a copy")
    await respond(send, b"")


kept = []


async def change_asgi(scope, receive, send):
    """Changes the value of a key that `asgi` has, and lets go of it."""
    scope["asgi"]["spec_version"] = "mark"
    await respond(send, b"")


async def mutate_scope(scope, receive, send):
    """Leaves marks in everything of its scope that can be changed, and in what it has kept of those
    before; shows what it found first."""
    for asgi in kept:
        asgi["version"] = "mark"
    found = plain(scope)
    note(key_of(scope), "mutated")
    scope["path"] = "/elsewhere"
    scope["method"] = "NONE"
    scope["mark"] = "mark"
    kept.append(scope["asgi"])
    scope["asgi"]["mark"] = "mark"
    scope.setdefault("extensions", {})["mark"] = {}
    scope["headers"] = []
    await respond_json(send, found)


async def echo(scope, receive, send):
    body = await read_body(receive)
    await respond(send, body)


async def echo_pieces(scope, receive, send):
    """Each piece of the body goes back as it comes."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            note(key_of(scope), "http.disconnect")
            return
        more = message["more_body"]
        note(key_of(scope), f"piece {len(message['body'])}")
        await send({"type": "http.response.body", "body": message["body"], "more_body": more})


async def measure(scope, receive, send):
    """Length, checksum and number of pieces of the body."""
    sizes, checksum, more = [], hashlib.sha256(), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            note(key_of(scope), "http.disconnect")
            return
        sizes.append(len(message["body"]))
        checksum.update(message["body"])
        more = message["more_body"]
    seen = {"length": sum(sizes), "pieces": len(sizes), "largest": max(sizes)}
    await respond_json(send, {**seen, "sha256": checksum.hexdigest()})


async def messages(scope, receive, send):
    """Every message of receive() up to the last piece, or the disconnect, with exact types."""
    got = []
    while True:
        message = await receive()
        got.append([message, {key: type(item).__name__ for key, item in message.items()}])
        note(key_of(scope), message["type"])
        if not message.get("more_body", False):
            break
    await respond_json(send, got)


async def messages_noted(scope, receive, send):
    """As /messages, into the notes: for bodies that never end well. Answers only a whole body."""
    key = key_of(scope)
    note(key, "called")
    while True:
        message = await receive()
        note(key, message["type"])
        if message["type"] == "http.disconnect":
            return
        note(key, message["body"].decode("latin-1"))
        if not message["more_body"]:
            note(key, "whole")
            break
    await respond(send, b"whole")


async def never_read(scope, receive, send):
    """Leaves the body alone until told `go`, then measures it."""
    note(key_of(scope), "called")
    await noted(key_of(scope), "go")
    await measure(scope, receive, send)


async def ignore_body(scope, receive, send):
    """Answers at once, without a look at the body."""
    note(key_of(scope), "called")
    await respond(send, b"early")


async def ignore_body_late(scope, receive, send):
    """Answers without a look at the body when told `go`."""
    note(key_of(scope), "called")
    await noted(key_of(scope), "go")
    await respond(send, b"late")


async def receive_after_response(scope, receive, send):
    """What receive() says once the response is complete."""
    key = key_of(scope)
    await respond(send, b"done")
    for _ in range(3):
        note(key, (await receive())["type"])
    note(key, "returned")


async def cancel_receive(scope, receive, send):
    """Waits for the body as Starlette's is_disconnected() does: cancels, then reads for real."""
    key = key_of(scope)
    task = asyncio.ensure_future(receive())
    await asyncio.sleep(0)
    task.cancel()
    try:
        await task
        note(key, "not cancelled")
    except asyncio.CancelledError:
        note(key, "cancelled")
    note(key, "ready")
    await echo(scope, receive, send)


_waiting: dict[str, asyncio.Task] = {}


async def cancelled_reader(scope, receive, send):
    """Its receive() is cancelled by /cancel-reader; then it reads for real."""
    key = key_of(scope)
    _waiting[key] = asyncio.ensure_future(receive())
    note(key, "ready")
    try:
        first = await _waiting[key]
        note(key, "not cancelled")
        body = first["body"] + (await read_body(receive) if first["more_body"] else b"")
    except asyncio.CancelledError:
        note(key, "cancelled")
        body = await read_body(receive)
    await respond(send, body)


async def cancel_reader(scope, receive, send):
    _waiting[key_of(scope)].cancel()
    await respond(send, b"cancelled")


async def two_receivers(scope, receive, send):
    """Two tasks in receive(): one gets the body, the other the end of the exchange."""
    waiting = {asyncio.ensure_future(receive()) for _ in range(2)}
    done, pending = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    body = b"".join([task.result().get("body", b"") for task in done])
    await respond(send, body)
    for task in pending:
        note(key_of(scope), (await task)["type"])


ROUTES = {
    "/scope": show_scope,
    "/scope-types": scope_types,
    "/method-interned": method_interned,
    "/mutate-scope": mutate_scope,
    "/change-asgi": change_asgi,
    "/echo": echo,
    "/echo-pieces": echo_pieces,
    "/measure": measure,
    "/messages": messages,
    "/messages-noted": messages_noted,
    "/never-read": never_read,
    "/ignore-body": ignore_body,
    "/ignore-body-late": ignore_body_late,
    "/receive-after-response": receive_after_response,
    "/cancel-receive": cancel_receive,
    "/cancelled-reader": cancelled_reader,
    "/cancel-reader": cancel_reader,
    "/two-receivers": two_receivers,
}
