"""The application of the proof: each answer names its request and its maker, each start is traced.

    PROOF_TRACE           the file that every process appends its lines to
    PROOF_GENERATION      the file whose number is the generation of "the code", read at import
    PROOF_IMPORT_SECONDS  how long an import takes

A line is `WHAT ID PID GENERATION`. Of a request: S started, E its last byte was given to the
server. Of a process, with `-` for the id: I imported, B the lifespan has started, L it has ended.
process/proof/trace.py reads them. A generation that begins with `broken` cannot be imported.
"""

import asyncio
import ctypes
import hashlib
import os
import signal
import time
from pathlib import Path
from urllib.parse import parse_qsl

from replies import read_body, respond

MIB = 1 << 20
_trace = os.open(os.environ["PROOF_TRACE"], os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC)
_generation = Path(os.environ["PROOF_GENERATION"]).read_text().strip()
_kept: list[bytearray] = []


def trace(what: str, identity: str = "-") -> None:
    os.write(_trace, f"{what} {identity} {os.getpid()} {_generation}\n".encode())


if _generation.startswith("broken"):
    raise RuntimeError("this generation of the code is broken")
if _pause := float(os.environ.get("PROOF_IMPORT_SECONDS", "0")):
    time.sleep(_pause)
trace("I")


def digest(text: str) -> bytes:
    """64 bytes that only somebody who knows `text` can write."""
    return hashlib.sha256(text.encode()).hexdigest().encode()


def maker(identity: str) -> list[tuple[bytes, bytes]]:
    return [
        (b"x-id", identity.encode()),
        (b"x-pid", str(os.getpid()).encode()),
        (b"x-generation", _generation.encode()),
    ]


class Request:
    def __init__(self, scope, receive, send) -> None:
        self.query = dict(parse_qsl(scope["query_string"].decode("ascii")))
        self.identity = self.query["id"]
        self.receive = receive
        self.send = send

    def number(self, name: str) -> float:
        return float(self.query[name])

    async def answer(self, body: bytes) -> None:
        await respond(self.send, body, 200, maker(self.identity))

    async def answer_digest(self) -> None:
        await self.answer(digest(self.identity))


async def fast(request: Request) -> None:
    """The request of 1 ms."""
    await asyncio.sleep(0.001)
    await request.answer_digest()


async def slow(request: Request) -> None:
    await asyncio.sleep(request.number("seconds"))
    await request.answer_digest()


async def echo(request: Request) -> None:
    await request.answer(await read_body(request.receive))


async def stream(request: Request) -> None:
    """`pieces` chunks over `seconds`."""
    count = int(request.query["pieces"])
    head = {"type": "http.response.start", "status": 200, "headers": maker(request.identity)}
    await request.send(head)
    for number in range(count):
        piece = digest(f"{request.identity}.{number}")
        await request.send({"type": "http.response.body", "body": piece, "more_body": True})
        await asyncio.sleep(request.number("seconds") / count)
    await request.send({"type": "http.response.body"})


async def block(request: Request) -> None:
    """Holds up the loop, as a forgotten time.sleep() does."""
    time.sleep(request.number("seconds"))
    await request.answer_digest()


async def hold_gil(request: Request) -> None:
    """Holds up every thread of the process, as an extension that never lets go of the GIL does."""
    ctypes.PyDLL(None).usleep(ctypes.c_uint(int(request.number("seconds") * 1e6)))
    await request.answer_digest()


async def leave(request: Request) -> None:
    os._exit(int(request.query["status"]))


async def fault(request: Request) -> None:
    """Dies of a signal in the middle of the request."""
    os.kill(os.getpid(), getattr(signal, request.query["signal"]))
    await asyncio.sleep(60)


async def leak(request: Request) -> None:
    """Memory that is never given back; each page is touched."""
    _kept.append(bytearray(int(request.number("mib") * MIB)))
    _kept[-1][::4096] = b"x" * len(_kept[-1][::4096])
    await request.answer_digest()


HANDLERS = {
    f"/{handler.__name__.replace('_', '-')}": handler
    for handler in (fast, slow, echo, stream, block, hold_gil, leave, fault, leak)
}


async def websocket(receive, send) -> None:
    """Answers each message `ID SECONDS` with `ID DIGEST PID GENERATION` after so many seconds."""
    assert (await receive())["type"] == "websocket.connect"
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        identity, seconds = message["text"].split()
        trace("S", identity)
        await asyncio.sleep(float(seconds))
        reply = [identity, digest(identity).decode(), str(os.getpid()), _generation]
        await send({"type": "websocket.send", "text": " ".join(reply)})
        trace("E", identity)


async def lifespan(receive, send) -> None:
    await receive()
    trace("B")
    await send({"type": "lifespan.startup.complete"})
    await receive()
    trace("L")
    await send({"type": "lifespan.shutdown.complete"})


async def app(scope, receive, send) -> None:
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
    elif scope["type"] == "websocket":
        await websocket(receive, send)
    else:
        request = Request(scope, receive, send)
        trace("S", request.identity)
        await HANDLERS[scope["path"]](request)
        trace("E", request.identity)
