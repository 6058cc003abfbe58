#!/usr/bin/env python3
"""One row of loops.py, in a process of its own: `loop_work.py LOOP ROW SECONDS`.

Prints as JSON how many operations were done, and the wall and CPU seconds that they took.
Client and server of an echo are tasks of the same loop: a round trip is two operations of each.
"""

import asyncio
import importlib
import json
import os
import socket
import sys
import tempfile
import threading
import time

FACTORIES = {
    "ringhorn": ("ringhorn", "new_event_loop"),
    "asyncio": ("asyncio", "SelectorEventLoop"),
    "uvloop": ("uvloop", "new_event_loop"),
}
BATCH = 100


class Clock:
    """Says how long to go on, in batches, so that reading it costs nothing."""

    def __init__(self, seconds):
        self._seconds = seconds
        self.operations = 0
        self.restart()

    def restart(self):
        self.operations = 0
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def add(self, operations):
        """False when it is enough."""
        self.operations += operations
        return time.perf_counter() - self._wall < self._seconds

    def report(self):
        return {
            "operations": self.operations,
            "wall": time.perf_counter() - self._wall,
            "cpu": time.process_time() - self._cpu,
        }


async def call_soon(clock):
    loop = asyncio.get_running_loop()
    done = loop.create_future()

    def again(left):
        if left:
            loop.call_soon(again, left - 1)
        elif clock.add(BATCH * BATCH):
            loop.call_soon(again, BATCH * BATCH - 1)
        else:
            done.set_result(None)

    loop.call_soon(again, BATCH * BATCH - 1)
    await done


async def call_soon_many(clock):
    loop = asyncio.get_running_loop()
    going = True
    while going:
        for _ in range(BATCH):
            loop.call_soon(int)
        await asyncio.sleep(0)
        going = clock.add(BATCH)


async def call_later_cancelled(clock):
    """As the timeouts of a client: set, and taken back."""
    loop = asyncio.get_running_loop()
    going = True
    while going:
        for handle in [loop.call_later(30, int) for _ in range(BATCH)]:
            handle.cancel()
        await asyncio.sleep(0)
        going = clock.add(BATCH)


async def call_later_fired(clock):
    loop = asyncio.get_running_loop()
    going = True
    while going:
        for _ in range(BATCH):
            loop.call_later(0, int)
        await asyncio.sleep(0)
        going = clock.add(BATCH)


async def call_soon_threadsafe(clock):
    loop = asyncio.get_running_loop()
    done = asyncio.Event()
    room = threading.Semaphore(BATCH)

    def work():
        going = True
        while going:
            for _ in range(BATCH):
                room.acquire()
                loop.call_soon_threadsafe(room.release)
            going = clock.add(BATCH)
        loop.call_soon_threadsafe(done.set)

    thread = threading.Thread(target=work)
    thread.start()
    await done.wait()
    thread.join()


async def switch_tasks(clock):
    async def run():
        while clock.going:
            for _ in range(BATCH):
                await asyncio.sleep(0)
            clock.going = clock.add(BATCH)

    clock.going = True
    await asyncio.gather(*(run() for _ in range(10)))


async def create_tasks(clock):
    async def nothing():
        pass

    going = True
    while going:
        await asyncio.gather(*(nothing() for _ in range(BATCH)))
        going = clock.add(BATCH)


async def pass_items(clock):
    """Two tasks that wake each other through queues."""
    there, back = asyncio.Queue(), asyncio.Queue()

    async def answer():
        while (item := await there.get()) is not None:
            back.put_nowait(item)

    task = asyncio.create_task(answer())
    going = True
    while going:
        for number in range(BATCH):
            there.put_nowait(number)
            await back.get()
        going = clock.add(BATCH)
    there.put_nowait(None)
    await task


async def to_thread(clock):
    await asyncio.to_thread(int)
    clock.restart()
    while clock.add(BATCH):
        for _ in range(BATCH):
            await asyncio.to_thread(int)


async def unix_streams(clock, size):
    with tempfile.TemporaryDirectory() as folder:
        await streams(clock, size, path=f"{folder}/socket")


