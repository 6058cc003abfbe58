"""asyncio's own tools on the loop: Runner, tasks, debug mode, generators, executors."""

import asyncio
import contextvars
import sys
import threading
import time

import pytest

variable = contextvars.ContextVar("variable", default="outside")
since_3_12 = sys.version_info >= (3, 12)


def test_runner_takes_the_loop_factory(native):
    async def main():
        return asyncio.get_running_loop()

    with asyncio.Runner(loop_factory=native.new_event_loop) as runner:
        loop = runner.run(main())
        assert type(loop) is native.EventLoop and isinstance(loop, asyncio.SelectorEventLoop)
        assert repr(loop) == "<EventLoop running=False closed=False debug=False>"
    assert loop.is_closed()


def test_policy_makes_asyncio_run_use_it(native):
    """The way in for those who cannot name a factory."""
    made = []

    async def main():
        made.append(asyncio.get_running_loop())

    class Policy(asyncio.DefaultEventLoopPolicy):
        _loop_factory = native.EventLoop

    asyncio.set_event_loop_policy(Policy())
    try:
        asyncio.run(main())
    finally:
        asyncio.set_event_loop_policy(None)
    assert type(made[0]) is native.EventLoop


def test_tasks_run_and_cancel(run):
    async def main():
        task = asyncio.create_task(asyncio.Event().wait(), name="waiter")
        await asyncio.sleep(0)
        assert task in asyncio.all_tasks() and task.get_name() == "waiter"
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(main())


def test_task_group_cancels_the_others(run):
    async def main():
        ended = []

        async def waiter():
            try:
                await asyncio.Event().wait()
            finally:
                ended.append("cancelled")

        async def failing():
            await asyncio.sleep(0)
            raise ValueError("broken")

        with pytest.raises(ExceptionGroup) as caught:
            async with asyncio.TaskGroup() as group:
                group.create_task(waiter())
                group.create_task(failing())
        assert isinstance(caught.value.exceptions[0], ValueError)
        return ended

    assert run(main()) == ["cancelled"]


def test_task_has_one_context_for_all_its_steps(run):
    async def main():
        variable.set("in main")
        await asyncio.sleep(0)
        child = asyncio.create_task(change())
        await child
        assert variable.get() == "in main"
        await asyncio.sleep(0.0005)
        assert variable.get() == "in main"

    async def change():
        assert variable.get() == "in main"
        variable.set("in child")
        await asyncio.sleep(0)
        assert variable.get() == "in child"

    run(main())
    assert variable.get() == "outside"


def test_task_factory_of_the_application_works(loop):
    """Lesson 11 begins with this: the first step runs inside create_task (CPython 3.12)."""
    if since_3_12:
        loop.set_task_factory(asyncio.eager_task_factory)
    else:
        loop.set_task_factory(lambda loop, coro: asyncio.Task(coro, loop=loop))

    async def main():
        steps = []

        async def child():
            steps.append(asyncio.current_task())
            await asyncio.sleep(0)
            steps.append("second")

        task = asyncio.create_task(child(), name="child")
        assert steps == ([task] if since_3_12 else [])
        assert asyncio.current_task() is not task
        await task
        assert steps[1:] == ["second"]

    loop.run_until_complete(main())


def test_executor_results_come_back(run):
    async def main():
        loop = asyncio.get_running_loop()
        here = threading.get_ident()
        assert await loop.run_in_executor(None, threading.get_ident) != here
        return await asyncio.gather(*(asyncio.to_thread(pow, 2, n) for n in range(50)))

    assert run(main()) == [2**n for n in range(50)]


def test_executor_shuts_down(run, loop):
    async def main():
        await asyncio.to_thread(int)
        await loop.shutdown_default_executor()
        with pytest.raises(RuntimeError, match="Executor shutdown"):
            await asyncio.to_thread(int)

    run(main())


def test_getaddrinfo_works(run):
    async def main():
        return await asyncio.get_running_loop().getaddrinfo("127.0.0.1", 80)

    assert run(main())[0][4] == ("127.0.0.1", 80)


def test_generators_are_closed_with_the_loop(native):
    ended = []

    async def generate():
        try:
            yield 1
            yield 2
        finally:
            await asyncio.sleep(0)
            ended.append("closed")

    async def main():
        generator = generate()
        async for _ in generator:
            kept.append(generator)
            break

    kept = []
    hooks = sys.get_asyncgen_hooks()
    with asyncio.Runner(loop_factory=native.new_event_loop) as runner:
        runner.run(main())
        assert sys.get_asyncgen_hooks() == hooks
    assert ended == ["closed"]


