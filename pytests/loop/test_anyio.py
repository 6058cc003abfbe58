"""anyio looks deep into tasks: what works here works for Starlette and httpx."""

import asyncio

import anyio
import anyio.from_thread
import anyio.to_thread
import pytest


@pytest.fixture
def run(native):
    """On anyio's own terms: it makes the loop by the factory."""

    def run(function):
        return anyio.run(function, backend_options={"loop_factory": native.new_event_loop})

    return run


def test_task_group_runs_and_cancels(run):
    async def main():
        seen = []

        async def child(number):
            try:
                await anyio.sleep(0.001 * number)
                seen.append(number)
            except anyio.get_cancelled_exc_class():
                seen.append("cancelled")
                raise

        async with anyio.create_task_group() as group:
            for number in (3, 1, 60_000):
                group.start_soon(child, number)
            while len(seen) < 2:
                await anyio.sleep(0.001)
            group.cancel_scope.cancel()
        return seen

    assert run(main) == [1, 3, "cancelled"]


def test_task_starts_with_a_value(run):
    async def main():
        async def child(*, task_status):
            task_status.started("ready")
            await anyio.sleep_forever()

        async with anyio.create_task_group() as group:
            assert await group.start(child) == "ready"
            group.cancel_scope.cancel()

    run(main)


def test_cancel_scopes_end_waits(run):
    async def main():
        with pytest.raises(TimeoutError):
            with anyio.fail_after(0.001):
                await anyio.sleep_forever()
        with anyio.move_on_after(0.001) as scope:
            await anyio.sleep_forever()
        assert scope.cancelled_caught
        with anyio.CancelScope() as outer:
            with anyio.CancelScope(shield=True):
                outer.cancel()
                await anyio.sleep(0)
            with pytest.raises(asyncio.CancelledError):
                try:
                    await anyio.sleep(0)
                except asyncio.CancelledError:
                    raise

    run(main)


def test_threads_call_and_are_called(run):
    async def main():
        async def on_loop(number):
            await anyio.sleep(0)
            return number * 2

        def in_thread(number):
            return anyio.from_thread.run(on_loop, number) + anyio.from_thread.run_sync(int)

        results = []

        async def one(number):
            results.append(await anyio.to_thread.run_sync(in_thread, number))

        async with anyio.create_task_group() as group:
            for number in range(40):
                group.start_soon(one, number)
        return sorted(results)

    assert run(main) == [2 * number for number in range(40)]


def test_portal_from_a_plain_thread(native):
    with anyio.from_thread.start_blocking_portal(
        backend_options={"loop_factory": native.new_event_loop}
    ) as portal:
        assert portal.call(anyio.sleep, 0) is None
        assert portal.start_task_soon(int, "5").result(10) == 5


def test_streams_over_tcp(run):
    async def main():
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
        port = listener.extra(anyio.abc.SocketAttribute.local_port)

        async def serve(stream):
            async with stream:
                async for chunk in stream:
                    await stream.send(chunk.upper())

        async with anyio.create_task_group() as group:
            group.start_soon(listener.serve, serve)
            async with await anyio.connect_tcp("127.0.0.1", port) as stream:
                await stream.send(b"hello")
                assert await stream.receive() == b"HELLO"
            group.cancel_scope.cancel()

    run(main)


def test_processes(run):
    async def main():
        return (await anyio.run_process(["cat"], input=b"hello")).stdout

    assert run(main) == b"hello"


def test_group_of_errors(run):
    async def main():
        async def fail():
            raise ValueError

        with pytest.raises(ExceptionGroup):
            async with anyio.create_task_group() as group:
                group.start_soon(fail)
                group.start_soon(anyio.sleep_forever)

    run(main)
