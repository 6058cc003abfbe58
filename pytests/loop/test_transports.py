"""Socket transports: what is native in them behaves as asyncio's own."""

import asyncio
import contextlib
import contextvars
import gc
import os
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.patience import seconds

LARGE = bytes(range(256)) * 8192  # 2 MB: more than a socket takes


class Recorder(asyncio.Protocol):
    """What it is told, in order; `step` waits for the next of it."""

    keep_open = False
    raises = None

    def __init__(self):
        self.told = asyncio.Queue()

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        assert type(data) is bytes
        if self.raises is not None:
            raise self.raises
        self.told.put_nowait(data)

    def eof_received(self):
        self.told.put_nowait("eof")
        return self.keep_open

    def pause_writing(self):
        self.told.put_nowait("pause")

    def resume_writing(self):
        self.told.put_nowait("resume")

    def connection_lost(self, error):
        self.told.put_nowait(("lost", type(error)))


class Buffered(asyncio.BufferedProtocol):
    def __init__(self):
        self.buffer, self.sizes = bytearray(16), asyncio.Queue()

    def get_buffer(self, size):
        return self.buffer

    def buffer_updated(self, size):
        self.sizes.put_nowait(size)


@contextlib.asynccontextmanager
async def connected(kind=Recorder):
    """A protocol with its transport, and the socket at the other end."""
    near, far = socket.socketpair()
    near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
    far.setblocking(False)
    loop = asyncio.get_running_loop()
    _, protocol = await loop.create_connection(kind, sock=near)
    try:
        yield protocol, far
    finally:
        if not protocol.transport.is_closing():
            protocol.transport.abort()
        far.close()
        await asyncio.sleep(0)


async def read(sock, count):
    loop, got = asyncio.get_running_loop(), b""
    while len(got) < count:
        piece = await loop.sock_recv(sock, 1 << 20)
        assert piece, f"only {len(got)} of {count} bytes"
        got += piece
    return got


PIECES = {
    "bytes": b"some data",
    "bytearray": bytearray(b"some data"),
    "memoryview": memoryview(b"some data"),
    "slice": memoryview(b"-some data-")[1:-1],
    "cast": memoryview(struct.pack("@3i", 1, 2, 3)).cast("i"),
}


@pytest.mark.parametrize("piece", PIECES.values(), ids=PIECES)
def test_whatever_is_bytes_like_is_written(run, piece):
    async def main():
        async with connected() as (protocol, far):
            protocol.transport.write(piece)
            protocol.transport.write(data=b"; more")
            expected = bytes(piece) + b"; more"
            assert await read(far, len(expected)) == expected

    run(main())


def test_large_pieces_are_buffered_and_sent_in_order(run):
    async def main():
        async with connected() as (protocol, far):
            numbers = memoryview(LARGE).cast("i")
            protocol.transport.write(numbers)
            assert protocol.transport.get_write_buffer_size() > 0
            assert await protocol.told.get() == "pause"
            changing = bytearray(b"behind it")
            protocol.transport.write(bytes(changing))
            protocol.transport.writelines([b", and", b" at last"])
            assert await read(far, len(LARGE) + 22) == LARGE + b"behind it, and at last"
            assert await protocol.told.get() == "resume"
            protocol.transport.write(b"again")
            assert await read(far, 5) == b"again"

    run(main())


def test_what_cannot_be_written_is_refused(run):
    async def main():
        async with connected() as (protocol, _):
            write = protocol.transport.write
            with pytest.raises(TypeError, match="bytes-like object, not 'str'"):
                write("text")
            with pytest.raises(TypeError, match="argument"):
                write()
            with pytest.raises(TypeError, match="argument"):
                write(b"", b"")
            write(b"")
            protocol.transport.write_eof()
            with pytest.raises(RuntimeError, match="after write_eof"):
                write(b"late")

    run(main())


def test_writes_after_the_end_are_dropped_with_a_warning(run, errors):
    async def main():
        async with connected() as (protocol, _):
            protocol.transport.close()
            assert await protocol.told.get() == ("lost", type(None))
            for _ in range(6):
                protocol.transport.write(b"nobody")

    run(main())
    assert errors() == ["socket.send() raised exception."] * 2


def test_close_sends_what_is_buffered(run):
    async def main():
        async with connected() as (protocol, far):
            protocol.transport.write(LARGE)
            protocol.transport.close()
            assert await read(far, len(LARGE)) == LARGE
            assert await protocol.told.get() == "pause"
            while (told := await protocol.told.get()) == "resume":
                pass
            assert told == ("lost", type(None))

    run(main())


