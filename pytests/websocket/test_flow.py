"""Back-pressure both ways, pings, floods, broadcasts: memory stays bounded, others stay served."""

import resource

import pytest
from support.checks import await_note, events_at_end, fresh_id, raised_in, seen, tell
from support.holds import holds
from support.patience import SANITIZED
from support.server import cpu_seconds, resident_bytes
from support.websocket import (
    BINARY,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    WebSocket,
    frame,
    handshake,
    open_websocket,
    text,
)

MIB = 1 << 20
BOUND = 16 * MIB  # for a flood of 64 MiB: the buffers of the ring, once touched, are among it


class Memory:
    """How much the server has grown; a sanitizer keeps freed memory: nothing to be seen there."""

    def __init__(self, server) -> None:
        self._server = server
        self._before = resident_bytes(server.pid)

    def check(self, grown_max: int) -> None:
        grown = resident_bytes(self._server.pid) - self._before
        assert SANITIZED or grown < grown_max, f"grown by {grown / MIB:.1f} MiB"


@holds("robustness_69", "lesson_37")
@pytest.mark.parametrize("bound", [("--ws-max-queue", "8"), ("--ws-max-queue-bytes", "100000")])
def test_slow_application_stops_the_reading_and_loses_nothing(shared, bound):
    server = shared("raw:app", *bound)
    key = fresh_id()
    with open_websocket(server, f"/ws/count?id={key}") as socket:
        await_note(server, key, "accepted")
        memory = Memory(server)
        piece = frame(BINARY, b"x" * 50000)
        sent = socket.connection.send_until_blocked(piece, 64 * MIB, 0.2)
        assert sent < 64 * MIB, "the server reads on and on"
        memory.check(BOUND)
        tell(server, key)
        socket.send(piece[sent % len(piece) :] if sent % len(piece) else b"")
        for _ in range(-(-sent // len(piece))):
            assert socket.read() == "50000"
        socket.close()


@holds("lesson_37")
def test_client_that_sends_all_before_it_reads_gets_every_answer(server):
    words = [f"{number} " * 40 for number in range(3000)]
    with open_websocket(server) as socket:
        socket.send(*map(text, words))
        for word in words:
            assert socket.read() == word


@holds("robustness_69", "robustness_39")
def test_slow_client_makes_send_wait(server):
    key = fresh_id()
    memory = Memory(server)
    with open_websocket(server, f"/ws/flood?id={key}", receive_buffer=4096) as socket:
        notes = await_note(server, key, "waits")
        sent = notes[notes.index("waits") + 1]
        assert 0 < sent < 16 * MIB
        memory.check(BOUND)
        for _ in range(2 * sent // 10000):
            assert len(socket.read()) == 10000
        socket.connection.reset()
    await_note(server, key, "websocket.disconnect")
    assert raised_in(seen(server, key)) == ["raised OSError: the client has disconnected"]


@holds("robustness_39")
def test_client_that_never_reads_is_cut_and_the_waiting_send_raises(shared):
    server = shared("raw:app", "--timeout-write", "0.3")
    key = fresh_id()
    with open_websocket(server, f"/ws/flood?id={key}", receive_buffer=4096):
        assert [event["code"] for event in events_at_end(server, key)] == [1006]
        assert raised_in(seen(server, key)) == ["raised OSError: the client has disconnected"]


@holds("lesson_38", "robustness_68", "asgi_52")
def test_ping_is_answered_while_the_application_neither_reads_nor_ends(server):
    key = fresh_id()
    with open_websocket(server, f"/ws/sleep?id={key}") as socket:
        await_note(server, key, "accepted")
        socket.send(text("not read"), frame(PING, b"there?"), text("not read"))
        got = socket.read_frame()
        assert (got.opcode, got.payload) == (PONG, b"there?")
        tell(server, key)
        assert socket.read() == "awake"


@holds("robustness_68", "asgi_52")
def test_server_pings_and_a_client_that_answers_stays(shared):
    """The next ping comes when the one before was answered, and not otherwise."""
    server = shared("raw:app", "--ws-ping-interval", "0.05", "--ws-ping-timeout", "30")
    with open_websocket(server) as socket:
        payloads = {answer_ping(socket) for _ in range(4)}
        assert len(payloads) == 4, "each ping has a payload of its own"
        socket.read_frame()
        socket.send(frame(PONG, payloads.pop()))
        assert not socket.connection.wait_readable(0.2), "an old pong counts for the new ping"
        socket.send_text("still here")
        assert socket.read() == "still here"


def answer_ping(socket) -> bytes:
    got = socket.read_frame()
    assert got.opcode == PING
    socket.send(frame(PONG, got.payload))
    return got.payload


@holds("robustness_68")
def test_client_that_does_not_answer_a_ping_is_closed_with_1011(shared):
    server = shared("raw:app", "--ws-ping-interval", "0.1", "--ws-ping-timeout", "0.3")
    key = fresh_id()
    with open_websocket(server, f"/ws/collect?id={key}") as socket:
        assert socket.read_frame().opcode == PING
        socket.expect_close(1011, "keepalive ping timeout")
    end = {"type": "websocket.disconnect", "code": 1011, "reason": "keepalive ping timeout"}
    assert events_at_end(server, key) == [end]


def test_server_does_not_ping_when_that_is_switched_off(shared):
    server = shared("raw:app", "--ws-ping-interval", "0", "--ws-ping-timeout", "0.1")
    with open_websocket(server) as socket:
        assert not socket.connection.wait_readable(0.3)


@holds("robustness_68")
def test_client_that_is_held_back_cannot_miss_a_ping(shared):
    """Its pongs wait behind what the application does not take."""
    options = ("--ws-ping-interval", "0.1", "--ws-ping-timeout", "0.2", "--ws-max-queue", "1")
    server = shared("raw:app", *options)
    key = fresh_id()
    with server.connect() as connection:
        # In one piece: a client that is late with its messages would miss the first ping.
        connection.send(handshake(f"/ws/count?id={key}"), *(text("x") for _ in range(100)))
        socket = WebSocket(connection, connection.read_response())
        assert socket.read_frame().opcode == PING
        assert not connection.wait_readable(0.8), "another ping, or the end"
        tell(server, key)
        assert socket.read() == "1"


@holds("robustness_68")
def test_flood_of_pings_stays_within_bounds_and_others_are_served(server):
    with open_websocket(server, receive_buffer=4096) as flooding, open_websocket(server) as other:
        other.send_text("warm")
        assert other.read() == "warm"
        memory = Memory(server)
        pings = frame(PING, b"p" * 125) * 500
        sent = flooding.connection.send_until_blocked(pings, 64 * MIB, 0.2)
        assert sent < 64 * MIB
        memory.check(BOUND)
        other.send_text("served")
        assert other.read() == "served"


@holds("robustness_68", "robustness_26")
def test_flood_of_tiny_fragments_costs_linear_time(server):
    """ws CVE-2026-48779: one message of very many frames of one byte, or of none."""
    count = 20000 if SANITIZED else 200000
    with open_websocket(server) as socket:
        used = []
        for size in (count // 4, count):
            begin = cpu_seconds(server.pid)
            socket.send(frame(TEXT, b"", fin=False))
            fragment = frame(CONTINUATION, b"a", fin=False) + frame(CONTINUATION, fin=False)
            socket.send(fragment * (size // 2), frame(CONTINUATION))
            assert len(socket.read()) == size // 2
            used.append(cpu_seconds(server.pid) - begin)
        assert used[1] < 16 * max(used[0], 0.02), used


@pytest.fixture
def many_files():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@holds("robustness_69")
@pytest.mark.slow
def test_broadcast_with_clients_that_never_read(serve, door, many_files):
    """1,000 clients of which 10 never read: memory stays bounded, the other 990 get everything."""
    count, mute_count, size, rounds = (1000 if door.takes_long_tests else 100), 10, 400_000, 3
    with serve("raw:app", "--backlog", "1024") as server:
        target = f"/ws/room?id={fresh_id()}"
        # Small segments keep the kernel from taking much of what is not read: in the end 100 KB.
        narrow = {"receive_buffer": 4096, "segment_bytes": 536}
        mute = [open_websocket(server, target, **narrow) for _ in range(mute_count)]
        members = [open_websocket(server, target) for _ in range(count - mute_count)]
        members[0].send_text("count")
        assert members[0].read() == f"{count} members, 0 of them busy"
        memory = Memory(server)
        for _ in range(rounds):
            members[0].send_text(str(size))
            for member in members:
                assert len(member.read()) == size // 7 * 7
        members[0].send_text("count")
        assert members[0].read() == f"{count} members, {mute_count} of them busy"
        memory.check(7 * MIB)  # above 96 KiB a queue takes no message; all were 12 MB
        for member in (*members, *mute):
            member.connection.close()
