"""The asynchronous parts of a worker's life."""

import asyncio
import contextlib
from asyncio import base_events


def start_root(loop):
    """The task that stands for the server, as `run_until_complete(serve())` would make one.

    anyio looks for it, by the callback that run_until_complete() adds, and lets its worker threads
    live as long: without it they would live as long as the request that first needed them.
    """
    root = loop.create_task(stay(), name="ringhorn")
    root.add_done_callback(base_events._run_until_complete_cb)
    root._log_destroy_pending = False  # a second Ctrl+C leaves it behind
    return root


async def stay():
    """Until cancelled, by finish() or by an application that cancels whatever it finds."""
    try:
        await asyncio.get_running_loop().create_future()
    finally:
        # It would stop the loop.
        asyncio.current_task().remove_done_callback(base_events._run_until_complete_cb)


async def bounded(coroutine, seconds):
    """What `coroutine` returns; None when it has not ended after `seconds` (None: no limit)."""
    with contextlib.suppress(asyncio.TimeoutError):
        return await asyncio.wait_for(coroutine, seconds)
    return None


async def finish(seconds):
    """Cancel the tasks that are left, give them `seconds` to end, close what asyncio keeps."""
    loop = asyncio.get_running_loop()
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    if left:
        ended, _ = await asyncio.wait(left, timeout=seconds)
        for task in ended:
            report(loop, task)
    await loop.shutdown_asyncgens()
    await loop.shutdown_default_executor()


def report(loop, task):
    if not task.cancelled() and task.exception() is not None:
        loop.call_exception_handler(
            {
                "message": "unhandled exception while the server stopped",
                "exception": task.exception(),
                "task": task,
            }
        )
