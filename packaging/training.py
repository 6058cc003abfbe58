"""The traffic that the profile of a wheel is made of: `python training.py` runs it whole.

It is everyday traffic through every part that has any, in about the proportions in which a busy
server sees it: small requests first of all, bodies both ways, streams, WebSockets with and without
compression, one client and many, on both I/O backends. The client runs on Ringhorn's own event
loop. Needs an installed ringhorn and the standard library.
"""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
import zlib
from pathlib import Path

import ringhorn

HOST = b"Host: 127.0.0.1\r\n"
BROWSER = HOST + (
    b"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0\r\n"
    b"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
    b"Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n"
    b"Connection: keep-alive\r\nCookie: session=0123456789abcdef; theme=dark\r\n"
)
PAGE = b"<p>A page as pages are, of some length.</p>\n" * 2400
TEXT = [(b"content-type", b"text/plain")]


# --- the application --------------------------------------------------------------------------

members = set()


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await run_lifespan(receive, send)
    elif scope["type"] == "websocket":
        await run_socket(scope, receive, send)
    else:
        await answer(scope, receive, send)


async def run_lifespan(receive, send):
    for event in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{event}.complete"})


async def answer(scope, receive, send):
    content = b"Hello, world!"
    match scope["path"]:
        case "/stream":
            return await stream(send)
        case "/echo":
            content = await read_body(receive)
        case "/page":
            content = PAGE
        case "/sleep":
            await asyncio.sleep(0.001)
        case "/thread":
            await asyncio.get_running_loop().run_in_executor(None, zlib.crc32, content)
    headers = [*TEXT, (b"content-length", b"%d" % len(content))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": content})


async def read_body(receive):
    pieces = []
    more = True
    while more:
        message = await receive()
        pieces.append(message["body"])
        more = message["more_body"]
    return b"".join(pieces)


async def stream(send):
    await send({"type": "http.response.start", "status": 200, "headers": TEXT})
    for number in range(50):
        piece = b"piece %d\n" % number * 100
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def run_socket(scope, receive, send):
    """Echoes; under /room everybody gets what one says."""
    await receive()
    await send({"type": "websocket.accept"})
    if scope["path"] == "/room":
        members.add(send)
    while (message := await receive())["type"] == "websocket.receive":
        kind = "text" if message.get("text") is not None else "bytes"
        for member in list(members) if scope["path"] == "/room" else [send]:
            await member({"type": "websocket.send", kind: message[kind]})
    members.discard(send)


# --- the clients ------------------------------------------------------------------------------


def get(path=b"/", headers=BROWSER):
    return b"GET %b HTTP/1.1\r\n%b\r\n" % (path, headers)


def post(size):
    return b"POST /echo HTTP/1.1\r\n%bContent-Length: %d\r\n\r\n%b" % (HOST, size, PAGE[:size])


def post_chunked(size):
    pieces = [PAGE[at : min(at + 4096, size)] for at in range(0, size, 4096)]
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    head = b"POST /echo HTTP/1.1\r\n%bTransfer-Encoding: chunked\r\n\r\n" % HOST
    return head + chunks + b"0\r\n\r\n"


async def read_response(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200 "):
        raise RuntimeError(f"no answer but {head!r}")
    if length := re.search(rb"\r\ncontent-length: (\d+)\r\n", head):
        return await reader.readexactly(int(length[1]))
    return await reader.readuntil(b"0\r\n\r\n")


async def ask(port, count, request, pipelined=1):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(count):
        writer.write(request * pipelined)
        for _ in range(pipelined):
            await read_response(reader)
    writer.close()


async def connect_often(port, count):
    for _ in range(count):
        await ask(port, 1, get())


def frame(opcode, payload, compressed=False):
    """A client's frame. The mask is not zero, so that unmasking is work."""
    first = 0x80 | opcode | (0x40 if compressed else 0)
    size = len(payload)
    if size < 126:
        head = bytes([first, 0x80 | size])
    elif size < 65536:
        head = bytes([first, 0x80 | 126]) + size.to_bytes(2, "big")
    else:
        head = bytes([first, 0x80 | 127]) + size.to_bytes(8, "big")
    mask = b"\x37\xfa\x21\x3d" * (size // 4 + 1)
    masked = int.from_bytes(payload, "big") ^ int.from_bytes(mask[:size], "big")
    return head + mask[:4] + masked.to_bytes(size, "big")


async def read_message(reader):
    head = await reader.readexactly(2)
    size = head[1]
    if size > 125:
        size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8), "big")
    await reader.readexactly(size)


async def talk(port, count, opcode, size, path=b"/", says=True, compressed=False):
    offer = b"Sec-WebSocket-Extensions: permessage-deflate\r\n" if compressed else b""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        b"GET %b HTTP/1.1\r\n%bConnection: Upgrade\r\nUpgrade: websocket\r\n%b"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        % (path, HOST, offer)
    )
    await reader.readuntil(b"\r\n\r\n")
    payload = PAGE[:size]
    if compressed:
        deflate = zlib.compressobj(wbits=-15)
        payload = deflate.compress(payload) + deflate.flush(zlib.Z_SYNC_FLUSH)[:-4]
    message = frame(opcode, payload, compressed)
    for _ in range(count):
        if says:
            writer.write(message)
        await read_message(reader)
    writer.write(frame(8, b"\x03\xe8"))
    await reader.read()
    writer.close()


