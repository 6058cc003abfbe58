"""Applications that start processes in every way that Python knows. All of them compute 42."""

from __future__ import annotations

import asyncio
import concurrent.futures
import ctypes
import json
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

from replies import respond, respond_json

PROGRAM = [sys.executable, "-c", "print(6 * 7, end='')"]


def answer() -> int:
    return 6 * 7


def put_answer(pipe) -> None:
    pipe.send(answer())
    pipe.close()


def of_process(method: str) -> bytes:
    context = multiprocessing.get_context(method)
    mine, theirs = context.Pipe()
    child = context.Process(target=put_answer, args=(theirs,))
    child.start()
    theirs.close()
    result = mine.recv()
    child.join()
    return str(result).encode()


def of_fork() -> bytes:
    """os.fork without exec; the child leaves without a look at the server that it was."""
    readable, writable = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(writable, str(answer()).encode())
        os._exit(0)
    os.close(writable)
    with os.fdopen(readable, "rb") as pipe:
        result = pipe.read()
    os.waitpid(pid, 0)
    return result


def numbers(generations: int) -> list[list[int]]:
    """This process by its own number and by the kernel's; then a forked child, and its child."""
    own = [os.getpid(), int(os.readlink("/proc/self"))]
    if generations == 1:
        return [own]
    readable, writable = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(writable, json.dumps(numbers(generations - 1)).encode())
        os._exit(0)
    os.close(writable)
    with os.fdopen(readable, "rb") as pipe:
        descendants = json.loads(pipe.read())
    os.waitpid(pid, 0)
    return [own, *descendants, [os.getpid(), int(os.readlink("/proc/self"))]]


def program_has(function: str) -> bool:
    """Whether it is the program that has a function, and not the C library."""
    address = ctypes.cast(getattr(ctypes.CDLL(None), function), ctypes.c_void_p).value
    for line in Path("/proc/self/maps").read_text().splitlines():
        first, _, end = line.partition(" ")[0].partition("-")
        if int(first, 16) <= address < int(end, 16):
            return line.split()[-1] == os.path.realpath("/proc/self/exe")
    return False


async def of_asyncio() -> bytes:
    process = await asyncio.create_subprocess_exec(*PROGRAM, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    assert process.returncode == 0
    return out


async def of_shell() -> bytes:
    process = await asyncio.create_subprocess_shell(
        "cat", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate(b"42")
    return out


def of_popen() -> bytes:
    with subprocess.Popen(PROGRAM, stdout=subprocess.PIPE) as process:
        return process.stdout.read()


async def of_pool() -> bytes:
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        loop = asyncio.get_running_loop()
        return str(await loop.run_in_executor(pool, answer)).encode()


WAYS = {
    "/run": lambda: asyncio.to_thread(subprocess.check_output, PROGRAM),
    "/popen": lambda: asyncio.to_thread(of_popen),
    "/asyncio": of_asyncio,
    "/shell": of_shell,
    "/multiprocessing-fork": lambda: asyncio.to_thread(of_process, "fork"),
    "/multiprocessing-spawn": lambda: asyncio.to_thread(of_process, "spawn"),
    "/fork": lambda: asyncio.to_thread(of_fork),
    "/pool": of_pool,
}


async def app(scope, receive, send):
    if scope["type"] != "http":
        raise RuntimeError("no lifespan")
    if scope["path"] == "/descriptors":
        listing = await asyncio.to_thread(
            subprocess.check_output,
            [sys.executable, "-c", LIST],
            close_fds=False,
        )
        await respond_json(send, listing.decode().split())
    elif scope["path"] == "/numbers":
        await respond_json(send, [program_has("getpid"), *numbers(3)])
    elif way := WAYS.get(scope["path"]):
        await respond(send, await way())
    else:
        await respond(send, b"plain")


LIST = """
import os
for number in sorted(os.listdir("/proc/self/fd"), key=int):
    try:
        os.fstat(int(number))
        print(number)
    except OSError:
        pass  # the descriptor of the listing itself
"""
