"""add_reader and add_writer: level-triggered, safe when descriptors are closed and used again."""

import asyncio
import os
import selectors
import socket
import threading

import pytest


@pytest.fixture
def pair():
    ends = socket.socketpair()
    for end in ends:
        end.setblocking(False)
    yield ends
    for end in ends:
        end.close()


def turns(loop, count):
    """Lets the loop look at its descriptors `count` times."""

    async def main():
        for _ in range(count):
            await asyncio.sleep(0.0005)

    loop.run_until_complete(main())


def test_reader_is_called_as_long_as_there_is_something(loop, pair):
    near, far = pair
    seen = []

    def ready(word):
        assert word == "argument"
        seen.append(near.recv(1))
        if seen[-1] == b"":
            loop.remove_reader(near)
            loop.stop()

    loop.add_reader(near, ready, "argument")
    far.send(b"abc")
    far.close()
    loop.run_forever()
    assert seen == [b"a", b"b", b"c", b""]


def test_reader_stays_over_several_runs(loop, pair):
    near, far = pair
    seen = []
    loop.add_reader(near.fileno(), lambda: seen.append(near.recv(10)))
    turns(loop, 1)
    far.send(b"1")
    turns(loop, 3)
    assert seen == [b"1"]
    far.send(b"2")
    turns(loop, 3)
    assert seen == [b"1", b"2"]
    assert loop.remove_reader(near) is True
    far.send(b"3")
    turns(loop, 3)
    assert seen == [b"1", b"2"]


def test_writer_is_called_while_there_is_room(loop, pair):
    near, far = pair
    called = []

    def ready():
        called.append(1)
        if len(called) == 3:
            loop.remove_writer(near)
            loop.stop()

    loop.add_writer(near, ready)
    loop.run_forever()
    assert len(called) == 3


def test_reader_and_writer_of_one_descriptor_are_apart(loop, pair):
    near, far = pair
    seen = []
    loop.add_reader(near, lambda: seen.append(near.recv(1)))
    loop.add_writer(near, seen.append, "writable")
    turns(loop, 1)
    assert set(seen) == {"writable"}
    assert loop.remove_writer(near) is True and loop.remove_writer(near) is False
    seen.clear()
    far.send(b"x")
    turns(loop, 3)
    assert seen == [b"x"]
    assert loop.remove_reader(near) is True and loop.remove_reader(near) is False


def test_new_reader_takes_the_place_of_the_old(loop, pair):
    near, far = pair
    seen = []
    first = loop._add_reader(near, seen.append, "first")
    turns(loop, 1)
    second = loop._add_reader(near, lambda: seen.append(near.recv(1)))
    assert first.cancelled() and not second.cancelled()
    far.send(b"x")
    turns(loop, 3)
    assert seen == [b"x"]
    loop.remove_reader(near)
    assert second.cancelled()


def test_handle_that_is_cancelled_directly_ends_the_watch(loop, pair):
    near, far = pair
    seen = []
    handle = loop._add_reader(near, seen.append, "called")
    handle.cancel()
    far.send(b"x")
    turns(loop, 3)
    assert seen == []
    assert loop.remove_reader(near) is False


def test_reader_removed_in_the_same_turn_is_not_called(loop):
    """Both are ready in one batch; the first removes the second."""
    pairs = [socket.socketpair() for _ in range(2)]
    seen = []

    def ready(index):
        seen.append(index)
        for near, _ in pairs:
            loop.remove_reader(near)

    for index, (near, far) in enumerate(pairs):
        loop.add_reader(near, ready, index)
        far.send(b"x")
    turns(loop, 3)
    assert len(seen) == 1
    for near, far in pairs:
        near.close()
        far.close()


def test_number_used_again_hears_nothing_of_the_old_file(loop):
    """The poll of the old file is still in flight when the number comes back."""
    for _ in range(50):
        old, old_far = socket.socketpair()
        number = old.fileno()
        heard = []
        loop.add_reader(old, heard.append, "old")
        turns(loop, 1)
        loop.remove_reader(old)
        old_far.send(b"late")
        old.close()
        new, new_far = socket.socketpair()
        if new.fileno() != number:
            new = socket.socket(fileno=os.dup2(new.detach(), number))
        loop.add_reader(new, heard.append, "new")
        turns(loop, 2)
        assert heard == []
        new_far.send(b"x")
        turns(loop, 2)
        assert set(heard) == {"new"}
        loop.remove_reader(new)
        for end in (old_far, new, new_far):
            end.close()


