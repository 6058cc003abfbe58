"""What the test applications saw, kept by the `id` of a request's query, and waited for in tests.

`note` records; `/seen`, `/await` and `/tell` of apps/raw.py give it to the test and let the test
speak to an application that is in the middle of a request. Nothing here sleeps.
"""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs

_notes: dict[str, list] = {}
_waiters: set[asyncio.Event] = set()


def query(scope) -> dict[str, str]:
    """The query's last value per name."""
    parsed = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    return {name: values[-1] for name, values in parsed.items()}


def key_of(scope) -> str:
    return query(scope).get("id", "")


def note(key: str, what) -> None:
    _notes.setdefault(key, []).append(what)
    for waiter in _waiters:
        waiter.set()


def notes(key: str) -> list:
    return _notes.get(key, [])


async def noted(key: str, what, times: int = 1, timeout: float = 20) -> bool:
    """Waits until `what` was noted `times` times; False when that did not happen."""
    waiter = asyncio.Event()
    _waiters.add(waiter)
    try:
        async with asyncio.timeout(timeout):
            while notes(key).count(what) < times:
                waiter.clear()
                await waiter.wait()
    except TimeoutError:
        return False
    finally:
        _waiters.discard(waiter)
    return True


def raised(error: BaseException) -> str:
    """How the notes tell of an exception."""
    kind = "OSError" if isinstance(error, OSError) else type(error).__name__
    return f"raised {kind}: {error}"


class Noting:
    """send() that notes what it raised and raises it again."""

    def __init__(self, scope, send) -> None:
        self._key = key_of(scope)
        self._send = send

    async def __call__(self, message) -> None:
        try:
            await self._send(message)
        except BaseException as error:
            note(self._key, raised(error))
            note(self._key, [kind.__name__ for kind in type(error).__mro__])
            raise
