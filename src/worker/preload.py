"""What a template process does in Python (--preload)."""

import contextlib
import gc
import os
import signal
import sys
import threading


def begin():
    """Ctrl+C ends the process without a word: the supervisor gets it, too, and tells."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def become_worker():
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def freeze():
    """What is there stays: a collector that looked at it would write to it, and unshare it."""
    gc.collect()
    gc.freeze()


def flush():
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError, ValueError):
            stream.flush()


def threads():
    """A sentence that names the threads which will be missing in the workers; empty if none."""
    others = [one for one in threading.enumerate() if one is not threading.main_thread()]
    names = [f"'{one.name}'" for one in others]
    native = len(os.listdir("/proc/self/task")) - 1 - len(others)
    if native > 0:
        names.append(f"{native} of native code")
    if not names:
        return ""
    return (
        "Importing the application has started threads, which do not exist in the workers: "
        f"{', '.join(names)}. Start them when the application starts (lifespan)."
    )
