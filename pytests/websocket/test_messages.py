"""Messages both ways: text and binary, whole and in pieces, up to the limit."""

import itertools
import random

import pytest
from support.checks import await_note, events_at_end, fresh_id
from support.holds import holds
from support.websocket import BINARY, CONTINUATION, PING, TEXT, frame, open_websocket, text

# One, two, three and four bytes of UTF-8 for each character, and the borders between them.
WORDS = "aé€😀\x7f\x80\u07ff\u0800\ud7ff\ue000\uffff\U00010000\U0010ffff ß日本 👩‍👩‍👧"


@holds("asgi_61")
def test_receive_event_has_text_or_bytes_alone(server):
    key = fresh_id()
    with open_websocket(server, f"/ws/collect?id={key}") as socket:
        socket.send(text("é"), frame(BINARY, b"\xff"), text(""), frame(BINARY))
        socket.close()

    assert events_at_end(server, key) == [
        {"type": "websocket.receive", "text": "é"},
        {"type": "websocket.receive", "bytes": {"bytes": "\xff"}},
        {"type": "websocket.receive", "text": ""},
        {"type": "websocket.receive", "bytes": {"bytes": ""}},
        {"type": "websocket.disconnect", "code": 1000, "reason": ""},
    ]


@holds("asgi_62", "asgi_09", "asgi_10")
def test_send_takes_one_of_text_and_bytes_and_refuses_the_rest(server):
    key = fresh_id()
    with open_websocket(server, f"/ws/odd?id={key}") as socket:
        assert socket.read() == "fine"
        assert socket.read() == b"fine"
        socket.close()
    notes = await_note(server, key, "websocket.disconnect")
    said = [note for note in notes if isinstance(note, str) and "websocket" not in note[:9]]
    kinds = [note.partition(":")[0] for note in said]
    assert kinds == [
        "raised ValueError",
        "raised ValueError",
        "raised ValueError",
        "raised TypeError",
        "raised TypeError",
        "raised UnicodeEncodeError",
        "raised RuntimeError",
        "raised ValueError",
        "raised TypeError",
        "raised TypeError",
        "sent",
        "sent",
    ], said
    assert "Expected ASGI message 'websocket.send' or 'websocket.close', but got" in said[6]


@holds("asgi_62")
def test_send_takes_a_message_in_every_form(server):
    with open_websocket(server, "/ws/alike") as socket:
        assert [socket.read() for _ in range(9)] == [
            "usual",
            b"usual",
            "other order",
            "keys that are not interned",
            b"the same",
            "of a class of its own",
            b"a view",
            "",
            b"beside None",
        ]
        socket.close()


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 1000000])
def test_echo_of_any_length(server, size):
    data = random.Random(size).randbytes(size)
    with open_websocket(server) as socket:
        socket.send_bytes(data)
        assert socket.read() == data
        socket.send_text("x" * size)
        assert socket.read() == "x" * size
        socket.close()


@holds("asgi_53")
def test_fragments_become_one_message_with_pings_in_between(server):
    with open_websocket(server) as socket:
        pieces = [b"one ", b"two ", b"", b"three"]
        socket.send(frame(TEXT, pieces[0], fin=False))
        for number, piece in enumerate(pieces[1:], 2):
            socket.send(frame(PING, piece), frame(CONTINUATION, piece, fin=number == len(pieces)))
        for piece in pieces[1:]:
            assert socket.read_frame().payload == piece
        assert socket.read() == "one two three"


@holds("asgi_67", "robustness_63")
def test_utf8_of_every_length_survives_every_cut(server):
    data = WORDS.encode()
    with open_websocket(server) as socket:
        # As fragments …
        for at in range(len(data) + 1):
            socket.send(frame(TEXT, data[:at], fin=False), frame(CONTINUATION, data[at:]))
            assert socket.read() == WORDS
        # … as segments of one frame, without waiting for each …
        whole = text(WORDS)
        for at in range(1, len(whole)):
            socket.send(whole[:at])
            socket.send(whole[at:])
        for _ in range(1, len(whole)):
            assert socket.read() == WORDS
        # … and byte by byte.
        socket.connection.send_byte_by_byte(whole)
        assert socket.read() == WORDS


@holds("robustness_63", "asgi_67")
@pytest.mark.parametrize(
    "data",
    [
        b"\xc0\xaf",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xe2\x82",
        b"\x80",
        b"\xf8\x88\x80\x80\x80",
    ],
    ids=["overlong", "surrogate", "beyond the last", "cut short", "no start", "five bytes"],
)
def test_text_that_is_not_utf8_closes_with_1007(server, data):
    key = fresh_id()
    with open_websocket(server, f"/ws/collect?id={key}") as socket:
        socket.send(frame(TEXT, b"good " + data))
        socket.expect_close(1007)
    notes = events_at_end(server, key)
    assert not [note for note in notes if note["type"] == "websocket.receive"]


@holds("robustness_63")
def test_bad_text_fails_before_the_frame_is_whole(server):
    with open_websocket(server) as socket:
        whole = frame(TEXT, b"\xff" + b"x" * 1000)
        socket.send(whole[:100])
        socket.expect_close(1007)


def test_messages_sent_in_a_burst_come_back_in_order(server):
    count = 2000
    with open_websocket(server) as socket:
        socket.send(*(text(str(number)) for number in range(count)))
        for number in range(count):
            assert socket.read() == str(number)


def test_segments_cut_at_random_give_the_same_messages(server):
    chance = random.Random(4)
    sizes = [chance.choice((0, 1, 5, 125, 126, 1000, 70000)) for _ in range(60)]
    words = [chance.choice("aé€😀") * (size // 4) for size in sizes]
    stream = b"".join(text(word) for word in words)
    cuts = sorted(chance.randrange(len(stream)) for _ in range(300))
    with open_websocket(server) as socket:
        for start, end in itertools.pairwise([0, *cuts, len(stream)]):
            socket.send(stream[start:end])
        for word in words:
            assert socket.read() == word


@holds("robustness_66", "lesson_37")
@pytest.mark.parametrize("how", ["announced", "whole", "in fragments"])
def test_message_over_the_limit_closes_with_1009(shared, how):
    server = shared("raw:app", "--ws-max-size", "1000")
    key = fresh_id()
    with open_websocket(server, f"/ws/echo?id={key}") as socket:
        socket.send_bytes(b"x" * 1000)
        assert len(socket.read()) == 1000
        if how == "announced":
            socket.send(frame(BINARY, b"", announced=1 << 40))
        elif how == "whole":
            socket.send_bytes(b"x" * 1001)
        else:
            socket.send(frame(BINARY, b"x" * 600, fin=False), frame(CONTINUATION, b"x" * 401))
        socket.expect_close(1009)
    notes = events_at_end(server, key)
    assert [note["code"] for note in notes] == [1009]


@holds("robustness_66")
def test_memory_follows_what_came_and_not_what_was_announced(serve):
    from support.server import resident_bytes

    with serve("raw:app") as server:
        with open_websocket(server) as first:
            first.send_text("a")
            first.read()
            before = resident_bytes(server.pid)
            announced = frame(BINARY, b"x" * 100, announced=16 << 20)
            sockets = [open_websocket(server) for _ in range(64)]
            for socket in sockets:
                socket.send(announced)
            first.send_text("b")
            first.read()
            assert resident_bytes(server.pid) - before < 32 << 20
        for socket in sockets:
            socket.connection.close()
