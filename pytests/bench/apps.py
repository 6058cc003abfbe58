"""The applications of the bench: one module, and the same object for every server.

Every server is started with `apps:app`; BENCH_APP in the environment says which application that
is, so that a raw row does not carry the frameworks' memory. Every application but `stream` sets
Content-Length itself, so that no server is measured at chunking what another sends as it is.
"""

import asyncio
import contextlib
import gc
import json
import os
import signal

HELLO = b"Hello, World!"
KILOBYTE = bytes(range(32, 96)) * 16
BODIES = {"/1k": KILOBYTE, "/10k": KILOBYTE * 10, "/100k": KILOBYTE * 100, "/1m": KILOBYTE * 1024}
STREAM_PIECES = 1000


def start(length, content_type=b"text/plain"):
    headers = [(b"content-type", content_type), (b"content-length", b"%d" % length)]
    return {"type": "http.response.start", "status": 200, "headers": headers}


def end_by(fifo):
    """Has the process send itself SIGTERM once the bench writes to `fifo`.

    Valgrind 3.19 lets no signal interrupt io_uring_enter and looks for signals from outside only
    now and then; one that a process sends itself is seen at once, and costs no request anything.
    """
    reading = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    loop = asyncio.get_running_loop()

    def end():
        loop.remove_reader(reading)
        os.close(reading)
        os.kill(os.getpid(), signal.SIGTERM)

    loop.add_reader(reading, end)


def end_when_told():
    if fifo := os.environ.get("BENCH_END"):
        end_by(fifo)


async def lifespan(receive, send):
    """A server must not be measured at coping with an application that breaks off start-up."""
    end_when_told()
    for event in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{event}.complete"})


async def hello(scope, receive, send):
    if scope["type"] == "lifespan":
        return await lifespan(receive, send)
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-type", b"text/plain"), (b"content-length", b"13")],
        }
    )
    await send({"type": "http.response.body", "body": HELLO})


async def body(scope, receive, send):
    if scope["type"] == "lifespan":
        return await lifespan(receive, send)
    content = BODIES[scope["path"]]
    await send(start(len(content)))
    await send({"type": "http.response.body", "body": content})


async def echo(scope, receive, send):
    if scope["type"] == "lifespan":
        return await lifespan(receive, send)
    pieces = []
    more = True
    while more:
        message = await receive()
        pieces.append(message.get("body", b""))
        more = message.get("more_body", False)
    content = b"".join(pieces)
    await send(start(len(content), b"application/octet-stream"))
    await send({"type": "http.response.body", "body": content})


async def stream(scope, receive, send):
    if scope["type"] == "lifespan":
        return await lifespan(receive, send)
    headers = [(b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for _ in range(STREAM_PIECES):
        await send({"type": "http.response.body", "body": KILOBYTE, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def sleep(scope, receive, send):
    if scope["type"] == "lifespan":
        return await lifespan(receive, send)
    await asyncio.sleep(0.01)
    await hello(scope, receive, send)


async def collections(scope, receive, send):
    """Answers hello, and under /collections how often the collector ran in each generation."""
    if scope["type"] == "lifespan":
        return await lifespan(receive, send)
    if scope["path"] != "/collections":
        return await hello(scope, receive, send)
    content = json.dumps([generation["collections"] for generation in gc.get_stats()]).encode()
    await send(start(len(content), b"application/json"))
    await send({"type": "http.response.body", "body": content})


async def ws_echo(scope, receive, send):
    if scope["type"] == "lifespan":
        return await lifespan(receive, send)
    if scope["type"] == "http":
        return await hello(scope, receive, send)
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        if (text := message.get("text")) is not None:
            await send({"type": "websocket.send", "text": text})
        else:
            await send({"type": "websocket.send", "bytes": message["bytes"]})


_listening = set()


async def ws_broadcast(scope, receive, send):
    """Greets each socket, and gives what one says to all."""
    if scope["type"] != "websocket":
        return await ws_echo(scope, receive, send)
    await receive()
    await send({"type": "websocket.accept"})
    _listening.add(send)
    try:
        await send({"type": "websocket.send", "text": "welcome"})
        while (message := await receive())["type"] == "websocket.receive":
            said = {"type": "websocket.send", "text": message["text"]}
            for listener in list(_listening):
                await listener(said)
    finally:
        _listening.discard(send)


async def ws_hold(scope, receive, send):
    """Greets each socket, and waits for its end."""
    if scope["type"] != "websocket":
        return await ws_echo(scope, receive, send)
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": "welcome"})
    await receive()


def starlette(middleware=()):
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse, PlainTextResponse
    from starlette.routing import Route

    async def plain(request):
        return PlainTextResponse("Hello, World!")

    async def as_json(request):
        return JSONResponse({"message": "Hello, World!"})

    @contextlib.asynccontextmanager
    async def started(application):
        end_when_told()
        yield

    routes = [Route("/plain", plain), Route("/json", as_json)]
    return Starlette(routes=routes, middleware=list(middleware), lifespan=started)


def starlette_middleware():
    from starlette.middleware import Middleware
    from starlette.middleware.base import BaseHTTPMiddleware

    class Passing(BaseHTTPMiddleware):
        async def dispatch(self, request, call_next):
            return await call_next(request)

    return starlette([Middleware(Passing)])


def fastapi():
    from fastapi import FastAPI
    from pydantic import BaseModel

    class Item(BaseModel):
        id: int
        name: str
        price: float
        tags: list[str]

    api = FastAPI(openapi_url=None)

    @api.get("/items/{item_id}", response_model=Item)
    async def item(item_id: int):
        return Item(id=item_id, name="a thing", price=4.5, tags=["red", "round"])

    @api.get("/sync")
    def sync():
        return {"message": "Hello, World!"}

    return api


def with_database():
    """As most applications do it: a pool, and a connection of it for each request."""
    import asyncpg
    from fastapi import FastAPI

    @contextlib.asynccontextmanager
    async def started(api):
        end_when_told()
        place = {"host": "127.0.0.1", "port": os.environ["BENCH_POSTGRESQL"], "user": "postgres"}
        async with asyncpg.create_pool(**place, min_size=10, max_size=10) as api.state.pool:
            yield

    api = FastAPI(openapi_url=None, lifespan=started)
    query = "select $1::int as id, 'thing ' || $1::int as name"

    @api.get("/things/{number}")
    async def things(number: int, queries: int):
        async with api.state.pool.acquire() as connection:
            return [dict(await connection.fetchrow(query, number)) for _ in range(queries)]

    return api


def with_fan_out():
    import httpx
    from fastapi import FastAPI

    @contextlib.asynccontextmanager
    async def started(api):
        end_when_told()
        async with httpx.AsyncClient(timeout=30) as api.state.client:
            yield

    api = FastAPI(openapi_url=None, lifespan=started)
    url = os.environ.get("BENCH_UPSTREAM")

    @api.get("/gather")
    async def gather():
        answers = await asyncio.gather(*(api.state.client.get(url) for _ in range(5)))
        return [len(answer.content) for answer in answers]

    return api


RAW = {
    "hello": hello,
    "body": body,
    "echo": echo,
    "stream": stream,
    "sleep": sleep,
    "collections": collections,
    "ws_echo": ws_echo,
    "ws_broadcast": ws_broadcast,
    "ws_hold": ws_hold,
}
BUILT = {
    "starlette": starlette,
    "middleware": starlette_middleware,
    "fastapi": fastapi,
    "database": with_database,
    "fan-out": with_fan_out,
}


def make(name):
    return RAW[name] if name in RAW else BUILT[name]()


app = make(os.environ.get("BENCH_APP", "hello"))
