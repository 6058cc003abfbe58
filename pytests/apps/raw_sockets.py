"""WebSockets of the test application: what is asked by the path, how in detail by the query."""

from __future__ import annotations

import asyncio
import contextlib
import json

from observe import key_of, note, noted, query, raised
from replies import plain


async def connected(receive) -> None:
    message = await receive()
    assert message == {"type": "websocket.connect"}, message


async def accepted(receive, send, **options) -> None:
    await connected(receive)
    await send({"type": "websocket.accept", **options})


async def send_text(send, text: str) -> None:
    await send({"type": "websocket.send", "text": text})


def note_event(key: str, message) -> None:
    """The event, and its type, which a test can wait for."""
    note(key, plain(message))
    note(key, message["type"])


async def note_messages(key: str, receive) -> None:
    """Notes every message up to the disconnect, which is noted too."""
    while True:
        message = await receive()
        note_event(key, message)
        if message["type"] == "websocket.disconnect":
            return


async def tried(key: str, send, message: dict) -> None:
    """Sends, and notes what comes out of it."""
    try:
        await send(message)
    except Exception as error:
        note(key, raised(error))
        note(key, [kind.__name__ for kind in type(error).__mro__])
    else:
        note(key, "sent")


async def echo(scope, receive, send):
    await accepted(receive, send)
    while (message := await receive())["type"] == "websocket.receive":
        await send({**message, "type": "websocket.send"})
    note_event(key_of(scope), message)


async def collect(scope, receive, send):
    """Notes what it receives."""
    await accepted(receive, send)
    await note_messages(key_of(scope), receive)


async def count(scope, receive, send):
    """Sends the sizes of the messages once `go` was told, until the client leaves."""
    key = key_of(scope)
    await accepted(receive, send)
    note(key, "accepted")
    await noted(key, "go")
    received = 0
    while (message := await receive())["type"] == "websocket.receive":
        data = message.get("text") or message.get("bytes") or b""
        received += 1
        with contextlib.suppress(OSError):
            await send_text(send, str(len(data)))
    note(key, f"received {received} messages")


async def show_scope(scope, receive, send):
    await accepted(receive, send)
    await send_text(send, json.dumps(plain(scope)))
    await note_messages(key_of(scope), receive)


async def accept_with(scope, receive, send):
    """Accepts with the `subprotocol` of the query and its `header` (NAME:VALUE, twice)."""
    asked = query(scope)
    options = {}
    if "subprotocol" in asked:
        options["subprotocol"] = asked["subprotocol"]
    if "header" in asked:
        name, _, value = asked["header"].partition(":")
        options["headers"] = [(name.encode(), value.encode("latin-1"))] * 2
    await connected(receive)
    await tried(key_of(scope), send, {"type": "websocket.accept", **options})
    await note_messages(key_of(scope), receive)


async def accept_late(scope, receive, send):
    """Accepts when told to, after it has noted what receive() gives meanwhile."""
    key = key_of(scope)
    await connected(receive)
    note(key, "connected")
    waiting = asyncio.create_task(receive())
    await noted(key, "go")
    note(key, f"received before accept: {waiting.done()}")
    await send({"type": "websocket.accept"})
    note_event(key, await waiting)
    await note_messages(key, receive)


async def undecided(scope, receive, send):
    """Never answers the handshake."""
    await connected(receive)
    note(key_of(scope), "connected")
    note_event(key_of(scope), await receive())


async def deny(scope, receive, send):
    await connected(receive)
    await send({"type": "websocket.close", "code": 4000, "reason": "no"})
    note_event(key_of(scope), await receive())
    await tried(key_of(scope), send, {"type": "websocket.send", "text": "late"})


async def deny_with(scope, receive, send):
    """A denial response: `status`, `parts` (bytes of each), a `length` if it is given."""
    asked = query(scope)
    key = key_of(scope)
    await connected(receive)
    headers = [(b"x-denied", b"1")]
    if "length" in asked:
        headers.append((b"content-length", asked["length"].encode()))
    start = {"status": int(asked.get("status", 401)), "headers": headers}
    await send({"type": "websocket.http.response.start", **start})
    parts = [b"x" * int(size) for size in asked.get("parts", "4").split(",")]
    for part in parts[:-1]:
        await send({"type": "websocket.http.response.body", "body": part, "more_body": True})
    await send({"type": "websocket.http.response.body", "body": parts[-1]})
    note_event(key, await receive())
    await tried(key, send, {"type": "websocket.accept"})


async def misbehave(scope, receive, send):
    """`before` or after the accept: raise, return, or send the message of the query."""
    asked = query(scope)
    await connected(receive)
    if asked["when"] == "after":
        await send({"type": "websocket.accept"})
    what = asked["what"]
    if what == "raise":
        raise RuntimeError("raised on purpose")
    if what == "send":
        await send(json.loads(asked["message"]))