@pytest.mark.parametrize("keep_open", [True, False])
def test_end_of_the_stream_is_told_once(run, keep_open):
    async def main():
        async with connected() as (protocol, far):
            protocol.keep_open = keep_open
            await asyncio.get_running_loop().sock_sendall(far, b"last")
            far.shutdown(socket.SHUT_WR)
            assert [await protocol.told.get() for _ in range(2)] == [b"last", "eof"]
            if keep_open:
                protocol.transport.write(b"still here")
                assert await read(far, 10) == b"still here"
                protocol.transport.close()
            assert await protocol.told.get() == ("lost", type(None))

    run(main())


def test_exception_of_the_protocol_ends_the_connection(run, loop):
    async def main():
        async with connected() as (protocol, far):
            protocol.raises = ZeroDivisionError("in data_received")
            await loop.sock_sendall(far, b"data")
            assert await protocol.told.get() == ("lost", ZeroDivisionError)
            (context,) = loop.reported
            loop.reported.clear()
            assert context["message"] == "Fatal error: protocol.data_received() call failed."
            assert context["exception"] is protocol.raises
            assert context["protocol"] is protocol

    run(main())


def test_exception_that_ends_the_program_comes_out_of_the_loop(run):
    protocols = []

    async def main():
        async with connected() as (protocol, far):
            protocols.append(protocol)
            protocol.raises = SystemExit(3)
            await asyncio.get_running_loop().sock_sendall(far, b"data")
            await protocol.told.get()

    with pytest.raises(SystemExit):
        run(main())

    async def end():
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    run(end())


def test_peer_that_is_gone_is_an_error_of_the_write(run):
    async def main():
        async with connected() as (protocol, far):
            protocol.transport.pause_reading()
            far.close()
            protocol.transport.write(b"nobody")
            assert await protocol.told.get() == ("lost", BrokenPipeError)

    run(main())


def test_reset_is_an_error_of_the_read(run):
    async def main():
        loop = asyncio.get_running_loop()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            _, protocol = await loop.create_connection(Recorder, *listener.getsockname())
            far, _ = listener.accept()
            far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            far.close()
            assert await protocol.told.get() == ("lost", ConnectionResetError)

    run(main())


def test_buffered_protocol_takes_over_in_the_middle(run):
    async def main():
        loop = asyncio.get_running_loop()
        async with connected() as (protocol, far):
            await loop.sock_sendall(far, b"plain")
            assert await protocol.told.get() == b"plain"
            buffered = Buffered()
            protocol.transport.set_protocol(buffered)
            await loop.sock_sendall(far, b"buffered")
            assert await buffered.sizes.get() == 8
            assert bytes(buffered.buffer[:8]) == b"buffered"
            protocol.transport.set_protocol(protocol)
            await loop.sock_sendall(far, b"plain")
            assert await protocol.told.get() == b"plain"

    run(main())


class Small(Buffered):
    """Takes four bytes at a time, and pauses in between."""

    def __init__(self):
        self.buffer, self.got = bytearray(4), []

    def connection_made(self, transport):
        self.transport = transport

    def buffer_updated(self, size):
        self.got.append(bytes(self.buffer[:size]))
        self.transport.pause_reading()


def test_pause_in_the_middle_of_what_came_keeps_the_rest(run):
    async def main():
        loop = asyncio.get_running_loop()
        async with connected(Small) as (protocol, far):
            await loop.sock_sendall(far, b"1234567890")
            far.shutdown(socket.SHUT_WR)
            for count in range(1, 4):
                while len(protocol.got) < count:
                    await asyncio.sleep(0)
                for _ in range(3):
                    await asyncio.sleep(0)
                assert len(protocol.got) == count
                assert not protocol.transport.is_closing()
                protocol.transport.resume_reading()
            while not protocol.transport.is_closing():
                await asyncio.sleep(0)
            assert protocol.got == [b"1234", b"5678", b"90"]

    run(main())


def test_pause_holds_back_more_than_one_piece(run):
    """The peer cannot send on and on to somebody who does not read."""

    async def main():
        async with connected() as (protocol, far):
            protocol.transport.pause_reading()
            sent, quiet = b"", 0
            while quiet < 50:
                try:
                    sent += LARGE[: far.send(LARGE)]
                    quiet = 0
                except BlockingIOError:
                    quiet += 1
                await asyncio.sleep(0)
            assert len(sent) < 4 * len(LARGE)
            assert protocol.told.empty()
            far.shutdown(socket.SHUT_WR)
            protocol.transport.resume_reading()
            got = b""
            while (told := await protocol.told.get()) != "eof":
                got += told
            assert got == sent

    run(main())


