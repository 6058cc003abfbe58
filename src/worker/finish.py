"""The asynchronous ends of a worker."""

import asyncio
import contextlib


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
