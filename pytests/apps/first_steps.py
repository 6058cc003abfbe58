"""What a coroutine can do to its own task in its first step, and what comes of it.

/begin/NAME    answers, and then runs a scenario in its first step
/compare/NAME  what that one has noted, and what the same scenario notes in a task of asyncio's own
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import sys

from replies import respond, respond_json

variable = contextvars.ContextVar("variable", default="unset")
endings: list[str] = []


def note_ending(task: asyncio.Task) -> None:
    if task.cancelled():
        endings.append("cancelled")
    elif task.exception() is not None:
        endings.append(repr(task.exception()))
    else:
        endings.append(repr(task.result()))


async def stay_itself(seen):
    """The task that a step has seen is the one that goes on."""
    task = asyncio.current_task()
    seen += [type(task).__name__, task.done(), task.cancelling(), task.get_loop().is_running()]
    await asyncio.sleep(0)
    seen.append(asyncio.current_task() is task)
    await asyncio.sleep(0.001)
    seen.append(asyncio.current_task() is task and task in asyncio.all_tasks())


async def be_listed(seen):
    listed = asyncio.all_tasks()
    seen.append(asyncio.current_task() in listed)


async def appear_late(seen):
    await asyncio.sleep(0)
    seen.append(asyncio.current_task() in asyncio.all_tasks())


async def be_looked_into(seen):
    """What anyio, debuggers and repr() ask of a task's coroutine."""
    task = asyncio.current_task()
    for _ in range(2):
        coroutine = task.get_coro()
        seen += [inspect.getcoroutinestate(coroutine), asyncio.iscoroutine(coroutine)]
        seen += [type(coroutine.cr_frame).__name__, hasattr(coroutine, "nothing_like_it")]
        seen += [len(task.get_stack()) > 0, "running at" in repr(task)]
        await asyncio.sleep(0)


async def cancel_itself(seen):
    task = asyncio.current_task()
    task.cancel("enough")
    seen.append(task.cancelling())
    try:
        await asyncio.get_running_loop().create_future()
    except asyncio.CancelledError as cancelled:
        seen += [cancelled.args, task.uncancel()]
    await asyncio.sleep(0)
    seen.append(task.cancelling())


async def cancel_itself_and_yield(seen):
    """A bare yield is nothing that could be cancelled."""
    task = asyncio.current_task()
    task.cancel()
    try:
        await asyncio.sleep(0)
        seen.append("not cancelled")
    except asyncio.CancelledError:
        seen += ["cancelled", task.uncancel()]
    await asyncio.sleep(0)


class Stubborn(asyncio.Future):
    def cancel(self, msg=None):
        return False


async def cancel_itself_in_vain(seen):
    """A future that does not let itself be cancelled: the task hears of it when that is done."""
    task = asyncio.current_task()
    future = Stubborn()
    asyncio.get_running_loop().call_soon(future.set_result, "done")
    task.cancel()
    try:
        seen.append(await future)
    except asyncio.CancelledError:
        seen += ["cancelled", task.uncancel()]


async def cancel_itself_and_end(seen):
    asyncio.current_task().add_done_callback(note_ending)
    asyncio.current_task().cancel()


async def end_at_once(seen):
    asyncio.current_task().add_done_callback(note_ending)


async def end_later(seen):
    asyncio.current_task().add_done_callback(note_ending)
    await asyncio.sleep(0)


async def fail_at_once(seen):
    asyncio.current_task().add_done_callback(note_ending)
    raise LookupError("at once")


async def fail_later(seen):
    asyncio.current_task().add_done_callback(note_ending)
    await asyncio.sleep(0)
    raise LookupError("later")


async def cancel_then_fail(seen):
    asyncio.current_task().add_done_callback(note_ending)
    asyncio.current_task().cancel()
    raise LookupError("all the same")


async def yield_nonsense(seen):
    class Nonsense:
        def __await__(self):
            yield "nonsense"

    try:
        await Nonsense()
    except RuntimeError as error:
        seen.append("bad yield" in str(error))


async def time_out(seen):
    for delay in (0, 0.001):
        try:
            async with asyncio.timeout(delay):
                await asyncio.get_running_loop().create_future()
        except TimeoutError:
            seen.append("timeout")
    seen.append(asyncio.current_task().cancelling())


async def fail_in_a_group(seen):
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail_later([]))
            await asyncio.get_running_loop().create_future()
    except* LookupError:
        seen += ["group", asyncio.current_task().cancelling()]


async def hear_of_a_failure(seen):
    """An exception is thrown into a coroutine that goes on."""
    future = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(future.set_exception, LookupError("heard"))
    try:
        await future
    except LookupError as error:
        seen.append(str(error))
    await asyncio.sleep(0)


async def keep_its_context(seen):
    variable.set("first")
    asyncio.current_task()
    await asyncio.sleep(0)
    seen.append(variable.get())
    inner = asyncio.create_task(asyncio.sleep(0, variable.get()))
    seen.append(await inner)


async def start_an_eager_task(seen):
    """It becomes the current task for a while."""

    async def inner():
        seen.append(asyncio.current_task().get_name())

    if sys.version_info >= (3, 12):
        loop = asyncio.get_running_loop()
        task = asyncio.Task(inner(), loop=loop, name="eager", eager_start=True)
        own = asyncio.current_task()
        seen += [task.done(), own is not task, own is not None]
    else:
        seen.append("not in 3.11")


async def raise_at_once(seen):
    raise LookupError("raise_at_once")


async def raise_seen(seen):
    asyncio.current_task()
    raise LookupError("raise_seen")


async def raise_later(seen):
    await asyncio.sleep(0)
    raise LookupError("raise_later")


SCENARIOS = {
    scenario.__name__: scenario
    for scenario in (
        stay_itself,
        be_listed,
        appear_late,
        be_looked_into,
        cancel_itself,
        cancel_itself_and_yield,
        cancel_itself_in_vain,
        cancel_itself_and_end,
        end_at_once,
        end_later,
        fail_at_once,
        fail_later,
        cancel_then_fail,
        yield_nonsense,
        time_out,
        fail_in_a_group,
        hear_of_a_failure,
        keep_its_context,
        start_an_eager_task,
        raise_at_once,
        raise_seen,
        raise_later,
    )
}


class Run:
    """Of a scenario: what it has noted, and how its task has ended if it says so."""

    def __init__(self, scenario):
        self.scenario = scenario
        self.seen = []
        self.over = asyncio.Event()

    async def go(self):
        endings.clear()
        try:
            await self.scenario(self.seen)
        finally:
            self.over.set()

    async def result(self):
        await self.over.wait()
        for _ in range(5):  # whoever is told of a task's end is told in a turn after it
            await asyncio.sleep(0)
        return {"seen": self.seen, "endings": list(endings)}


runs: dict[str, Run] = {}


async def begin(name, send):
    runs[name] = Run(SCENARIOS[name])
    await respond(send, b"begun")  # which does not suspend
    await runs[name].go()


async def compare(name, send):
    own = await runs.pop(name).result()
    run = Run(SCENARIOS[name])
    await asyncio.wait([asyncio.create_task(run.go())])
    await respond_json(send, {"request": own, "task": await run.result()})


async def app(scope, receive, send):
    _, action, name = scope["path"].split("/")
    await {"begin": begin, "compare": compare}[action](name, send)