def test_number_used_again_without_a_removal_watches_the_new_file(loop):
    """Libraries close a descriptor and add the next with its number: the new file counts."""
    old, old_far = socket.socketpair()
    number = old.fileno()
    heard = []
    loop.add_reader(number, heard.append, "old")
    turns(loop, 1)
    old.close()
    new, new_far = socket.socketpair()
    if new.fileno() != number:
        new = socket.socket(fileno=os.dup2(new.detach(), number))
    loop.add_reader(number, heard.append, "new")
    old_far.close()
    turns(loop, 1)
    assert heard == []
    new_far.send(b"x")
    turns(loop, 1)
    assert set(heard) == {"new"}
    loop.remove_reader(number)
    new.close()
    new_far.close()


def test_close_after_removal_frees_the_file_at_once(run):
    """A poll in flight keeps its file open: a port must be free when close() returns."""

    async def main():
        for _ in range(5):
            server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
            port = server.sockets[0].getsockname()[1]
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            server.close()
            with socket.socket() as other:
                other.bind(("127.0.0.1", port))
                other.listen()

    run(main())


def test_peer_sees_the_close_at_once(loop, pair):
    near, far = pair
    loop.add_reader(near, print)
    turns(loop, 1)
    loop.call_soon(lambda: (loop.remove_reader(near), near.close(), read()))
    seen = []

    def read():
        seen.append(far.recv(1))
        loop.stop()

    loop.run_forever()
    assert seen == [b""]


def test_closed_descriptor_does_not_make_the_loop_spin(loop, pair):
    near, far = pair
    called = []
    number = near.fileno()
    loop.add_reader(number, called.append, 1)
    loop.call_soon(near.close)
    turns(loop, 5)
    assert called == []
    loop.remove_reader(number)


def test_what_is_no_descriptor_is_refused(loop):
    with pytest.raises(ValueError, match="Invalid file object"):
        loop.add_reader(object(), print)
    with pytest.raises(ValueError, match="Invalid file descriptor"):
        loop._add_reader(-1, print)
    closed = os.dup(0)
    os.close(closed)
    with pytest.raises(OSError, match="Bad file descriptor"):
        loop.add_reader(closed, print)


def test_descriptor_of_a_transport_is_protected(run):
    async def main():
        loop = asyncio.get_running_loop()
        near, far = socket.socketpair()
        transport, _ = await loop.create_connection(asyncio.Protocol, sock=near)
        with pytest.raises(RuntimeError, match="is used by transport"):
            loop.add_reader(near, print)
        text = repr(transport)
        assert "read=polling" in text and "write=<idle" in text
        transport.pause_reading()
        assert "read=idle" in repr(transport)
        transport.abort()
        far.close()

    run(main())


def test_watched_descriptors_answer_for_the_selector(loop, pair):
    near, far = pair
    with pytest.raises(KeyError):
        loop._selector.get_key(near)
    loop.add_reader(near, print)
    loop.add_writer(near, print)
    key = loop._selector.get_key(near)
    assert key.fd == near.fileno()
    assert key.events == selectors.EVENT_READ | selectors.EVENT_WRITE
    loop.remove_reader(near)
    loop.remove_writer(near)


def test_reader_added_from_another_thread_is_heard(loop, pair):
    """Not promised by asyncio, but a loop that is asleep must not miss it for ever."""
    near, far = pair
    far.send(b"x")

    def ready():
        loop.remove_reader(near)
        loop.stop()

    asleep = threading.Event()
    thread = threading.Thread(target=lambda: (asleep.wait(), loop.add_reader(near, ready)))
    thread.start()
    loop.call_soon(asleep.set)
    loop.run_forever()
    thread.join()


def test_many_descriptors(loop):
    pairs = [socket.socketpair() for _ in range(300)]
    seen = set()

    def ready(index):
        pairs[index][0].recv(1)
        loop.remove_reader(pairs[index][0])
        seen.add(index)
        if len(seen) == len(pairs):
            loop.stop()

    for index, (near, far) in enumerate(pairs):
        loop.add_reader(near, ready, index)
    loop.call_soon(lambda: [far.send(b"x") for _, far in pairs])
    loop.run_forever()
    assert len(seen) == 300
    for near, far in pairs:
        near.close()
        far.close()


def test_descriptors_watched_at_the_end_go_with_the_loop(loop, pair):
    near, far = pair
    loop.add_reader(near, print)
    loop.add_writer(far, lambda: None)
    turns(loop, 2)
    loop.close()
    near.close()
    assert far.recv(1) == b""
