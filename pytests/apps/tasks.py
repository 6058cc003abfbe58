"""What a request's task is like: the application reports on the task that it runs in.

/task     the task as asyncio sees it, before and after the first suspension
/context  what context variables do over the suspensions of one request
/timeout  a timeout, a task group and wait_for, entered in the first step
/order    what runs between the first step and the next
/registry where asyncio notes its tasks: while some end, while somebody iterates, and afterwards
/leave    raises SystemExit in the first step; /leave-later after a suspension, /leave-thread in a
          thread, /leave-inner in a task of its own
"""

from __future__ import annotations

import asyncio
import contextvars
import gc
import sys
import weakref

from replies import respond, respond_json

_since_3_12 = sys.version_info >= (3, 12)

seen_by = contextvars.ContextVar("seen_by", default="nobody")


def facts(send) -> dict:
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    return {
        "type": f"{type(task).__module__}.{type(task).__qualname__}",
        "exact": type(task) is asyncio.Task,
        "loop": task.get_loop() is loop,
        "loop_type": type(loop).__name__,
        "running": loop.is_running(),
        "known": task in asyncio.all_tasks(),
        "named": task.get_name(),
        "coroutine": asyncio.iscoroutine(task.get_coro()),
        "weak": weakref.ref(task)() is task,
        "cancelling": task.cancelling(),
        "factory": loop.get_task_factory() is None,
    }


async def task(scope, receive, send):
    before = facts(send)
    first = asyncio.current_task()
    await asyncio.sleep(0)
    await respond_json(send, [before, facts(send), first is asyncio.current_task()])


async def context(scope, receive, send):
    seen = [seen_by.get()]
    seen_by.set("this request")
    await asyncio.sleep(0)
    seen.append(seen_by.get())
    await asyncio.create_task(asyncio.sleep(0))
    seen.append(seen_by.get())
    seen.append(asyncio.current_task().get_context()[seen_by] if _has_get_context() else seen[-1])
    await respond_json(send, seen)


def _has_get_context() -> bool:
    return hasattr(asyncio.Task, "get_context")


async def timeout(scope, receive, send):
    seen = []
    try:
        async with asyncio.timeout(0.001):
            await asyncio.Event().wait()
    except TimeoutError:
        seen.append("timeout")
    try:
        await asyncio.wait_for(asyncio.Event().wait(), 0.001)
    except TimeoutError:
        seen.append("wait_for")
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.sleep(0)).add_done_callback(lambda _: seen.append("group"))
    await respond_json(send, seen)


async def order(scope, receive, send):
    """The step runs at once, yet never inside another task: that one goes on where it was."""
    seen = ["first step"]
    asyncio.get_running_loop().call_soon(seen.append, "callback")
    inner = asyncio.create_task(note_step(seen))
    seen.append("still first step")
    await inner
    await respond_json(send, seen)


async def note_step(seen):
    seen.append("inner task")


async def registry(scope, receive, send):
    noted = asyncio.tasks._scheduled_tasks if _since_3_12 else asyncio.tasks._all_tasks
    await asyncio.sleep(0)  # from here on this request's own task is among them
    gc.collect()
    seen = {"native": type(noted.add) is type(len), "before": len(noted)}
    walk = iter(noted)
    next(walk)  # it keeps a task alive that was there before
    held = {asyncio.create_task(asyncio.sleep(0)) for _ in range(5)}
    seen["known"] = held <= asyncio.all_tasks()
    await asyncio.wait(held)
    held.clear()
    await asyncio.sleep(0)
    seen["held back"] = len(noted._pending_removals)  # somebody iterates
    another = asyncio.create_task(asyncio.sleep(0))
    seen["taken out"] = len(noted.data) - seen["before"]
    seen["added"] = another in asyncio.all_tasks()
    walk.close()
    await another
    del another
    await asyncio.sleep(0)
    gc.collect()
    seen["after"] = len(noted)
    await respond_json(send, seen)


async def leave(scope, receive, send):
    raise SystemExit(5)


async def leave_later(scope, receive, send):
    await asyncio.sleep(0)
    raise SystemExit(5)


async def leave_thread(scope, receive, send):
    await asyncio.to_thread(sys.exit, 5)


async def leave_inner(scope, receive, send):
    await asyncio.create_task(leave(scope, receive, send))


async def collections(scope, receive, send):
    await respond_json(send, [generation["collections"] for generation in gc.get_stats()])


async def debug(scope, receive, send):
    asyncio.get_running_loop().set_debug(scope["query_string"] == b"on")
    await respond(send, b"set")


ROUTES = {
    "/task": task,
    "/context": context,
    "/timeout": timeout,
    "/order": order,
    "/registry": registry,
    "/leave": leave,
    "/leave-later": leave_later,
    "/leave-thread": leave_thread,
    "/leave-inner": leave_inner,
    "/collections": collections,
    "/debug": debug,
}


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        raise RuntimeError("apps/tasks.py has no lifespan")
    await ROUTES[scope["path"]](scope, receive, send)
