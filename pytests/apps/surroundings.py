"""What the application finds around itself: interpreter, paths, flags, streams, signals."""

from __future__ import annotations

import asyncio
import atexit
import faulthandler
import json
import logging
import os
import signal
import sys
import threading
import warnings

from observe import query
from replies import respond, respond_json

warnings.warn("a warning at import", UserWarning, stacklevel=1)
print("app: printed at import")
_import_thread = threading.current_thread()


def say(text: str) -> None:
    print("app:", text, file=sys.stderr, flush=True)


def flags() -> dict:
    return {
        name: getattr(sys.flags, name)
        for name in dir(sys.flags)
        if not name.startswith(("_", "n_")) and name not in ("count", "index")
    }


def find_module(name: str) -> bool:
    import importlib.util

    return importlib.util.find_spec(name) is not None


async def show(scope, receive, send):
    await respond_json(
        send,
        {
            "argv": sys.argv,
            "orig_argv": sys.orig_argv,
            "executable": sys.executable,
            "prefix": sys.prefix,
            "base_prefix": sys.base_prefix,
            "exec_prefix": sys.exec_prefix,
            "path": sys.path,
            "flags": flags(),
            "warnoptions": sys.warnoptions,
            "dont_write_bytecode": sys.dont_write_bytecode,
            "hash": hash("ringhorn"),
            "faulthandler": faulthandler.is_enabled(),
            "loop_debug": asyncio.get_running_loop().get_debug(),
            "main_thread": threading.current_thread() is threading.main_thread(),
            "import_thread": _import_thread is threading.main_thread(),
            "version": list(sys.version_info[:3]),
            "stdout_encoding": sys.stdout.encoding,
            "stderr_errors": sys.stderr.errors,
            "filesystem_encoding": sys.getfilesystemencoding(),
            "cwd": os.getcwd(),
            "main": sys.modules["__main__"].__name__,
            "asserts": __debug__,
            "excepthook": sys.excepthook is sys.__excepthook__,
            "sigint": repr(signal.getsignal(signal.SIGINT)),
            "implementation": sys.implementation.name,
        },
    )


async def find(scope, receive, send):
    await respond_json(send, find_module(query(scope)["module"]))


async def output(scope, receive, send):
    """Prints without a flush, warns, logs."""
    print("app: a print without flush")
    warnings.warn("a warning in a request", UserWarning, stacklevel=1)
    logging.getLogger("app").warning("app: logged")
    await respond(send, b"said")


async def crash(scope, receive, send):
    faulthandler._sigsegv()


async def thread_error(scope, receive, send):
    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start()
    await asyncio.to_thread(thread.join)
    await respond(send, b"joined")


async def task_error(scope, receive, send):
    """A task of its own that fails with nobody to ask it."""

    async def fail():
        raise LookupError("nobody asks me")

    task = asyncio.ensure_future(fail())
    await asyncio.wait({task})
    del task
    await respond(send, b"failed")


ROUTES = {
    "/find": find,
    "/output": output,
    "/crash": crash,
    "/thread-error": thread_error,
    "/task-error": task_error,
}


async def lifespan(receive, send):
    await receive()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, say, "SIGUSR1")
    atexit.register(say, "atexit")
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
    else:
        await ROUTES.get(scope["path"], show)(scope, receive, send)


if __name__ == "__main__":
    # Run by the tests under plain `python`, to compare.
    print(json.dumps({"flags": flags(), "hash": hash("ringhorn"), "warnoptions": sys.warnoptions}))
