"""Every way in which a worker stands still, by path."""

import ctypes
import os
import signal
import threading
import time

from replies import respond

_ever = threading.Event()


def hold_gil() -> None:
    """As an extension that forgets to let go of it."""
    ctypes.PyDLL(None).sleep(600)


def blocks() -> None:
    _ever.wait()


def spins() -> None:
    while time.monotonic():
        pass


def holds() -> None:
    hold_gil()


def another_holds() -> None:
    """Once the loop waits again."""
    threading.Timer(0.2, hold_gil).start()


def crashes() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def stops() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


async def app(scope, receive, send):
    if scope["type"] == "http":
        hang = globals().get(scope["path"][1:])
        if hang:
            hang()
        await respond(send, b"%d" % os.getpid())
