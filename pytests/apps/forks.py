"""An application that forks out of requests, on the thread of its event loop and on others.

`/fork?child=NAME&leave=NAME` answers what the child has said and how it has ended. Meanwhile
`/wait` is answered by `/release`, and `/echo` goes over a connection that was open before the fork.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import multiprocessing
import os
import sys
from urllib.parse import parse_qs

from replies import respond, respond_json

logger = logging.getLogger("forks")


async def echo(reader, writer):
    while line := await reader.readline():
        writer.write(line)
    writer.close()


class World:
    """What a fork duplicates: a server's connections and a client's."""

    async def open(self):
        self.loop = asyncio.get_running_loop()
        self.released = asyncio.Event()
        self.server = await asyncio.start_server(echo, "127.0.0.1", 0)
        self.address = self.server.sockets[0].getsockname()
        self.reader, self.writer = await asyncio.open_connection(*self.address)
        # Nobody but the loop keeps this one, and the child lets go of it.
        self.spare = await asyncio.open_connection(*self.address)

    async def ask(self) -> str:
        self.writer.write(b"who\n")
        return (await self.reader.readline()).decode().strip()

    async def close(self):
        for writer in (self.writer, self.spare[1]):
            writer.close()
            await writer.wait_closed()
        self.server.close()


world = World()


# What a child does with what is its parent's.


async def compute() -> int:
    await asyncio.sleep(0)
    return await asyncio.get_running_loop().run_in_executor(None, lambda: 6 * 7)


def run():
    assert asyncio.run(compute()) == 42


def close():
    world.writer.close()
    world.spare[1].transport.abort()
    world.server.close()


def drop():
    for transport in list(world.loop._transports.values()):
        transport.set_protocol(asyncio.Protocol())
    world.reader = world.writer = world.spare = world.server = None
    gc.collect()


def watch():
    fd = world.writer.get_extra_info("socket").fileno()
    readable, writable = os.pipe()
    world.loop.add_reader(readable, print)
    world.loop.add_writer(writable, print)
    world.loop.remove_reader(readable)
    world.loop.remove_writer(writable)
    world.loop._remove_reader(fd)
    world.writer.transport.pause_reading()
    world.writer.transport.resume_reading()


def schedule():
    world.loop.call_soon(print, "never")
    world.loop.call_soon_threadsafe(print, "never")
    world.loop.call_later(0, print, "never")
    world.loop.create_task(compute())


def log():
    logger.warning("the child was here")


def everything():
    for each in (run, watch, schedule, close, drop, log):
        each()


def nothing():
    pass


CHILDREN = {
    each.__name__: each
    for each in (run, watch, schedule, close, drop, log, everything, nothing)
}


def exit_status():
    sys.exit(7)


def exit_hard():
    os._exit(7)


def fail():
    raise ValueError("the child failed")


def come_back():
    pass


LEAVES = {each.__name__: each for each in (exit_status, exit_hard, fail, come_back)}


class Child:
    """A forked process, and the pipe it speaks through."""

    def __init__(self, what: str):
        self.pipe, writable = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                CHILDREN[what]()
                os.write(writable, b"done")
            except BaseException as error:
                os.write(writable, repr(error).encode())
        os.close(writable)

    def end(self) -> list:
        with os.fdopen(self.pipe, "rb") as pipe:
            said = pipe.read().decode()
        return [said, os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])]


async def fork(child: str, leave: str, where: str, receive, send) -> list:
    if where == "thread":
        return await asyncio.to_thread(fork_in_thread, child)
    if where == "later":
        await asyncio.sleep(0)
    if where == "received":
        await receive()
    process = Child(child)
    if process.pid == 0:
        if leave == "answer":
            await respond(send, b"from the child")
        LEAVES[leave]()
        return ["came back"]
    return await asyncio.to_thread(process.end)


def fork_in_thread(child: str) -> list:
    process = Child(child)
    if process.pid == 0:
        os._exit(7)
    return process.end()


def run_in_process():
    sys.exit(asyncio.run(compute()) - 42)


def start_process() -> multiprocessing.Process:
    """Out of the loop's own thread."""
    process = multiprocessing.get_context("fork").Process(target=run_in_process)
    process.start()
    return process


def hold() -> tuple[int, int]:
    """A child that lives on, as those of a ProcessPoolExecutor do, until the pipe is closed."""
    readable, writable = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(writable)
        os.read(readable, 1)
        os._exit(0)
    os.close(readable)
    return pid, writable


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        return await live(receive, send)
    query = {key: values[0] for key, values in parse_qs(scope["query_string"].decode()).items()}
    if scope["path"] == "/fork":
        where = query.get("where", "first")
        answer = await fork(query["child"], query["leave"], where, receive, send)
        await respond_json(send, answer)
    elif scope["path"] == "/process":
        process = start_process()
        await asyncio.to_thread(process.join)
        await respond_json(send, process.exitcode)
    elif scope["path"] == "/hold":
        world.held = hold()
        await respond(send)
    elif scope["path"] == "/let-go":
        pid, writable = world.held
        os.close(writable)
        await respond_json(send, os.waitpid(pid, 0)[1])
    elif scope["path"] == "/wait":
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"wait", "more_body": True})
        await world.released.wait()
        world.released.clear()
        await send({"type": "http.response.body", "body": b"ed"})
    elif scope["path"] == "/release":
        world.released.set()
        await respond(send)
    else:
        await respond_json(send, await world.ask())


async def live(receive, send):
    await receive()
    await world.open()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await world.close()
    await send({"type": "lifespan.shutdown.complete"})
