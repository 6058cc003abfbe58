"""Applications in the middle of something: waiting, streaming, watching, in the background."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import os
import time

from observe import Noting, key_of, note, noted, query, raised
from replies import respond, respond_json

_context: contextvars.ContextVar[str] = contextvars.ContextVar("request")
_kept: dict[str, tuple] = {}
_tokens: dict[str, tuple[asyncio.Queue, asyncio.Event]] = {}


async def hold(scope, receive, send):
    """Answers when told `go`."""
    note(key_of(scope), "called")
    found = await noted(key_of(scope), "go")
    await respond(send, b"held", status=200 if found else 504)


async def sleep(scope, receive, send):
    """?seconds=S: answers after that time."""
    note(key_of(scope), "called")
    await asyncio.sleep(float(query(scope)["seconds"]))
    await respond(send, b"slept")


async def block(scope, receive, send):
    """?fifo=PATH: stops the whole loop until somebody has written to and closed the FIFO."""
    with open(query(scope)["fifo"], "rb") as fifo:
        fifo.read()
    await respond(send, b"went on")


async def token_hold(scope, receive, send):
    """Takes the one token of its id, and puts it back when /token-free is asked for."""
    tokens, free = _tokens[key_of(scope)] = asyncio.Queue(), asyncio.Event()
    note(key_of(scope), "held")
    await free.wait()
    tokens.put_nowait("token")
    await respond(send, b"put back")


async def token_free(scope, receive, send):
    """?fifo=PATH: has the token put back, and stops the loop as /block does."""
    _tokens[key_of(scope)][1].set()
    await block(scope, receive, send)


async def restless(scope, receive, send):
    """Beside this one, until its client leaves, the loop always has somebody who is ready."""
    note(key_of(scope), "never rests")
    await receive()
    leaving = asyncio.ensure_future(receive())
    while not leaving.done():
        await asyncio.sleep(0)
    await leaving


async def token_take(scope, receive, send):
    """?name=NAME: takes the token, or waits for it, notes that, and puts it back."""
    tokens = _tokens[key_of(scope)][0]
    note(key_of(scope), f"{query(scope)['name']} wants it")
    token = await tokens.get()
    note(key_of(scope), f"{query(scope)['name']} has it")
    tokens.put_nowait(token)
    await respond(send, b"taken")


async def hold_between(scope, receive, send):
    """A piece, then waits for `go`, then the rest."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"first", "more_body": True})
    note(key_of(scope), "first sent")
    await noted(key_of(scope), "go")
    await send({"type": "http.response.body", "body": b"second"})


async def hold_after_start(scope, receive, send):
    """Starts the response, then waits for `go` with no body sent."""
    await send({"type": "http.response.start", "status": 202, "headers": []})
    note(key_of(scope), "started")
    await noted(key_of(scope), "go")
    await send({"type": "http.response.body", "body": b"at last"})


async def watch(scope, receive, send):
    """A long poll: only receive() until the client has gone; then tries to send."""
    key, send = key_of(scope), Noting(scope, send)
    note(key, "called")
    while (message := await receive())["type"] == "http.request":
        note(key, "http.request")
    note(key, message["type"])
    try:
        await respond(send, b"too late")
    except OSError:
        note(key, "over")


async def watch_through(scope, receive, send):
    """As /watch, but lets the exception of send() through."""
    key, send = key_of(scope), Noting(scope, send)
    note(key, "called")
    while (message := await receive())["type"] == "http.request":
        pass
    note(key, message["type"])
    note(key, "over")
    await respond(send, b"too late")


async def receive_forever(scope, receive, send):
    """The loop that a careless application writes: never leaves receive()."""
    key = key_of(scope)
    note(key, "called")
    while True:
        if (await receive())["type"] == "http.disconnect" and "over" not in _kept:
            note(key, "http.disconnect")


async def watch_and_stream(scope, receive, send):
    """A stream, with a task beside it that watches for the disconnect."""
    key, send = key_of(scope), Noting(scope, send)

    async def watcher():
        while (await receive())["type"] != "http.disconnect":
            pass
        note(key, "http.disconnect")

    watching = asyncio.create_task(watcher())
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"first", "more_body": True})
    note(key, "first sent")
    await watching
    try:
        await send({"type": "http.response.body", "body": b"second", "more_body": True})
    except OSError:
        note(key, "over")
        raise


async def endless(scope, receive, send):
    """?size=N: a stream without an end, counted; stops when send() raises."""
    key, send = key_of(scope), Noting(scope, send)
    piece = b"x" * int(query(scope).get("size", "65536"))
    await send({"type": "http.response.start", "status": 200, "headers": []})
    sent = 0
    try:
        while True:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            sent += 1
            _kept[key] = (sent,)
            if query(scope).get("yield"):
                await asyncio.sleep(0)
    finally:
        note(key, f"pieces {sent}")
        note(key, "ended")


