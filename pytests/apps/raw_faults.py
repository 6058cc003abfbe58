"""Applications that break the rules of ASGI. The server's exception is noted and let through."""

from __future__ import annotations

import asyncio
import os
import sys

from observe import Noting, key_of, note, query

START = {"type": "http.response.start", "status": 200, "headers": []}


def body(data: bytes, more: bool = False) -> dict:
    return {"type": "http.response.body", "body": data, "more_body": more}


def sized_start(length: int) -> dict:
    return {**START, "headers": [(b"content-length", str(length).encode())]}


async def raise_before_start(scope, receive, send):
    raise ValueError("before the start")


async def raise_after_start(scope, receive, send):
    """The start was sent, and no body: nothing need be on the wire yet."""
    await send(START)
    raise ValueError("after the start")


async def raise_in_body(scope, receive, send):
    """?length=N: in the middle of a body, chunked without a length."""
    length = query(scope).get("length")
    await send(sized_start(int(length)) if length else START)
    await send(body(b"part", more=True))
    note(key_of(scope), "part sent")
    await asyncio.sleep(0)
    raise ValueError("in the body")


async def raise_after_end(scope, receive, send):
    """A whole page first, as an error middleware does."""
    await send({**sized_start(4), "status": 500})
    await send(body(b"page"))
    raise ValueError("after the end")


async def return_without_start(scope, receive, send):
    return


async def return_after_start(scope, receive, send):
    await send(START)


async def return_in_body(scope, receive, send):
    await send(START)
    await send(body(b"part", more=True))


async def return_value(scope, receive, send):
    await send(sized_start(2))
    await send(body(b"ok"))
    return "a value"


async def sequence(scope, receive, send):
    """?of=…: messages in a wrong order or of a wrong kind."""
    sequences = {
        "body-first": [body(b"x")],
        "start-twice": [sized_start(2), START],
        "unknown-type": [{"type": "http.nonsense"}],
        "unknown-later": [sized_start(2), {"type": "http.nonsense"}],
        "after-completion": [sized_start(2), body(b"ok"), body(b"more")],
        "start-after-completion": [sized_start(2), body(b"ok"), START],
        "trailers-unannounced": [
            sized_start(2),
            {"type": "http.response.trailers", "headers": []},
        ],
        "websocket": [{"type": "websocket.accept"}],
        "lifespan": [{"type": "lifespan.startup.complete"}],
        "no-type": [{"status": 200}],
        "not-a-dict": [["http.response.start"]],
        "none": [None],
        "type-bytes": [{"type": b"http.response.start", "status": 200}],
        "no-status": [{"type": "http.response.start"}],
    }
    noting = Noting(scope, send)
    for message in sequences[query(scope)["of"]]:
        await noting(message)


async def wrong_type(scope, receive, send):
    """?of=…: a start or body message whose values have wrong types or ranges."""
    starts = {
        "status-str": {"status": "200"},
        "status-none": {"status": None},
        "status-float": {"status": 200.0},
        "status-huge": {"status": 10**30},
        "status-99": {"status": 99},
        "status-1000": {"status": 1000},
        "status-negative": {"status": -200},
        "status-zero": {"status": 0},
        "headers-int": {"headers": 5},
        "headers-none": {"headers": None},
        "headers-str-names": {"headers": [("x-a", b"1")]},
        "headers-str-values": {"headers": [(b"x-a", "1")]},
        "headers-int-values": {"headers": [(b"x-a", 1)]},
        "headers-one-item": {"headers": [(b"x-a",)]},
        "headers-three-items": {"headers": [(b"x-a", b"1", b"2")]},
        "headers-not-pairs": {"headers": [5]},
        "headers-raise": {"headers": _raising()},
    }
    bodies = {
        "body-str": {"body": "text"},
        "body-int": {"body": 5},
        "body-none": {"body": None},
        "body-list": {"body": [1, 2]},
    }
    noting, of = Noting(scope, send), query(scope)["of"]
    await noting({**START, **starts.get(of, {})})
    await noting({**body(b"fine"), **bodies.get(of, {})})


