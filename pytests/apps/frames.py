"""Starlette and FastAPI applications as their users write them."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import hashlib
import sys
import threading
from typing import Annotated

import anyio
import httpx
import pydantic
from fastapi import Depends, FastAPI, File, Form, HTTPException, UploadFile
from fastapi.responses import StreamingResponse as FastStreamingResponse
from observe import note, noted, notes
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import (
    FileResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Mount, Route

_current: contextvars.ContextVar[str] = contextvars.ContextVar("current", default="unset")


class Stamp(BaseHTTPMiddleware):
    """The middleware that most applications have."""

    async def dispatch(self, request, call_next):
        response = await call_next(request)
        response.headers["x-stamp"] = request.url.path
        return response


# Starlette.


async def plain(request):
    return PlainTextResponse("plain")


async def json(request):
    return JSONResponse({"hello": "world", "path": request.url.path, "client": request.client.port})


async def stream(request):
    count = int(request.query_params.get("count", 5))

    async def pieces():
        for number in range(count):
            yield f"piece {number}\n"
            await asyncio.sleep(0)

    return StreamingResponse(pieces(), media_type="text/plain")


async def sync_stream(request):
    return StreamingResponse(
        (f"piece {number}\n" for number in range(100)), media_type="text/plain"
    )


async def endless_stream(request):
    """Ends when its client has gone, and says so."""
    key = request.query_params["id"]

    async def pieces():
        try:
            while True:
                yield b"x" * 10000
                await asyncio.sleep(0)
        finally:
            note(key, "stream ended")

    return StreamingResponse(pieces())


async def background(request):
    key = request.query_params["id"]

    async def work():
        await noted(key, "go")
        note(key, "background done")

    return PlainTextResponse("answered", background=BackgroundTask(work))


def sync_endpoint(request):
    return PlainTextResponse(
        f"in a thread: {threading.current_thread() is not threading.main_thread()}"
    )


def thread_of_endpoint(request):
    return PlainTextResponse(str(threading.get_native_id()))


async def file(request):
    return FileResponse(request.query_params["path"], media_type="application/octet-stream")


async def form(request):
    async with request.form() as data:
        upload = data["file"]
        content = await upload.read()
        return JSONResponse(
            {
                "field": data["field"],
                "name": upload.filename,
                "size": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
            }
        )


async def body(request):
    content = await request.body()
    return JSONResponse({"size": len(content), "sha256": hashlib.sha256(content).hexdigest()})


async def body_stream(request):
    size, checksum = 0, hashlib.sha256()
    async for piece in request.stream():
        size += len(piece)
        checksum.update(piece)
    return JSONResponse({"size": size, "sha256": checksum.hexdigest()})


async def download(request):
    """?size=N: a stream of known content in pieces of 64 KiB."""
    size = int(request.query_params["size"])

    async def pieces():
        left = size
        block = bytes(range(256)) * 256
        while left > 0:
            yield block[: min(left, len(block))]
            left -= len(block)

    return StreamingResponse(pieces(), headers={"content-length": str(size)})


async def disconnected(request):
    """Polls is_disconnected() as long polls do."""
    key = request.query_params["id"]
    polls = 0
    note(key, "called")
    while not await request.is_disconnected():
        polls += 1
        await asyncio.sleep(0.01)
    note(key, "disconnected")
    return PlainTextResponse("nobody hears this")


async def disconnected_then_body(request):
    """is_disconnected() first cancels a receive(); the body must still be there."""
    content = await request.body()
    gone = await request.is_disconnected()
    return JSONResponse({"gone": gone, "size": len(content)})


async def error(request):
    raise RuntimeError("an endpoint broke")


async def teapot(request):
    raise StarletteHTTPException(418, "short and stout")


async def redirect(request):
    return RedirectResponse("/plain")


async def context(request):
    name = request.query_params["name"]
    before = _current.get()
    _current.set(name)
    await asyncio.sleep(0.01)
    inner = await anyio.to_thread.run_sync(_current.get)
    return JSONResponse({"before": before, "after": _current.get(), "thread": inner})


async def task_group(request):
    results = []

    async def work(number):
        await anyio.sleep(0.001 * (5 - number))
        results.append(number)

    async with anyio.create_task_group() as group:
        for number in range(5):
            group.start_soon(work, number)
    with anyio.move_on_after(0.01) as scope:
        await anyio.sleep(10)
    threads = await asyncio.gather(
        *(anyio.to_thread.run_sync(threading.get_ident) for _ in range(5))
    )
    from_thread = await anyio.to_thread.run_sync(lambda: anyio.from_thread.run(anyio.sleep, 0))
    return JSONResponse(
        {
            "results": sorted(results),
            "timed_out": scope.cancelled_caught,
            "threads": threading.get_ident() not in threads,
            "from_thread": from_thread,
        }
    )


async def failing_group(request):
    async def fail():
        raise ValueError("in the group")

    try:
        async with anyio.create_task_group() as group:
            group.start_soon(fail)
            await anyio.sleep(10)
    except ExceptionGroup as caught:
        return PlainTextResponse(str(caught.exceptions[0]))
    return PlainTextResponse("nothing was raised", status_code=500)


async def timeout(request):
    try:
        async with asyncio.timeout(0.01):
            await asyncio.sleep(10)
    except TimeoutError:
        pass
    else:
        return PlainTextResponse("no timeout", status_code=500)
    try:
        await asyncio.wait_for(asyncio.Event().wait(), 0.01)
    except TimeoutError:
        return PlainTextResponse("timed out twice")
    return PlainTextResponse("no timeout", status_code=500)


async def process(request):
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "print(6 * 7)"), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await child.communicate()
    return PlainTextResponse(out)


async def call_self(request):
    """An endpoint that calls another one of the same server."""
    async with httpx.AsyncClient(base_url=str(request.base_url)) as client:
        answers = await asyncio.gather(*(client.get("/plain") for _ in range(10)))
    return PlainTextResponse("".join(answer.text for answer in answers))


async def collections(request):
    if "collect" in request.query_params:
        gc.collect()
    return JSONResponse([generation["collections"] for generation in gc.get_stats()])


async def seen(request):
    key = request.query_params["id"]
    if what := request.query_params.get("what"):
        await noted(key, what)
    if tell := request.query_params.get("tell"):
        note(key, tell)
    return JSONResponse(notes(key))


ROUTES = [
    Route("/plain", plain),
    Route("/json", json),
    Route("/stream", stream),
    Route("/sync-stream", sync_stream),
    Route("/endless-stream", endless_stream),
    Route("/background", background),
    Route("/sync", sync_endpoint),
    Route("/thread", thread_of_endpoint),
    Route("/file", file),
    Route("/form", form, methods=["POST"]),
    Route("/body", body, methods=["POST"]),
    Route("/body-stream", body_stream, methods=["POST", "PUT"]),
    Route("/download", download),
    Route("/disconnected", disconnected),
    Route("/disconnected-then-body", disconnected_then_body, methods=["POST"]),
    Route("/error", error),
    Route("/teapot", teapot),
    Route("/redirect", redirect),
    Route("/context", context),
    Route("/task-group", task_group),
    Route("/failing-group", failing_group),
    Route("/timeout", timeout),
    Route("/process", process),
    Route("/call-self", call_self),
    Route("/collections", collections),
    Route("/seen", seen),
]

# FastAPI.

api = FastAPI()


class Item(pydantic.BaseModel):
    name: str
    price: float
    tags: list[str] = []


async def session():
    note("sessions", "opened")
    try:
        yield "session"
    finally:
        note("sessions", "closed")


@api.get("/items/{item_id}")
async def read_item(item_id: int, q: str | None = None) -> dict:
    return {"item_id": item_id, "q": q}


@api.post("/items")
async def create_item(item: Item) -> Item:
    return item


@api.get("/sync")
def sync_item() -> dict:
    return {"thread": threading.current_thread() is not threading.main_thread()}


_meetings: dict[int, threading.Barrier] = {}


@api.get("/meet")
def meet(count: int) -> dict:
    """Waits, in its thread, until `count` requests are here at the same time."""
    _meetings.setdefault(count, threading.Barrier(count)).wait(60)
    return {"met": True}


@api.get("/session")
async def with_session(value: Annotated[str, Depends(session)]) -> dict:
    return {"value": value, "notes": list(notes("sessions"))}


@api.get("/failing-session")
async def failing_session(value: Annotated[str, Depends(session)]) -> dict:
    raise HTTPException(409, "conflict")


@api.get("/stream")
async def stream_items():
    async def pieces():
        for number in range(100):
            yield f"{number},"

    return FastStreamingResponse(pieces(), media_type="text/csv")


@api.post("/upload")
async def upload(file: Annotated[UploadFile, File()], field: Annotated[str, Form()]) -> dict:
    content = await file.read()
    return {"size": len(content), "field": field, "sha256": hashlib.sha256(content).hexdigest()}


@api.post("/raw")
async def raw_body(number: int = 0) -> Response:
    return Response(str(number), status_code=201)


# The applications.


@contextlib.asynccontextmanager
async def lifespan(app):
    yield {"started": True}


app = Starlette(routes=[*ROUTES, Mount("/api", api)], lifespan=lifespan)
stamped = Starlette(routes=ROUTES, middleware=[Middleware(Stamp)])
zipped = Starlette(routes=ROUTES, middleware=[Middleware(GZipMiddleware, minimum_size=100)])
