"""An application with asyncio.eager_task_factory for its own tasks (CPython 3.12 and later)."""

import asyncio

from observe import query
from replies import respond

SUPPORTED = hasattr(asyncio, "eager_task_factory")


async def lifespan(receive, send):
    await receive()
    if SUPPORTED:
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


async def half(number: int) -> int:
    if number % 2:
        await asyncio.sleep(0)
    return number


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
    elif scope["path"] == "/supported":
        await respond(send, b"yes" if SUPPORTED else b"no")
    else:
        number = int(query(scope)["n"])
        mine = asyncio.current_task()
        results = [await asyncio.create_task(half(number)) for _ in range(3)]
        assert asyncio.current_task() is mine
        await receive()
        await respond(send, str(results[-1]).encode())