def test_future_that_never_ends_is_told(loop):
    loop.call_soon(loop.stop)
    with pytest.raises(RuntimeError, match="Event loop stopped before Future completed"):
        loop.run_until_complete(loop.create_future())


def test_queues_locks_and_conditions(run):
    async def main():
        queue, results = asyncio.Queue(3), []

        async def consume():
            while (item := await queue.get()) is not None:
                results.append(item)

        async with asyncio.TaskGroup() as group:
            group.create_task(consume())
            for item in (*range(20), None):
                await queue.put(item)
        return results

    assert run(main()) == list(range(20))


# Debug mode.


@pytest.fixture
def debug_loop(loop):
    loop.set_debug(True)
    return loop


def test_debug_mode_logs_slow_callbacks(debug_loop, errors):
    debug_loop.slow_callback_duration = 0

    def slow():
        pass

    debug_loop.call_soon(slow)
    debug_loop.call_soon(debug_loop.stop)
    debug_loop.run_forever()
    assert any(
        text.startswith("Executing <Handle ") and "slow" in text and text.endswith(" seconds")
        for text in errors()
    )


def test_debug_mode_names_slow_tasks(debug_loop, errors):
    async def main():
        debug_loop.slow_callback_duration = 0

    debug_loop.run_until_complete(main())
    assert any(text.startswith("Executing <Task ") for text in errors())


def test_debug_mode_is_quiet_about_quick_callbacks(debug_loop, errors):
    debug_loop.slow_callback_duration = 60
    debug_loop.run_until_complete(asyncio.sleep(0))
    assert errors() == []


def test_debug_mode_refuses_calls_from_other_threads(debug_loop):
    async def main():
        def call():
            with pytest.raises(RuntimeError, match="Non-thread-safe operation"):
                debug_loop.call_soon(print)
            with pytest.raises(RuntimeError, match="Non-thread-safe operation"):
                debug_loop.call_later(1, print)
            debug_loop.call_soon_threadsafe(int)

        await asyncio.to_thread(call)

    debug_loop.run_until_complete(main())


def test_debug_mode_refuses_coroutines(debug_loop):
    async def coroutine_function():
        pass

    for method in (debug_loop.call_soon, debug_loop.call_soon_threadsafe):
        with pytest.raises(TypeError, match="coroutines cannot be used with"):
            method(coroutine_function)
        with pytest.raises(TypeError, match="a callable object was expected"):
            method(1)
    with pytest.raises(TypeError, match=r"coroutines cannot be used with call_at\(\)"):
        debug_loop.call_later(1, coroutine_function)


def test_debug_mode_remembers_where_handles_are_made(debug_loop):
    for handle in (
        debug_loop.call_soon(int),
        debug_loop.call_soon_threadsafe(int),
        debug_loop.call_later(1, int),
        debug_loop.call_at(1, int),
    ):
        assert handle._source_traceback[-1].filename == __file__
        assert "test_debug_mode_remembers" in handle._source_traceback[-1].name
        assert f"created at {__file__}" in repr(handle)
        handle.cancel()
        assert "int()" in repr(handle) and "cancelled" in repr(handle)


def test_debug_mode_shows_where_the_failing_handle_was_made(debug_loop, errors):
    debug_loop.set_exception_handler(None)
    debug_loop.call_soon(lambda: 1 / 0)
    debug_loop.call_soon(debug_loop.stop)
    debug_loop.run_forever()
    assert any("Object created at (most recent call last)" in text for text in errors())


def test_debug_mode_tells_the_current_handle(debug_loop):
    seen = []
    handle = debug_loop.call_soon(lambda: seen.append(debug_loop._current_handle))
    debug_loop.call_soon(debug_loop.stop)
    debug_loop.run_forever()
    assert seen == [handle] and debug_loop._current_handle is None


def test_debug_mode_by_environment_and_runner(native):
    async def main():
        return asyncio.get_running_loop().get_debug()

    with asyncio.Runner(loop_factory=native.new_event_loop, debug=True) as runner:
        assert runner.run(main()) is True


def test_debug_mode_can_change_while_it_runs(loop):
    async def main():
        assert sys.get_coroutine_origin_tracking_depth() == 0
        loop.set_debug(True)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert sys.get_coroutine_origin_tracking_depth() > 0

    loop.run_until_complete(main())
    assert sys.get_coroutine_origin_tracking_depth() == 0


def test_waiting_costs_no_cpu(run):
    before = time.process_time()
    run(asyncio.sleep(0.3))
    assert time.process_time() - before < 0.15
