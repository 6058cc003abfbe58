import asyncio

__all__ = ["EventLoop", "__version__", "new_event_loop"]

__version__: str

class EventLoop(asyncio.SelectorEventLoop):
    """An asyncio event loop that runs on io_uring."""

    def __init__(self) -> None: ...

def new_event_loop() -> EventLoop:
    """A new event loop, for `loop_factory=` of asyncio.run() and asyncio.Runner."""
