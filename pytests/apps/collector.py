"""How the garbage collector is set: /threshold. How often it ran while 30 requests to /keep came
and kept young objects alive: /collections, which lets them go."""

import asyncio
import gc
import os

from replies import respond, respond_json

if chosen := os.environ.get("CHOSEN_THRESHOLD"):
    gc.set_threshold(int(chosen))

_keeping = asyncio.Semaphore(0)
_dropped = asyncio.Event()


def collections():
    return [generation["collections"] for generation in gc.get_stats()]


async def app(scope, receive, send):
    assert scope["type"] == "http"
    if scope["path"] == "/threshold":
        await respond_json(send, gc.get_threshold()[0])
    elif scope["path"] == "/keep":
        kept = [[] for _ in range(200)]
        _keeping.release()
        await _dropped.wait()
        await respond(send, b"%d" % len(kept))
    elif scope["path"] == "/collections":
        before = collections()
        for _ in range(30):
            await _keeping.acquire()
        _dropped.set()
        await respond_json(send, [before, collections()])
