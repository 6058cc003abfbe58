"""Threads, processes, files and cancellation."""

from __future__ import annotations

import asyncio
import os
import tempfile
import threading

import anyio
import anyio.from_thread
import anyio.to_thread
import watchfiles

BLOB = bytes(range(256)) * 4096


async def use_subprocesses(scope):
    async def through_cat(data):
        process = await asyncio.create_subprocess_exec(
            "cat", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        output, _ = await process.communicate(data)
        return output == data and process.returncode == 0

    same = await asyncio.gather(*(through_cat(BLOB) for _ in range(4)))
    shell = await asyncio.create_subprocess_shell(
        "read line; echo \"$line\" >&2; exit 7",
        stdin=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    shell.stdin.write(b"a line\n")
    line = await shell.stderr.readline()
    sleeper = await asyncio.create_subprocess_exec("sleep", "600")
    sleeper.kill()
    with anyio.move_on_after(0.01):
        await anyio.run_process(["sleep", "600"])
    done = await anyio.run_process(["cat"], input=b"through anyio")
    return {
        "same": same,
        "line": line.decode(),
        "statuses": [await shell.wait(), await sleeper.wait()],
        "anyio": done.stdout.decode(),
    }


async def use_threads(scope):
    """Many calls in threads; the loop goes on meanwhile, and hears of each."""
    loop = asyncio.get_running_loop()
    turns = told = 0
    busy = True

    async def go_round():
        nonlocal turns
        while busy:
            turns += 1
            await asyncio.sleep(0)

    def tell():
        nonlocal told
        told += 1

    def work(number):
        loop.call_soon_threadsafe(tell)
        return number + (threading.get_ident() == loop_thread)

    loop_thread = threading.get_ident()
    round_task = asyncio.create_task(go_round())
    sums = sum(await asyncio.gather(*(asyncio.to_thread(work, n) for n in range(500))))
    back = await anyio.to_thread.run_sync(lambda: anyio.from_thread.run(asyncio.sleep, 0, "back"))
    busy = False
    await round_task
    return {"sum": sums, "told": told, "went_on": turns > 1, "back": back}


async def watch_files(scope):
    with tempfile.TemporaryDirectory() as folder:
        stop = asyncio.Event()

        async def write():
            # Again and again: nobody says from when on it watches.
            while not stop.is_set():
                with open(os.path.join(folder, "file"), "a") as file:
                    file.write("more")
                await asyncio.sleep(0.02)

        task = asyncio.create_task(write())
        try:
            async for changes in watchfiles.awatch(folder, step=10, debounce=100, stop_event=stop):
                names = {os.path.basename(path) for _, path in changes}
                break
        finally:
            stop.set()
            await task
    return {"names": sorted(names)}


async def cancel(scope):
    """Scopes of anyio, tasks of asyncio, one in the other."""
    seen = []

    async def wait_for_ever(name):
        try:
            await anyio.sleep_forever()
        except asyncio.CancelledError:
            seen.append(name)
            raise

    with anyio.move_on_after(0.01) as limited:
        async with anyio.create_task_group() as group:
            group.start_soon(wait_for_ever, "child")
            await wait_for_ever("host")
    with anyio.CancelScope() as outer:
        outer.cancel()
        with anyio.CancelScope(shield=True):
            await asyncio.sleep(0)
            seen.append("shielded")
        await asyncio.sleep(0)
        seen.append("not reached")
    task = asyncio.create_task(wait_for_ever("task"))
    await asyncio.sleep(0)
    task.cancel("over")
    message = None
    try:
        await task
    except asyncio.CancelledError as error:
        message = str(error)
    current = asyncio.current_task()
    return {
        "seen": sorted(seen),
        "limited": limited.cancelled_caught,
        "outer": outer.cancelled_caught,
        "message": message,
        "left_over": current.cancelling(),
    }


ENDPOINTS = {
    "subprocesses": use_subprocesses,
    "threads": use_threads,
    "watchfiles": watch_files,
    "cancel": cancel,
}
