"""Applications by what they do with their lifespan. Each says on stderr what it hears."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

from replies import respond, respond_json

_loops = {}


def say(text: str) -> None:
    print("app:", text, file=sys.stderr, flush=True)


async def released() -> None:
    """Until the test has opened and closed the FIFO; both ends of it wait for each other."""
    await asyncio.to_thread(Path(os.environ["RELEASE"]).read_bytes)


async def serve_request(scope, receive, send):
    loop = asyncio.get_running_loop()
    if scope["path"] == "/state":
        state = scope.get("state")
        shown = (
            None if state is None else sorted((key, repr(value)) for key, value in state.items())
        )
        await respond_json(send, {"state": shown, "same_loop": _loops.get("lifespan") is loop})
    elif scope["path"] == "/change-state":
        scope["state"]["added"] = 1
        scope["state"]["shared"].append(1)
        del scope["state"]["plain"]
        await respond(send, b"changed")
    elif scope["path"] == "/hang":
        say("request hangs")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            say("request cancelled")
            raise
    elif scope["path"] == "/watch":
        say("request watches")
        while (await receive())["type"] != "http.disconnect":
            pass
    elif scope["path"] == "/stubborn":
        say("request hangs")
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                say("request swallows its cancellation")
    elif scope["path"] == "/deaf":
        say("request waits")
        await receive()
        try:
            say("request blocks")
            while True:
                time.sleep(0.01)
        except KeyboardInterrupt:
            say("request swallows the interrupt")
        await asyncio.Event().wait()
    elif scope["path"] == "/background":
        await respond(send, b"answered")
        say("background began")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            say("background cancelled")
            raise
    elif scope["path"] == "/finish":
        say("request waits")
        await released()
        await respond(send, b"finished")
        say("request finished")
    else:
        await respond(send, b"served")


def lifespan_app(lifespan):
    """`lifespan(scope, receive, send)` together with ordinary requests."""

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            await lifespan(scope, receive, send)
        else:
            await serve_request(scope, receive, send)

    return app


async def _well(scope, receive, send):
    _loops["lifespan"] = asyncio.get_running_loop()
    say(f"scope {sorted(scope)} {scope['asgi']} {scope.get('state')!r}")
    scope["state"].update({"plain": 1, "shared": []})
    message = await receive()
    say(f"heard {message}")
    await send({"type": "lifespan.startup.complete"})
    say("started")
    message = await receive()
    say(f"heard {message} state {sorted(scope['state'])}")
    await send({"type": "lifespan.shutdown.complete"})
    say("stopped")


async def _slow_start(scope, receive, send):
    await receive()
    say("starting")
    await released()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


async def _slow_stop(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    say("stopping")
    await released()
    say("stopped")
    await send({"type": "lifespan.shutdown.complete"})


async def _failed(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "the database is not there"})


async def _failed_silently(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.failed"})


async def _raises_at_once(scope, receive, send):
    raise RuntimeError("no lifespan here")


async def _raises_at_startup(scope, receive, send):
    await receive()
    raise RuntimeError("startup broke")


async def _raises_later(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    raise RuntimeError("shutdown broke")


async def _returns(scope, receive, send):
    return


async def _returns_after_startup(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.complete"})


async def _hangs_at_startup(scope, receive, send):
    await receive()
    say("starting")
    await asyncio.Event().wait()


async def _hangs_at_shutdown(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    say("stopping")
    await asyncio.Event().wait()


async def _shutdown_failed(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.failed", "message": "the cache would not close"})


async def _wrong_message(scope, receive, send):
    await receive()
    await send({"type": "lifespan.nonsense"})


async def _swallows_cancellation(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    say("stopping")
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            say("lifespan swallows its cancellation")


async def _endless_background(scope, receive, send):
    """A task that the application started and never ends."""

    async def work():
        while True:
            await asyncio.sleep(0.01)

    await receive()
    task = asyncio.get_running_loop().create_task(work())
    await send({"type": "lifespan.startup.complete"})
    await receive()
    say(f"background done {task.done()}")
    await send({"type": "lifespan.shutdown.complete"})


well = lifespan_app(_well)
slow_start = lifespan_app(_slow_start)
slow_stop = lifespan_app(_slow_stop)
failed = lifespan_app(_failed)
failed_silently = lifespan_app(_failed_silently)
raises_at_once = lifespan_app(_raises_at_once)
raises_at_startup = lifespan_app(_raises_at_startup)
raises_later = lifespan_app(_raises_later)
returns = lifespan_app(_returns)
returns_after_startup = lifespan_app(_returns_after_startup)
hangs_at_startup = lifespan_app(_hangs_at_startup)
hangs_at_shutdown = lifespan_app(_hangs_at_shutdown)
shutdown_failed = lifespan_app(_shutdown_failed)
wrong_message = lifespan_app(_wrong_message)
swallows_cancellation = lifespan_app(_swallows_cancellation)
endless_background = lifespan_app(_endless_background)
