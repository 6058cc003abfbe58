"""The proof's own client sees each kind of loss: small servers that do wrong, one way each.

Without these a proof of "nothing lost" would be worth nothing.
"""

import asyncio
import base64
import hashlib
import socket
import struct
import time

import pytest
from proof import lanes, websocket
from proof.attempt import Attempt, Death, Outcome, Seen, died_with, judge
from proof.lanes import Book, HttpLane, ask, digest
from proof.trace import Trace
from proof.websocket import WebSocketLane
from support.patience import seconds
from support.ports import free_port

PID = 4242


class Scripted:
    """A server whose connections each run `script`; REQUIRES: used within one event loop."""

    def __init__(self, script, folder) -> None:
        self._script = script
        self._path = folder / "trace"
        self._path.touch()
        self.connections = 0

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()

    async def _serve(self, reader, writer):
        self.connections += 1
        peer = Peer(self, reader, writer, self.connections)
        try:
            await self._script(peer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def execute(self, identity: str) -> None:
        with self._path.open("a") as file:
            file.write(f"S {identity} {PID} 1\nE {identity} {PID} 1\n")

    @property
    def trace(self) -> Trace:
        trace = Trace(self._path)
        trace.refresh()
        return trace


class Peer:
    """What scripts are written in. `number`: of the connection, from 1 on."""

    def __init__(self, server, reader, writer, number) -> None:
        self.server, self.reader, self.writer, self.number = server, reader, writer, number

    async def head(self, execute: int = 1) -> str:
        """Reads a request and executes it so many times; its id."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        identity = head.partition("id=")[2].partition(" ")[0].partition("&")[0]
        for _ in range(execute):
            self.server.execute(identity)
        return identity

    async def answer(
        self, identity, body=None, status=200, length=None, fields=b"", behind=b"", name=None
    ):
        body = digest(identity) if body is None else body
        self.writer.write(
            b"HTTP/1.1 %d OK\r\nx-id: %s\r\nx-pid: %d\r\nx-generation: 1\r\n"
            b"content-length: %d\r\n%s\r\n%s%s"
            % (status, (name or identity).encode(), PID, length or len(body), fields, body, behind)
        )
        await self.writer.drain()

    def reset(self) -> None:
        linger = struct.pack("ii", 1, 0)
        self.writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, linger
        )
        self.writer.transport.abort()

    async def handshake(self) -> None:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        key = head.lower().partition("sec-websocket-key: ")[2].partition("\r\n")[0]
        start = head.lower().index("sec-websocket-key: ") + len("sec-websocket-key: ")
        key = head[start : start + len(key)].encode()
        accept = base64.b64encode(hashlib.sha1(key + websocket._GUID).digest())
        self.writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
            b"sec-websocket-accept: " + accept + b"\r\n\r\n"
        )

    async def message(self, execute: bool = True) -> tuple[int, str]:
        """The next frame of the client: its opcode, and the id of a message."""
        first, size = await self.reader.readexactly(2)
        mask = await self.reader.readexactly(4)
        masked = await self.reader.readexactly(size & 0x7F)
        text = bytes(byte ^ mask[at % 4] for at, byte in enumerate(masked))
        if first & 0x0F == websocket.CLOSE:
            return websocket.CLOSE, ""
        identity = text.decode().split()[0]
        if execute:
            self.server.execute(identity)
        return first & 0x0F, identity

    def frame(self, opcode: int, payload: bytes) -> None:
        if len(payload) < 126:
            self.writer.write(bytes([0x80 | opcode, len(payload)]) + payload)
        else:
            self.writer.write(struct.pack(">BBH", 0x80 | opcode, 126, len(payload)) + payload)

    def reply(self, identity: str) -> None:
        text = f"{identity} {digest(identity).decode()} {PID} 1"
        self.frame(websocket.TEXT, text.encode())


# HTTP: each script, what becomes of the second request on its connection, and why.


async def well(peer):
    while True:
        await peer.answer(await peer.head())


async def busy(peer):
    await peer.answer(await peer.head(execute=0), status=503, fields=b"connection: close\r\n")


async def busy_after_work(peer):
    await peer.answer(await peer.head(), status=503, fields=b"connection: close\r\n")


async def closes_unread(peer):
    pass


async def closes_unanswered(peer):
    await peer.head(execute=0)


async def executes_and_closes(peer):
    await peer.head()


async def resets(peer):
    await peer.head(execute=0)
    peer.reset()


async def truncates(peer):
    await peer.answer(await peer.head(), length=100)


async def truncates_by_reset(peer):
    await peer.answer(await peer.head(), length=100)
    peer.reset()


async def truncates_chunks(peer):
    await peer.head()
    peer.writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n")


async def wrong_body(peer):
    await peer.answer(await peer.head(), body=b"x" * 64)


async def wrong_id(peer):
    await peer.answer(await peer.head(), name="another")


async def wrong_status(peer):
    await peer.answer(await peer.head(), status=500)


async def answers_twice(peer):
    identity = await peer.head()
    await peer.answer(identity, fields=b"connection: close\r\n", behind=b"HTTP/1.1 200 OK\r\n\r\n")


async def executes_twice(peer):
    await peer.answer(await peer.head(execute=2))


async def answers_without_work(peer):
    await peer.answer(await peer.head(execute=0))


async def says_nothing(peer):
    await peer.head()
    await peer.reader.read()


async def speaks_nonsense(peer):
    await peer.head()
    peer.writer.write(b"SSH-2.0-OpenSSH\r\n\r\n")


FIRST_REQUEST = [
    (well, Outcome.ANSWERED, ""),
    (busy, Outcome.REFUSED, ""),
    (busy_after_work, Outcome.LOST, "executed, then refused"),
    (closes_unread, Outcome.LOST, "on a new connection; never reached the application"),
    (closes_unanswered, Outcome.LOST, "eof on a new connection; never reached the application"),
    (executes_and_closes, Outcome.LOST, "eof on a new connection; executed"),
    (resets, Outcome.LOST, "reset on a new connection; never reached the application"),
    (truncates, Outcome.LOST, "truncated by eof; executed"),
    (truncates_by_reset, Outcome.LOST, "truncated by reset; executed"),
    (truncates_chunks, Outcome.LOST, "truncated by eof; executed"),
    (wrong_body, Outcome.LOST, "a wrong body; executed"),
    (wrong_id, Outcome.LOST, "the answer of another request; executed"),
    (wrong_status, Outcome.LOST, "status 500; executed"),
    (answers_twice, Outcome.LOST, "behind the answer: b'HTTP/1.1 200 OK"),
    (executes_twice, Outcome.LOST, "executed twice"),
    (answers_without_work, Outcome.LOST, "answered, never executed"),
    (says_nothing, Outcome.LOST, "timed out; executed"),
    (speaks_nonsense, Outcome.LOST, "not a status line: b'SSH-2.0-OpenSSH'; executed"),
]


def attempt_on(script, folder, count: int = 1, keep_alive: bool = True):
    """The verdict on the last of `count` requests of one lane."""

    async def run():
        async with Scripted(script, folder) as server:
            lane = HttpLane(
                Book(server.port), "kept", lambda name: ask("fast", name), keep_alive=keep_alive
            )
            for _ in range(count):
                attempt = await lane.attempt()
            lane._drop()
            return judge(attempt, server.trace)

    return asyncio.run(run())


@pytest.mark.parametrize("script, outcome, reason", FIRST_REQUEST)
def test_client_tells_what_became_of_a_request(script, outcome, reason, tmp_path, monkeypatch):
    if script is says_nothing:
        monkeypatch.setattr(lanes, "ATTEMPT_SECONDS_MAX", 0.2)
    verdict = attempt_on(script, tmp_path)
    assert verdict.outcome is outcome, verdict
    assert reason in verdict.reason


async def closes_under_the_second(peer):
    await peer.answer(await peer.head())
    if peer.number == 1:
        await peer.head(execute=0)
    else:
        await well(peer)


async def executes_the_second_and_closes(peer):
    await peer.answer(await peer.head())
    if peer.number == 1:
        await peer.head()
    else:
        await well(peer)


async def fails_the_retry(peer):
    if peer.number == 1:
        await peer.answer(await peer.head())
        await peer.head(execute=0)


async def says_close(peer):
    await peer.answer(await peer.head(), fields=b"connection: close\r\n")


async def answers_the_first_twice(peer):
    identity = await peer.head()
    await peer.answer(identity)
    await peer.answer(identity)
    await well(peer)


SECOND_REQUEST = [
    (well, Outcome.ANSWERED, ""),
    (says_close, Outcome.ANSWERED, ""),
    (closes_under_the_second, Outcome.RACED, ""),
    (executes_the_second_and_closes, Outcome.LOST, "executed and not answered"),
    (fails_the_retry, Outcome.LOST, "raced, and its retry failed"),
    (answers_the_first_twice, Outcome.LOST, ""),
]


@pytest.mark.parametrize("script, outcome, reason", SECOND_REQUEST)
def test_client_tells_a_race_from_a_loss(script, outcome, reason, tmp_path):
    verdict = attempt_on(script, tmp_path, count=2)
    assert verdict.outcome is outcome, verdict
    assert reason in verdict.reason


def test_idle_connection_that_has_ended_is_not_used(tmp_path):
    """What a careful client does: no attempt is wasted on it, so there is no race either."""
    closed = asyncio.Event()

    async def closes_when_idle(peer):
        await peer.answer(await peer.head())
        peer.writer.close()
        await peer.writer.wait_closed()
        closed.set()

    async def run():
        async with Scripted(closes_when_idle, tmp_path) as server:
            book = Book(server.port)
            lane = HttpLane(book, "kept", lambda name: ask("fast", name))
            await lane.attempt()
            await closed.wait()
            closed.clear()
            await lane.attempt()
            lane._drop()
            return [judge(attempt, server.trace).outcome for attempt in book.attempts]

    assert asyncio.run(run()) == [Outcome.ANSWERED, Outcome.ANSWERED]


def test_refused_connection_is_a_loss_unless_the_server_was_told_to_go(tmp_path):
    async def run():
        attempt = await HttpLane(Book(free_port()), "fresh", lambda name: ask("x", name)).attempt()
        trace = Trace(tmp_path / "none")
        return [judge(attempt, trace, leaving).outcome for leaving in (None, attempt.begun)]

    assert asyncio.run(run()) == [Outcome.LOST, Outcome.REFUSED]


# WebSockets: each script, and how often each outcome came.


async def converses(peer):
    await never_closes(peer)
    peer.frame(websocket.CLOSE, b"\x03\xe8")


async def never_closes(peer):
    await peer.handshake()
    while (found := await peer.message())[0] != websocket.CLOSE:
        peer.frame(websocket.PING, b"there?")
        assert (await peer.reader.readexactly(12))[0] & 0x0F == websocket.PONG
        peer.reply(found[1])


async def never_answers_a_close(peer):
    await never_closes(peer)
    await peer.reader.read()


async def says_good_bye(peer):
    """Once, after a reply: 1012. The next connection goes on."""
    if peer.number > 1:
        return await converses(peer)
    await peer.handshake()
    _, identity = await peer.message()
    peer.reply(identity)
    peer.frame(websocket.CLOSE, b"\x03\xf4")


async def vanishes(peer):
    await peer.handshake()
    _, identity = await peer.message()
    peer.reply(identity)


async def vanishes_with_a_message(peer):
    await peer.handshake()
    await peer.message()


async def closes_on_a_message(peer):
    await peer.handshake()
    await peer.message()
    peer.frame(websocket.CLOSE, b"\x03\xf4")


async def closes_before_a_message(peer):
    await peer.handshake()
    await peer.message(execute=False)
    peer.frame(websocket.CLOSE, b"\x03\xf4")


async def replies_wrongly(peer):
    await peer.handshake()
    await peer.message()
    peer.reply("another")
    await peer.message(execute=False)
    peer.frame(websocket.CLOSE, b"\x03\xe8")


async def replies_twice(peer):
    await peer.handshake()
    _, identity = await peer.message()
    peer.reply(identity)
    peer.reply(identity)
    await peer.reader.read()


async def refuses_sockets(peer):
    await peer.reader.readuntil(b"\r\n\r\n")
    peer.writer.write(b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n")


SOCKETS = [
    (converses, {}),
    (says_good_bye, {}),
    (vanishes, {"websocket: no Close frame"}),
    (vanishes_with_a_message, {"message: no Close frame; executed"}),
    (closes_on_a_message, {"message: taken by the application, never replied to"}),
    (closes_before_a_message, {}),
    (replies_wrongly, {"message: a wrong reply"}),
    (replies_twice, {"websocket: a message without a question"}),
    (never_closes, {"websocket: no Close frame"}),
    (never_answers_a_close, {"websocket: timed out"}),
    (refuses_sockets, {}),
]


@pytest.mark.parametrize("script, losses", SOCKETS)
def test_client_tells_what_became_of_a_websocket(script, losses, tmp_path, monkeypatch):
    if script is never_answers_a_close:
        monkeypatch.setattr(websocket, "ATTEMPT_SECONDS_MAX", 0.3)

    async def run():
        async with Scripted(script, tmp_path) as server:
            book = Book(server.port)
            lane = asyncio.create_task(WebSocketLane(book, 0.02, 0).run())
            while sum(attempt.seen is not None for attempt in book.attempts) < 4:
                await book.pause(0.02)
            book.stopping.set()
            await lane
            return book.attempts, server.trace

    attempts, trace = asyncio.run(run())
    found = {f"{a.kind}: {v.reason}" for a in attempts if (v := judge(a, trace)).reason}
    assert attempts and all(any(f.startswith(loss) for f in found) for loss in losses), found
    assert all(any(f.startswith(loss) for loss in losses) for f in found), found
    outcomes = {judge(attempt, trace).outcome for attempt in attempts}
    if script in (converses, says_good_bye):
        assert outcomes == {Outcome.ANSWERED}
    if script is closes_before_a_message:
        assert Outcome.RACED in outcomes
    if script is refuses_sockets:
        assert outcomes == {Outcome.REFUSED}


def test_client_that_is_late_still_sees_the_close():
    """It comes while the loop stands still, and the time to wait for it ends meanwhile."""

    async def run():
        near, far = socket.socketpair()
        with near, far:
            wire = websocket.WebSocketWire(0)
            wire._socket.close()
            near.setblocking(False)
            wire._socket = near
            loop = asyncio.get_running_loop()

            def stand_still():
                far.send(bytes([0x80 | websocket.CLOSE, 2]) + b"\x03\xf4")
                while loop.time() < deadline.when():
                    pass

            loop.call_soon(stand_still)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01) as deadline:
                    await wire.read_frame()
            async with asyncio.timeout(seconds(10)):
                return await wire.read_frame()

    assert asyncio.run(run()) == (websocket.CLOSE, b"\x03\xf4")


# Who died with a worker.


def an_attempt(begun: float, ended: float, maker: int = 0, seen: Seen = Seen.WRONG) -> Attempt:
    return Attempt("a", "kept", begun, ended, seen, "reset", maker=maker)


@pytest.mark.parametrize(
    "attempt, inside",
    [
        (an_attempt(9, 10), True),
        (an_attempt(1, 2), False),  # it had failed before
        (an_attempt(1, 2, maker=7), False),
        (an_attempt(10.1, 10.2), False),  # it began after the death
        (an_attempt(9, 9.9), True),  # sockets close before the process has gone
        (an_attempt(1, 10.01, maker=7), True),
        (an_attempt(10.1, 10.2, maker=7), True),  # on its connection, a moment too late
        (an_attempt(1, 30, maker=7), False),  # the death did not end it
        (an_attempt(9, 10, maker=8), False),  # another worker's connection
        (an_attempt(9, 10, seen=Seen.UNAVAILABLE), False),  # the listener must not die with it
    ],
)
def test_only_what_was_in_flight_died_with_the_worker(attempt, inside, tmp_path):
    trace = Trace(tmp_path / "none")
    assert died_with(attempt, trace, [Death(7, 10.0)]) is inside


def test_stall_includes_the_retry():
    from proof.result import answered_after

    first, second = an_attempt(1, 1.5), an_attempt(1.5, 3)
    first.retry = second
    assert answered_after(first) == 2
    assert answered_after(an_attempt(1, 1.5)) == 0.5


def test_load_of_a_server_at_rest_is_answered_and_traced(tmp_path):
    """The lanes of a whole mix, against a scripted server that only knows /fast."""
    from proof.load import Load, Mix

    mix = Mix(kept=2, kept_rate=100, fresh=2, fresh_rate=100, echo=0, slow=0, streams=0)
    mix = Mix(**{**vars(mix), "websockets": 0})

    async def says_what_it_is_told(peer):
        while True:
            head = (await peer.reader.readuntil(b"\r\n\r\n")).decode()
            identity = head.partition("id=")[2].partition(" ")[0]
            peer.server.execute(identity)
            close = "close" in head
            await peer.answer(identity, fields=b"connection: close\r\n" if close else b"")
            if close:
                return

    async def run():
        async with Scripted(says_what_it_is_told, tmp_path) as server:
            begun = time.monotonic()
            async with Load(server.port, mix) as load:
                await load.until(lambda: len(load.book.attempts) > 40, 10)
                assert load.makers_since(begun) == {PID}
            assert load.newest_generation() == 1
            return {judge(attempt, server.trace).outcome for attempt in load.book.attempts}

    assert asyncio.run(run()) == {Outcome.ANSWERED}
