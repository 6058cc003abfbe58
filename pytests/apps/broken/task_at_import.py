"""Starts a task while it is imported, as FastHTML's first example does."""

import asyncio


async def work():
    await asyncio.sleep(0)
    done.append(True)


done = []
task = asyncio.create_task(work())


async def app(scope, receive, send):
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"task " + str(done).encode()})