async def send_odd(scope, receive, send):
    """Tries messages that are wrong, each alone; the WebSocket goes on after them."""
    key = key_of(scope)
    await accepted(receive, send)
    for message in (
        {"type": "websocket.send"},
        {"type": "websocket.send", "text": "a", "bytes": b"a"},
        {"type": "websocket.send", "text": None, "bytes": None},
        {"type": "websocket.send", "text": b"bytes"},
        {"type": "websocket.send", "bytes": "text"},
        {"type": "websocket.send", "text": "\ud800"},
        {"type": "websocket.accept"},
        {"type": "websocket.close", "code": 1005},
        {"type": "websocket.close", "code": "1000"},
        {"text": "no type"},
        {"type": "websocket.send", "text": "fine", "bytes": None, "more": 1},
        {"type": "websocket.send", "bytes": bytearray(b"fine"), "text": None},
    ):
        await tried(key, send, message)
    await note_messages(key, receive)


class Message(dict):
    pass


async def send_alike(scope, receive, send):
    """Sends in every form that a message of two members, and one like it, can have."""
    await accepted(receive, send)
    kind = "websocket.send"
    text, data = (bytes.fromhex(digits).decode() for digits in ("74657874", "6279746573"))
    for message in (
        {"type": kind, "text": "usual"},
        {"type": kind, "bytes": b"usual"},
        {"text": "other order", "type": kind},
        {"type": "".join(kind), text: "keys that are not interned"},
        {"type": kind, data: bytearray(b"the same")},
        Message(type=kind, text="of a class of its own"),
        {"type": kind, "bytes": memoryview(b"a view")},
        {"type": kind, "text": ""},
        {"type": kind, "text": None, "bytes": b"beside None"},
    ):
        await send(message)
    await receive()


async def close(scope, receive, send):
    """Closes with `code` and `reason` of the query, then notes what there is to receive."""
    asked = query(scope)
    key = key_of(scope)
    await accepted(receive, send)
    message: dict = {"type": "websocket.close"}
    if "code" in asked:
        message["code"] = int(asked["code"])
    if "reason" in asked:
        message["reason"] = asked["reason"]
    await send(message)
    note_event(key, await receive())
    await tried(key, send, {"type": "websocket.send", "text": "late"})


async def send_late(scope, receive, send):
    """Sends after the client has left; the exception goes through, `catch` catches it."""
    key = key_of(scope)
    await accepted(receive, send)
    await note_messages(key, receive)
    await tried(key, send, {"type": "websocket.send", "text": "late"})
    note(key, "let it through")
    await send({"type": "websocket.send", "text": "late"})


async def sleep(scope, receive, send):
    """Never receives; sends one message when told to."""
    key = key_of(scope)
    await accepted(receive, send)
    note(key, "accepted")
    await noted(key, "go")
    await send_text(send, "awake")
    await note_messages(key, receive)


async def flood(scope, receive, send):
    """Sends messages of `size` bytes without end; notes when a send has to wait, and its end."""
    key = key_of(scope)
    size = int(query(scope).get("size", 10000))
    await accepted(receive, send)
    data = b"x" * size
    sent = 0
    try:
        while True:
            sending = asyncio.ensure_future(send({"type": "websocket.send", "bytes": data}))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            if not sending.done():
                note(key, "waits")
                note(key, sent)
            await sending
            sent += size
    except OSError as error:
        note(key, raised(error))
    await note_messages(key, receive)


async def ignore_disconnect(scope, receive, send):
    """Asks again and again after the disconnect."""
    await accepted(receive, send)
    while True:
        await receive()
        note(key_of(scope), "received")


async def last_words(scope, receive, send):
    """Waits for the end, then takes its time."""
    key = key_of(scope)
    await accepted(receive, send)
    note(key, "accepted")
    await note_messages(key, receive)
    await asyncio.sleep(0.05)
    print("last words", flush=True)


members: dict[str, set] = {}


async def room(scope, receive, send):
    """A broadcast: what one member says goes to all who are not busy with the one before."""
    key = key_of(scope)
    await accepted(receive, send)
    here = members.setdefault(key, set())
    member = Member(send)
    here.add(member)
    try:
        while (message := await receive())["type"] == "websocket.receive":
            if message["text"] == "count":
                busy = sum(each.busy() for each in here)
                await send_text(send, f"{len(here)} members, {busy} of them busy")
                continue
            size = int(message["text"])
            words = ("%d " % size) * (size // len("%d " % size))
            for each in here:
                each.tell(words)
    finally:
        here.discard(member)
        member.stop()


class Member:
    """Sends the newest words in a task of its own, so that a slow client delays nobody."""

    def __init__(self, send) -> None:
        self._send = send
        self._task: asyncio.Task | None = None

    def busy(self) -> bool:
        return self._task is not None and not self._task.done()

    def tell(self, words: str) -> None:
        if not self.busy():
            self._task = asyncio.create_task(self._tell(words))

    async def _tell(self, words: str) -> None:
        try:
            await send_text(self._send, words)
        except OSError:
            pass

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()


ROUTES = {
    "/ws/echo": echo,
    "/ws/collect": collect,
    "/ws/count": count,
    "/ws/scope": show_scope,
    "/ws/accept": accept_with,
    "/ws/late": accept_late,
    "/ws/undecided": undecided,
    "/ws/deny": deny,
    "/ws/deny-with": deny_with,
    "/ws/misbehave": misbehave,
    "/ws/odd": send_odd,
    "/ws/alike": send_alike,
    "/ws/close": close,
    "/ws/send-late": send_late,
    "/ws/sleep": sleep,
    "/ws/flood": flood,
    "/ws/ignore": ignore_disconnect,
    "/ws/last-words": last_words,
    "/ws/room": room,
}
