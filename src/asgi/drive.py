"""The two things of a request that are easier said in Python."""


async def drive(awaitable):
    """Await what an application returned that is no coroutine."""
    return await awaitable


def interrupt(exception):
    """Raise KeyboardInterrupt out of the event loop."""
    raise exception
