"""Nothing of the loop's is left behind, and nothing of it needs the garbage collector."""

import asyncio
import gc
import os
import socket
import sys
import weakref

import pytest


def live(native):
    gc.collect()
    kinds = (native.Handle, native.TimerHandle, native.EventLoop)
    return [thing for thing in gc.get_objects() if isinstance(thing, kinds)]


@pytest.fixture
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def test_closed_loop_dies_without_the_collector(native, no_collector):
    loop = native.new_event_loop()
    loop.call_soon(print)
    loop.call_later(3600, loop.call_soon, print)
    loop.run_until_complete(asyncio.sleep(0.001))
    loop.close()
    reference = weakref.ref(loop)
    del loop
    assert reference() is None


def test_loop_that_was_not_closed_is_collected(native):
    loop = native.new_event_loop()
    loop.call_later(3600, loop.stop)
    near, far = socket.socketpair()
    loop.add_reader(near, lambda loop=loop: None)
    loop.run_until_complete(asyncio.sleep(0.001))
    loop.call_soon(loop.stop)
    reference = weakref.ref(loop)
    with pytest.warns(ResourceWarning, match="unclosed event loop"):
        del loop
        gc.collect()
    assert reference() is None
    near.close()
    far.close()


def test_cycle_through_a_handle_is_collected(loop, native):
    class Node:
        pass

    node = Node()
    node.handle = loop.call_later(3600, node.__class__.__repr__, node)
    reference = weakref.ref(node)
    node.handle.cancel()
    other = Node()
    other.handle = loop.call_soon(print, other)
    reference_other = weakref.ref(other)
    del node, other
    gc.collect()
    assert reference() is None and reference_other() is not None
    loop.close()
    gc.collect()
    assert reference_other() is None


def test_callbacks_leave_no_garbage(loop, no_collector):
    async def main():
        for _ in range(2000):
            loop.call_soon(int)
            loop.call_later(0, int)
            loop.call_later(3600, int).cancel()
            await asyncio.sleep(0)

    loop.run_until_complete(main())
    assert gc.collect() == 0


def test_reference_counts_are_stable(loop):
    """100,000 callbacks, timers and cancellations: each count is what it was."""

    def callback(*_):
        pass

    arguments = object(), object(), object()
    context = __import__("contextvars").copy_context()
    watched = (callback, *arguments, context, loop, type(loop))

    def churn(count):
        for number in range(count):
            given = arguments[: number % 4]
            loop.call_soon(callback, *given, context=context)
            loop.call_later(0, callback, *given, context=context)
            loop.call_soon_threadsafe(callback, *given).cancel()
            loop.call_at(1e9, callback, *given).cancel()
            if number % 100 == 99:
                loop.call_later(0, loop.stop)
                loop.run_forever()

    churn(400)
    before = [sys.getrefcount(thing) for thing in watched]
    churn(25_000)
    assert [sys.getrefcount(thing) for thing in watched] == before


def test_failing_callbacks_keep_nothing(loop):
    class Argument:
        pass

    def fail(_):
        raise ValueError

    argument = Argument()
    reference = weakref.ref(argument)
    loop.call_soon(fail, argument)
    del argument
    loop.call_soon(loop.stop)
    loop.run_forever()
    loop.reported.clear()
    assert reference() is None


def test_loops_leave_nothing(native):
    async def main():
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        async with server, asyncio.timeout(10):
            await asyncio.to_thread(int)
            await asyncio.sleep(0)

    def once():
        with asyncio.Runner(loop_factory=native.new_event_loop) as runner:
            runner.run(main())

    once()
    before, files = len(live(native)), len(os.listdir("/proc/self/fd"))
    for _ in range(10):
        once()
    assert len(live(native)) == before
    assert len(os.listdir("/proc/self/fd")) == files


def test_requests_over_streams_cause_no_collection(loop, no_collector):
    """hot-path 9, for what runs on asyncio's own transports."""

    async def serve(reader, writer):
        while data := await reader.read(100):
            writer.write(data)
        writer.close()

    async def main():
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            for _ in range(50):
                writer.write(b"x")
                await reader.read(100)
            gc.collect()
            for _ in range(1000):
                writer.write(b"x")
                await reader.read(100)
            found = gc.collect()
            writer.close()
            await writer.wait_closed()
        return found

    assert loop.run_until_complete(main()) == 0
