"""The Starlette part: one short endpoint for each thing that an application asks of its server."""

import asyncio
import contextlib
import hashlib
import json
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    JSONResponse,
    PlainTextResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send

from demo.api import api
from demo.chat import chat, chat_page

PAGE = Path(__file__).with_name("page.html")


@contextlib.asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[dict]:
    """What is made here once is `request.state` in every endpoint."""
    async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
        yield {"client": client, "started": time.time(), "visits": [0], "notes": [], "items": []}


async def page(request: Request) -> Response:
    return FileResponse(PAGE)


async def hello(request: Request) -> Response:
    name = request.query_params.get("name", "world")
    return PlainTextResponse(f"Hello, {name}!\n")


async def greet(request: Request) -> Response:
    return JSONResponse({"greeting": f"Good day, {request.path_params['name']}."})


async def facts(request: Request) -> Response:
    client = request.client
    return JSONResponse(
        {
            "method": request.method,
            "path": request.url.path,
            "query": dict(request.query_params),
            "http_version": request.scope["http_version"],
            "client": f"{client.host}:{client.port}" if client else None,
            "loop": type(asyncio.get_running_loop()).__module__,
            "headers": dict(request.headers),
        }
    )


async def form(request: Request) -> Response:
    async with request.form() as fields:
        return JSONResponse({name: str(value) for name, value in fields.items()})


async def upload(request: Request) -> Response:
    async with request.form(max_files=1) as fields:
        file = fields.get("file")
        if file is None or isinstance(file, str):
            return JSONResponse({"error": "send a file in the field `file`"}, status_code=400)
        content = await file.read()
        return JSONResponse(
            {
                "name": file.filename,
                "type": file.content_type,
                "bytes": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
            }
        )


class Echo:
    """Plain ASGI, without a framework: the body comes back while it is still arriving."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            more = message.get("more_body", False)
            body = message.get("body", b"")
            await send({"type": "http.response.body", "body": body, "more_body": more})


def _count_and_pause(request: Request) -> tuple[int, float]:
    count = min(int(request.query_params.get("count", 5)), 100_000)
    pause = min(float(request.query_params.get("pause", 0.5)), 10.0)
    return count, pause


async def stream(request: Request) -> Response:
    count, pause = _count_and_pause(request)

    async def lines() -> AsyncIterator[str]:
        for number in range(1, count + 1):
            yield f"line {number} of {count}\n"
            await asyncio.sleep(pause)

    return StreamingResponse(lines(), media_type="text/plain")


async def events(request: Request) -> Response:
    """Server-sent events: what `EventSource` of a browser reads."""
    count, pause = _count_and_pause(request)

    async def messages() -> AsyncIterator[str]:
        for number in range(1, count + 1):
            data = json.dumps({"number": number, "time": time.strftime("%H:%M:%S")})
            yield f"id: {number}\nevent: tick\ndata: {data}\n\n"
            await asyncio.sleep(pause)
        yield "event: end\ndata: {}\n\n"

    return StreamingResponse(
        messages(), media_type="text/event-stream", headers={"cache-control": "no-store"}
    )


async def add_note(request: Request) -> Response:
    """Answers at once; the note is written after the response."""
    text = (await request.body()).decode(errors="replace")[:200]
    notes = request.state.notes

    async def write_note() -> None:
        await asyncio.sleep(0)
        notes.append({"text": text, "written": time.time()})
        del notes[:-100]

    return JSONResponse({"accepted": text}, status_code=202, background=BackgroundTask(write_note))


async def list_notes(request: Request) -> Response:
    return JSONResponse(request.state.notes)


def thread(request: Request) -> Response:
    """Not async: Starlette runs it in a worker thread, so that it may block."""
    time.sleep(0.01)
    return JSONResponse({"thread": threading.current_thread().name})


async def state(request: Request) -> Response:
    request.state.visits[0] += 1
    return JSONResponse({"visits": request.state.visits[0], "started": request.state.started})


async def call(request: Request) -> Response:
    """Asks another endpoint of this same server, as one asks any other service.

    The address is that of the connection, not the Host header, which the client chooses.
    """
    host, port = request.scope["server"]
    url = httpx.URL(
        scheme=request.url.scheme, host=host, port=port, path=request.url_for("facts").path
    )
    answer = await request.state.client.get(url, params={"asked-by": "call"})
    return JSONResponse({"status": answer.status_code, "answer": answer.json()})


async def fail(request: Request) -> Response:
    raise RuntimeError("the demo was asked to fail")


async def no_content(request: Request) -> Response:
    return Response(status_code=204)


app = Starlette(
    lifespan=lifespan,
    routes=[
        Route("/", page),
        Route("/hello", hello),
        Route("/greet/{name}", greet),
        Route("/facts", facts),
        Route("/form", form, methods=["POST"]),
        Route("/upload", upload, methods=["POST"]),
        Route("/echo", Echo()),
        Route("/stream", stream),
        Route("/events", events),
        Route("/notes", add_note, methods=["POST"]),
        Route("/notes", list_notes),
        Route("/thread", thread),
        Route("/state", state),
        Route("/call", call),
        Route("/fail", fail),
        Route("/no-content", no_content),
        Route("/chat", chat_page),
        WebSocketRoute("/chat/socket", chat),
        Mount("/api", api),
    ],
)
