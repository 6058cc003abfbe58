"""The event loop that `--loop` names, when it is not the native one."""

import asyncio
import importlib
import sys


class LoopFailure(Exception):
    """One sentence for the user."""


def make_loop(choice):
    loop = find_factory(choice)()
    if not isinstance(loop, asyncio.AbstractEventLoop):
        raise LoopFailure(
            f"--loop {choice} gives {loop!r}, which is not an asyncio event loop: name a function "
            "or a class that returns one"
        )
    return loop


def find_factory(choice):
    if choice == "none":
        return asyncio.new_event_loop
    if choice == "asyncio":
        return asyncio.SelectorEventLoop
    if choice == "uvloop":
        return import_module("uvloop", choice).new_event_loop
    module_name, _, path = choice.partition(":")
    found = import_module(module_name, choice)
    for name in path.split("."):
        found = getattr(found, name, None)
    if not callable(found):
        raise LoopFailure(f"--loop {choice} is not there: {module_name} has no function '{path}'")
    return found


def import_module(name, choice):
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        # A failing import inside that module is a traceback of the user's.
        if error.name is None or not (name == error.name or name.startswith(error.name + ".")):
            raise
    raise LoopFailure(
        f"--loop {choice} needs the module '{name}', which is not installed for {sys.executable}: "
        "install it, or leave --loop out for Ringhorn's own loop"
    )