def test_data_between_two_runs_of_the_loop_is_kept(run):
    kept = []

    async def begin():
        near, far = socket.socketpair()
        far.setblocking(False)
        _, protocol = await asyncio.get_running_loop().create_connection(Recorder, sock=near)
        kept.extend([protocol, far])

    async def go_on(expected):
        protocol, far = kept
        got = b""
        while len(got) < len(expected):
            got += await protocol.told.get()
        assert got == expected
        far.send(b"left over by this run")

    async def end():
        protocol, far = kept
        far.close()
        got = b""
        while (told := await protocol.told.get()) != "eof":
            got += told
        assert got == b"left over by this run"
        assert await protocol.told.get() == ("lost", type(None))

    run(begin())
    kept[1].send(b"sent while nobody ran")
    run(go_on(b"sent while nobody ran"))
    run(end())


def test_protocol_is_called_in_the_context_of_its_connection(run):
    where = contextvars.ContextVar("where", default="nowhere")
    seen = []

    class Protocol(Recorder):
        def data_received(self, data):
            seen.append(where.get())
            where.set("changed")
            super().data_received(data)

    async def main():
        loop = asyncio.get_running_loop()
        where.set("connection")
        async with connected(Protocol) as (protocol, far):
            where.set("elsewhere")
            for _ in range(2):
                await loop.sock_sendall(far, b"data")
                await protocol.told.get()

    run(main())
    assert seen == ["connection", "changed"]


def test_transport_that_nobody_closed_warns_and_lets_the_socket_go(run):
    async def main():
        near, far = socket.socketpair()
        transport, _ = await asyncio.get_running_loop().create_connection(
            asyncio.Protocol, sock=near
        )
        del near
        transport.pause_reading()
        with pytest.warns(ResourceWarning, match="unclosed transport"):
            del transport, _
            gc.collect()
        far.setblocking(False)
        assert await asyncio.get_running_loop().sock_recv(far, 1) == b""
        far.close()

    run(main())


def test_reading_transport_is_kept_by_the_loop(run):
    async def main():
        near, far = socket.socketpair()
        far.setblocking(False)
        loop = asyncio.get_running_loop()
        told = (await loop.create_connection(Recorder, sock=near))[1].told
        gc.collect()
        await loop.sock_sendall(far, b"still here")
        assert await told.get() == b"still here"
        far.close()
        assert [await told.get() for _ in range(2)] == ["eof", ("lost", type(None))]

    run(main())


def test_debug_mode_tells_of_slow_protocols(run, loop, errors):
    class Slow(Recorder):
        def data_received(self, data):
            start = time.perf_counter()
            while time.perf_counter() == start:
                pass
            super().data_received(data)

    async def main():
        async with connected(Slow) as (protocol, far):
            await loop.sock_sendall(far, b"data")
            assert await protocol.told.get() == b"data"

    loop.set_debug(True)
    loop.slow_callback_duration = 0
    run(main())
    assert any("_read_ready" in text and "took" in text for text in errors())


def test_repr_tells_whether_it_reads(run):
    async def main():
        async with connected() as (protocol, _):
            assert "read=polling" in repr(protocol.transport)
            protocol.transport.pause_reading()
            assert "read=idle" in repr(protocol.transport)

    run(main())


@pytest.mark.slow
@pytest.mark.timeout(seconds(120))
def test_transports_are_the_same_on_epoll():
    if "RINGHORN_LOOP_TESTS" in os.environ:
        pytest.skip("there the tests run in the program itself")
    forbid = str(Path(__file__).parents[1] / "support" / "forbid.py")
    names = ["test_transports.py", "test_transport_orders.py", "test_network.py"]
    files = [str(Path(__file__).with_name(name)) for name in names]
    again = ["-m", "pytest", "-q", "-m", "not slow", "-p", "no:cacheprovider", "--door=extension"]
    command = [sys.executable, forbid, "425", sys.executable, *again, *files]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:]


def test_socket_closed_behind_the_transport_is_nobody_elses(run):
    """Its number may stand for another connection already."""

    async def main():
        async with connected() as (protocol, _):
            protocol.transport.pause_reading()
            pair = socket.socketpair()
            number = protocol.transport._sock.fileno()
            protocol.transport._sock.close()
            os.dup2(pair[0].fileno(), number)
            protocol.transport.write(b"for somebody else")
            assert await protocol.told.get() == ("lost", OSError)
            pair[1].setblocking(False)
            with pytest.raises(BlockingIOError):
                pair[1].recv(1)
            os.close(number)
            for one in pair:
                one.close()

    run(main())
