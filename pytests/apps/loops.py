"""Event loops for --loop module:factory, and an application that tells which one it runs on."""

from __future__ import annotations

import asyncio

from replies import respond


class OwnLoop(asyncio.SelectorEventLoop):
    pass


class Namespace:
    Inner = OwnLoop


def native():
    import ringhorn

    return ringhorn.new_event_loop()


def broken():
    raise ValueError("this factory is broken")


def no_loop():
    return "a loop"


async def app(scope, receive, send):
    assert scope["type"] == "http"
    loop = asyncio.get_running_loop()
    await asyncio.sleep(0.001)
    await respond(send, f"{type(loop).__module__}.{type(loop).__name__}".encode())