def _raising():
    yield (b"x-a", b"1")
    raise LookupError("from the application's generator")


async def length(scope, receive, send):
    """?declared=N&pieces=a,b,c: a body that does not keep to its content-length."""
    asked, noting = query(scope), Noting(scope, send)
    pieces = [piece.encode() for piece in asked["pieces"].split(",")]
    await noting(sized_start(int(asked["declared"])))
    for piece in pieces[:-1]:
        await noting(body(piece, more=True))
    await noting(body(pieces[-1]))


async def field(scope, receive, send):
    """?of=…: a header that must not reach the wire."""
    fields = {
        "name-crlf": (b"x-a\r\nx-evil: 1\r\nx-b", b"1"),
        "name-lf": (b"x-a\nx-evil", b"1"),
        "name-space": (b"x-evil a", b"1"),
        "name-colon": (b"x-evil:a", b"1"),
        "name-empty": (b"", b"x-evil"),
        "name-nul": (b"x-evil\0", b"1"),
        "name-high": (b"x-evil\xe9", b"1"),
        "value-crlf": (b"x-a", b"1\r\nx-evil: 1"),
        "value-lf": (b"x-a", b"1\nx-evil: 1"),
        "value-cr": (b"x-a", b"1\rx-evil: 1"),
        "value-nul": (b"x-a", b"x-evil\0"),
        "value-body": (b"x-a", b"1\r\n\r\nx-evil"),
        "length-word": (b"content-length", b"x-evil"),
        "length-negative": (b"content-length", b"-1"),
        "length-plus": (b"content-length", b"+5"),
        "length-list": (b"content-length", b"5, 5"),
    }
    noting = Noting(scope, send)
    await noting({**START, "headers": [(b"x-good", b"1"), fields[query(scope)["of"]]]})
    await noting(body(b"hello"))


async def trailer_field(scope, receive, send):
    """A trailer that would split the response."""
    noting = Noting(scope, send)
    await noting({**START, "trailers": True})
    await noting(body(b"body"))
    evil = [(b"x-a", b"1\r\n\r\nHTTP/1.1 200 OK\r\nx-evil: 1")]
    await noting({"type": "http.response.trailers", "headers": evil})


class Odd(BaseException):
    """Neither an Exception nor one that asyncio knows."""


async def exit_with(scope, receive, send):
    """?how=…: leaves by what is not an Exception. ?later=1: after its first suspension."""
    asked = query(scope)
    if "later" in asked:
        await asyncio.sleep(0)
    how = asked["how"]
    if how == "os-exit":
        os._exit(7)
    if how == "sys-exit":
        sys.exit(7)
    raise {
        "base-exception": Odd("odd"),
        "keyboard-interrupt": KeyboardInterrupt(),
        "stop-iteration": StopIteration("value"),
        "stop-async-iteration": StopAsyncIteration(),
        "generator-exit": GeneratorExit(),
        "cancelled": asyncio.CancelledError(),
        "memory-error": MemoryError(),
        "recursion": RecursionError("deep"),
    }[how]


async def cancel_task(scope, receive, send):
    """Cancels its own task and goes on."""
    asyncio.current_task().cancel()
    await asyncio.sleep(1)


class Hostile(str):
    """A message type whose comparison and hash are the application's code."""

    def __eq__(self, other):
        raise LookupError("from __eq__")

    __hash__ = str.__hash__


async def hostile_type(scope, receive, send):
    await Noting(scope, send)({"type": Hostile("http.response.start"), "status": 200})


ROUTES = {
    "/raise-before-start": raise_before_start,
    "/raise-after-start": raise_after_start,
    "/raise-in-body": raise_in_body,
    "/raise-after-end": raise_after_end,
    "/return-without-start": return_without_start,
    "/return-after-start": return_after_start,
    "/return-in-body": return_in_body,
    "/return-value": return_value,
    "/sequence": sequence,
    "/wrong-type": wrong_type,
    "/length": length,
    "/field": field,
    "/trailer-field": trailer_field,
    "/exit": exit_with,
    "/cancel-task": cancel_task,
    "/hostile-type": hostile_type,
}