async def progress(scope, receive, send):
    """How many pieces the /endless of this id has sent."""
    await respond_json(send, _kept.get(key_of(scope), (0,))[0])


async def two_producers(scope, receive, send):
    """Two tasks that fill one response; the second must wait too when the first waits."""
    key, send = key_of(scope), Noting(scope, send)
    piece = {"type": "http.response.body", "body": b"x" * 65536, "more_body": True}
    sent = [0, 0]
    await send({"type": "http.response.start", "status": 200, "headers": []})

    async def produce(which):
        for _ in range(2000):
            await send(piece)
            sent[which] += 1
            _kept[key] = (sum(sent),)
            await asyncio.sleep(0)

    await asyncio.gather(produce(0), produce(1))
    await send({"type": "http.response.body"})


async def background(scope, receive, send):
    """Goes on after its response until told `go`."""
    key = key_of(scope)
    await respond(send, b"answered")
    note(key, "answered")
    await noted(key, "go")
    await asyncio.sleep(0)
    note(key, "background done")


async def keep(scope, receive, send):
    """Keeps its receive and send for /late."""
    _kept[key_of(scope)] = (receive, send)
    await respond(send, b"kept")


async def late(scope, receive, send):
    """?of=K: uses what /keep kept for K, and tells what came of it."""
    old_receive, old_send = _kept.pop(query(scope)["of"])
    told = []
    for message in (
        {"type": "http.response.start", "status": 299, "headers": [(b"x-late", b"1")]},
        {"type": "http.response.body", "body": b"late bytes", "more_body": True},
    ):
        try:
            await old_send(message)
            told.append("silent")
        except BaseException as error:
            told.append(raised(error))
    told.append((await old_receive())["type"])
    await respond_json(send, told)


async def context(scope, receive, send):
    """Sets a context variable before its first suspension and finds it after every later one."""
    key = key_of(scope)
    before = _context.get("unset")
    _context.set(key)
    found = []
    for _ in range(3):
        await asyncio.sleep(0)
        found.append(_context.get("unset"))
    async with asyncio.timeout(10):
        async with asyncio.TaskGroup() as group:
            inner = group.create_task(inherited())
    task = asyncio.current_task()
    waited = await asyncio.wait_for(inherited(), 10)
    await respond_json(
        send,
        {
            "before": before,
            "after": found,
            "group": inner.result(),
            "waited": waited,
            "task": isinstance(task, asyncio.Task),
            "in_all_tasks": task in asyncio.all_tasks(),
            "name": bool(task.get_name()),
            "cancelling": task.cancelling(),
            "coro": task.get_coro() is not None,
        },
    )


async def inherited() -> str:
    await asyncio.sleep(0)
    return _context.get("unset")


async def first_step(scope, receive, send):
    """asyncio.timeout, current_task and a context variable before anything was awaited."""
    task = asyncio.current_task()
    async with asyncio.timeout(10) as limit:
        await respond(send, f"{type(task).__name__} {limit.expired()}".encode())


async def collections(scope, receive, send):
    """Collections of the cycle collector so far, per generation."""
    await respond_json(send, [generation["collections"] for generation in gc.get_stats()])


async def collect(scope, receive, send):
    gc.collect()
    await respond(send, b"collected")


async def process(scope, receive, send):
    await respond_json(send, {"pid": os.getpid(), "cpu": time.process_time()})


async def cancel_self(scope, receive, send):
    """Is cancelled in the middle of waiting for the client; notes that it came through."""
    key = key_of(scope)
    asyncio.get_running_loop().call_soon(asyncio.current_task().cancel)
    await receive()
    try:
        await receive()
    except asyncio.CancelledError:
        note(key, "cancelled")
        raise


async def concurrent_sends(scope, receive, send):
    """Many tasks send pieces of one response at once."""
    await send({"type": "http.response.start", "status": 200, "headers": []})

    async def one(number):
        body = bytes([ord("a") + number % 26]) * 10000
        await send({"type": "http.response.body", "body": body, "more_body": True})

    await asyncio.gather(*(one(number) for number in range(200)))
    await send({"type": "http.response.body"})


ROUTES = {
    "/hold": hold,
    "/sleep": sleep,
    "/block": block,
    "/token-hold": token_hold,
    "/token-free": token_free,
    "/restless": restless,
    "/token-take": token_take,
    "/hold-between": hold_between,
    "/hold-after-start": hold_after_start,
    "/watch": watch,
    "/watch-through": watch_through,
    "/receive-forever": receive_forever,
    "/watch-and-stream": watch_and_stream,
    "/endless": endless,
    "/progress": progress,
    "/two-producers": two_producers,
    "/background": background,
    "/keep": keep,
    "/late": late,
    "/context": context,
    "/first-step": first_step,
    "/collections": collections,
    "/collect": collect,
    "/process": process,
    "/cancel-self": cancel_self,
    "/concurrent-sends": concurrent_sends,
}
