"""Ringhorn, a native ASGI server: `ringhorn main:app`, or `python -m ringhorn main:app`.

Its event loop can be had alone:

    asyncio.run(main(), loop_factory=ringhorn.new_event_loop)     # CPython 3.12 and newer
    with asyncio.Runner(loop_factory=ringhorn.new_event_loop) as runner:
        runner.run(main())

All of it is native: the names here are those of the module `_ringhorn`. It is imported when one of
them is asked for, so that importing this package costs nothing.
"""

__all__ = ["EventLoop", "__version__", "new_event_loop"]


def __getattr__(name):
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import _ringhorn

    value = globals()[name] = getattr(_ringhorn, name)
    return value


def __dir__():
    return sorted({*globals(), *__all__})
