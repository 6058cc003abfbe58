"""What is done to a server: one coroutine per kind of fault, over a World that is under load."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from proof import clock
from proof.load import Mix
from proof.world import World, await_gone
from support.patience import seconds


@dataclass(frozen=True)
class Pace:
    """`times` faults, one each `interval` seconds; `import_seconds` of a slow import."""

    mix: Mix
    times: int
    interval: float
    import_seconds: float
    block_seconds: float
    health_check: float

    @property
    def span(self) -> float:
        return self.times * self.interval

    @property
    def few(self) -> int:
        """For faults that take long by themselves."""
        return max(1, self.times // 5)


Run = Callable[[World, Pace], Awaitable[None]]

CROWD = 300  # of idle connections


async def end(world: World) -> None:
    """The end of cells that are about something else: a TERM after the load."""
    await world.terminate()


# Reload.


async def nothing(world: World, pace: Pace) -> None:
    async with world.under(pace.mix):
        await world.wait(pace.span)
    await end(world)


async def hup(world: World, pace: Pace) -> None:
    async with world.under(pace.mix):
        for _ in range(pace.times):
            world.reload()
            await world.wait(pace.interval)
        await world.settle(10 + 2 * pace.import_seconds)
    await end(world)


async def hup_many(world: World, pace: Pace) -> None:
    """They coalesce: one round of replacements for both, or two, and the newest code in the end."""
    async with world.under(pace.mix):
        for _ in range(pace.few):
            for _ in range(5):
                world.reload()
            await world.settle(15)
    await end(world)


async def hup_broken(world: World, pace: Pace) -> None:
    """New code that does not start: the old workers stay; the next reload mends it."""
    async with world.under(pace.mix):
        for _ in range(pace.few):
            before = {boot.pid for boot in world.workers()}
            world.write_generation("broken")
            world.send_signal(signal.SIGHUP)
            await world.wait(pace.interval)
            if {boot.pid for boot in world.workers()} != before:
                world.remark("the old workers did not stay when the new code failed")
            world.reload()
            await world.settle(15)
    await end(world)


async def workers_churn(world: World, pace: Pace) -> None:
    """One more, one less."""
    async with world.under(pace.mix):
        for number in range(pace.times):
            world.send_signal((signal.SIGTTIN, signal.SIGTTOU)[number % 2])
            await world.wait(pace.interval / 2)
        if pace.times % 2:
            world.send_signal(signal.SIGTTOU)
        await world.settle(15)
    await end(world)


async def new_binary(world: World, pace: Pace) -> None:
    """USR2 twice: the first time the new one is sent away again, the second time the old one."""
    async with world.under(pace.mix):
        for stays in ("old", "new"):
            generation = world.notes.asked
            world.reload(signal.SIGUSR2)
            await world.await_generation(world.notes.asked, 15)
            successor = world.successor(world.notes.asked)
            await world.wait(pace.interval)
            if stays == "old":
                os.kill(successor, signal.SIGTERM)
                await world.await_gone(successor, 15)
                world.write_generation(str(generation))
            else:
                await world.hand_over(successor, 40)
            await world.wait(pace.interval)
    await end(world)


# Recycling.


async def recycle(world: World, pace: Pace) -> None:
    """The limit is reached by the load itself."""
    begun = {boot.pid for boot in world.workers()}
    async with world.under(pace.mix):
        await world.wait(pace.span)
        if await world.load.until(
            lambda: not {boot.pid for boot in world.workers()} & begun, seconds(15)
        ) is None:
            world.remark("a worker of the beginning has not been recycled")
    await end(world)


async def recycle_leaking(world: World, pace: Pace) -> None:
    """Each request leaks; the limit of memory is reached again and again."""
    async with world.under(pace.mix):
        for _ in range(pace.few):
            before = {boot.pid for boot in world.workers()}
            for _ in range(100):
                await world.request("leak", mib=16)
                if before - {boot.pid for boot in world.workers()}:
                    break
                await asyncio.sleep(0.05)
            else:
                world.remark("1.6 GB leaked and no worker recycled")
    await end(world)


# Death.


def worker_signal(number: int) -> Run:
    async def run(world: World, pace: Pace) -> None:
        async with world.under(pace.mix):
            for _ in range(pace.times):
                await world.end_worker(number)
                await world.wait(pace.interval)
            await world.settle(15)
        await end(world)

    return run


async def worker_leaves(world: World, pace: Pace) -> None:
    """os._exit in a request, with status 0 and with another."""
    async with world.under(pace.mix):
        for number in range(max(2, pace.few)):
            before = {boot.pid for boot in world.workers()}
            asked = asyncio.create_task(world.request("leave", status=number % 2))
            victim = await gone_of(before, limit=10)
            if victim is None:
                return world.remark("no worker has left")
            await world.mourn(victim, before, limit=5)
            await asked
            await world.wait(pace.interval / 2)
        await world.settle(15)
    await end(world)


async def gone_of(pids: set[int], limit: float) -> int | None:
    """The first of these processes that ends."""
    tasks = {asyncio.create_task(await_gone(pid, seconds(limit))): pid for pid in pids}
    done, waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    return next((tasks[task] for task in done if task.result()), None)


async def worker_stopped(world: World, pace: Pace) -> None:
    """SIGSTOP: the health check finds it, kills it, and another takes its place."""
    async with world.under(pace.mix):
        for _ in range(max(1, pace.times // 10)):
            await world.end_worker(signal.SIGSTOP, limit=pace.health_check + 10)
        await world.settle(15)
    await end(world)


def worker_hangs(path: str) -> Run:
    """The loop, or the whole interpreter, stands still for a minute in a request."""

    async def run(world: World, pace: Pace) -> None:
        async with world.under(pace.mix):
            for _ in range(max(1, pace.times // 10)):
                before = {boot.pid for boot in world.workers()}
                asked = asyncio.create_task(world.request(path, seconds=pace.block_seconds))
                victim = await gone_of(before, limit=pace.health_check + 10)
                if victim is None:
                    return world.remark("the worker that hangs is still there")
                await world.mourn(victim, before, limit=5)
                await asked
            await world.settle(15)
        await end(world)

    return run


async def supervisor_killed(world: World, pace: Pace) -> None:
    """The workers drain and go, and the port is free."""
    async with world.under(pace.mix) as under_load:
        await world.wait(pace.interval / 2)
        world.begin_leaving(signal.SIGKILL)
        taken = await under_load.until(
            lambda: not world.survivors() and world.port_is_free(), seconds(10)
        )
        world.notes.seconds_to_exit = taken
        if taken is None:
            world.notes.orphans = world.survivors()
            free = world.port_is_free()
            world.remark(f"not gone within 10 s; the port is {'free' if free else 'held'}")


# Surroundings.


async def without_descriptors(world: World, pace: Pace) -> None:
    """More idle connections than the workers may hold; then they leave."""
    async with world.under(pace.mix):
        crowd = [world.idle_connection() for _ in range(CROWD)]
        await world.wait(pace.interval)
        for connection in crowd:
            connection.close()
        await world.wait(pace.interval)
    await end(world)


async def clock_jumps(world: World, pace: Pace) -> None:
    """A day forth, a day back, with a reload after each."""
    async with world.under(pace.mix):
        for number in range(max(2, pace.few)):
            world.set_clock((clock.DAY, -clock.DAY, 0)[number % 3])
            await world.wait(pace.interval)
            world.reload()
            await world.wait(pace.interval)
        await world.settle(15)
    await end(world)


async def reload_and_kill(world: World, pace: Pace) -> None:
    """What makes a server talk, while nobody can hear it."""
    async with world.under(pace.mix):
        for _ in range(pace.few):
            world.reload()
            await world.settle(15)
            await world.end_worker(signal.SIGKILL)
            await world.wait(pace.interval)
        await world.settle(15)
    await end(world)


# The end.


async def term(world: World, pace: Pace) -> None:
    """A hundred requests in flight, and the load goes on for as long as somebody answers."""
    crowd = replace(pace.mix, slow=pace.mix.slow + 60, streams=pace.mix.streams + 40)
    async with world.under(crowd, warm_up=1.0) as under_load:
        world.begin_leaving()
        await under_load.book.pause(1.0)
    await world.await_exit(15)


async def term_overtakes_reload(world: World, pace: Pace) -> None:
    async with world.under(pace.mix) as under_load:
        world.reload()
        await world.wait(pace.import_seconds / 4)
        world.begin_leaving()
        await under_load.book.pause(1.0)
    await world.await_exit(15)


