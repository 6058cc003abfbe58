"""No application: when it is imported, the program runs the tests of the event loop in itself."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import pytest


def forget_the_server() -> None:
    """The tests want a thread without a loop, and signals as in a fresh interpreter."""
    asyncio._set_running_loop(None)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


forget_the_server()
arguments = ["-q", "-p", "no:cacheprovider", "-o", "addopts=", os.environ["RINGHORN_LOOP_TESTS"]]
status = pytest.main(arguments)
sys.stdout.flush()
os._exit(int(status))