async def meet(port, members_count, count):
    listeners = [talk(port, count, 1, 16, b"/room", says=False) for _ in range(members_count)]
    waiting = asyncio.gather(*listeners)
    await asyncio.sleep(0.5)  # they have to be in the room
    await talk(port, count, 1, 16, b"/room")
    await waiting


async def visit(port):
    await visit_by(port, clients=1, share=4)
    await visit_by(port, clients=32, share=1)
    await meet(port, 50, 100)


async def visit_by(port, clients, share):
    """The whole tour by so many clients at once; each does everything `share` times as often."""

    async def all_of(work, count, *what, **how):
        await asyncio.gather(*(work(port, count * share, *what, **how) for _ in range(clients)))

    await all_of(ask, 300, get())
    await all_of(ask, 300, get(headers=HOST))
    for size, count in ((1000, 80), (10_000, 40), (100_000, 10)):
        await all_of(ask, count, post(size))
        await all_of(ask, count, post_chunked(size))
    for path, count in ((b"/page", 20), (b"/stream", 10), (b"/sleep", 40), (b"/thread", 20)):
        await all_of(ask, count, get(path))
    await all_of(ask, 10, get(), pipelined=8)
    await all_of(connect_often, 10)
    for opcode, size, count in ((1, 16, 200), (2, 16, 200), (1, 1000, 100), (2, 60_000, 5)):
        await all_of(talk, count, opcode, size)
    await all_of(talk, 20, 1, 4000, compressed=True)


# --- the run ----------------------------------------------------------------------------------


def serve_and_visit(*options):
    """False when this server does not start here."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    command = [sys.executable, "-m", "ringhorn", "training:app", "--port", str(port), *options]
    here = Path(__file__).parent
    # The options are these, whatever the variables of the one who builds say.
    own = {name: value for name, value in os.environ.items() if not name.startswith("RINGHORN_")}
    server = subprocess.Popen(command, cwd=here, env=own, stdout=subprocess.DEVNULL)
    try:
        while server.poll() is None:
            with socket.socket() as trial:
                if trial.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.02)
        if server.returncode is not None:
            return False
        with asyncio.Runner(loop_factory=ringhorn.new_event_loop) as runner:
            runner.run(visit(port))
        server.send_signal(signal.SIGTERM)
        if server.wait(30) != 0:
            raise SystemExit(f"the server ended with {server.returncode}")
        return True
    finally:
        server.kill()


def main():
    quiet = "--no-access-log"
    if not serve_and_visit("--io", "uring", quiet):
        print("no io_uring on this machine: the profile knows epoll alone", file=sys.stderr)
    for options in (("--io", "epoll", quiet), ("--access-log",)):
        if not serve_and_visit(*options):
            raise SystemExit("the server did not start")


if __name__ == "__main__":
    main()