async def streams(clock, size, connections=1, path=None):
    data = bytes(size)

    async def serve(reader, writer):
        try:
            while True:
                writer.write(await reader.readexactly(size))
                await writer.drain()
        except asyncio.IncompleteReadError:
            writer.close()

    if path is None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
    else:
        server = await asyncio.start_unix_server(serve, path)

    async def ask():
        pair = (
            asyncio.open_connection("127.0.0.1", port)
            if path is None
            else asyncio.open_unix_connection(path)
        )
        reader, writer = await pair
        while clock.going:
            for _ in range(10):
                writer.write(data)
                await reader.readexactly(size)
            clock.going = clock.add(10) and clock.going
        writer.close()
        await writer.wait_closed()

    clock.going = True
    await asyncio.gather(*(ask() for _ in range(connections)))
    server.close()


async def protocols(clock, size):
    loop = asyncio.get_running_loop()
    done = loop.create_future()

    class Server(asyncio.Protocol):
        def connection_made(self, transport):
            self.transport = transport

        def data_received(self, data):
            self.transport.write(data)

    class Client(Server):
        def connection_made(self, transport):
            self.transport, self.left, self.batch = transport, size, BATCH
            transport.write(bytes(size))

        def data_received(self, data):
            self.left -= len(data)
            if self.left > 0:
                return
            self.left, self.batch = size, self.batch - 1
            if self.batch == 0:
                self.batch = BATCH
                if not clock.add(BATCH):
                    self.transport.close()
                    return
            self.transport.write(bytes(size))

        def connection_lost(self, exc):
            done.set_result(exc)

    server = await loop.create_server(Server, "127.0.0.1", 0)
    await loop.create_connection(Client, *server.sockets[0].getsockname())
    await done
    server.close()


async def sockets(clock, size):
    loop = asyncio.get_running_loop()
    left, right = socket.socketpair()
    left.setblocking(False)
    right.setblocking(False)
    data = bytes(size)

    async def answer():
        while piece := await loop.sock_recv(right, size):
            await loop.sock_sendall(right, piece)

    task = asyncio.create_task(answer())
    going = True
    while going:
        for _ in range(BATCH):
            await loop.sock_sendall(left, data)
            await loop.sock_recv(left, size)
        going = clock.add(BATCH)
    left.close()
    await task
    right.close()


ROWS = {
    "call_soon": ("call_soon, one after another", call_soon),
    "call_soon_many": ("call_soon, a hundred at once", call_soon_many),
    "call_later_cancelled": ("call_later(30), cancelled", call_later_cancelled),
    "call_later_fired": ("call_later(0), fired", call_later_fired),
    "call_soon_threadsafe": ("call_soon_threadsafe", call_soon_threadsafe),
    "switch_tasks": ("task switch, sleep(0)", switch_tasks),
    "create_tasks": ("task made and awaited", create_tasks),
    "pass_items": ("two tasks, two queues", pass_items),
    "to_thread": ("asyncio.to_thread", to_thread),
    "sockets": ("sock_recv, sock_sendall, 1 KB", lambda clock: sockets(clock, 1024)),
    "protocols": ("protocol echo, 1 KB", lambda clock: protocols(clock, 1024)),
    "protocols100k": ("protocol echo, 100 KB", lambda clock: protocols(clock, 102400)),
    "streams": ("stream echo, 1 KB", lambda clock: streams(clock, 1024)),
    "streams50": ("stream echo, 1 KB, 50 clients", lambda clock: streams(clock, 1024, 50)),
    "streams100k": ("stream echo, 100 KB", lambda clock: streams(clock, 102400)),
    "unix": ("stream echo, 1 KB, Unix", lambda clock: unix_streams(clock, 1024)),
}


def run(loop_name, row, seconds):
    module, function = FACTORIES[loop_name]
    factory = getattr(importlib.import_module(module), function)
    clock = Clock(seconds)
    warm = Clock(seconds / 5)

    async def main():
        work = ROWS[row][1]
        await work(warm)
        clock.restart()
        await work(clock)
        return clock.report()

    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main())


if __name__ == "__main__":
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    print(json.dumps(run(sys.argv[1], sys.argv[2], float(sys.argv[3]))))
