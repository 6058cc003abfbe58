"""Transports, streams and sockets, which asyncio itself builds on add_reader and add_writer."""

import asyncio
import os
import socket
import ssl
import subprocess

import httpx
import pytest


class Recorder(asyncio.Protocol):
    """A protocol as database drivers write them: futures that its callbacks resolve."""

    def __init__(self):
        loop = asyncio.get_running_loop()
        self.connected, self.closed = loop.create_future(), loop.create_future()
        self.received, self.waiters, self.calls = bytearray(), [], []

    def connection_made(self, transport):
        self.transport = transport
        self.connected.set_result(None)

    def data_received(self, data):
        self.received += data
        for waiter in self.waiters:
            if not waiter.done():
                waiter.set_result(None)

    def eof_received(self):
        self.calls.append("eof")

    def pause_writing(self):
        self.calls.append("pause")

    def resume_writing(self):
        self.calls.append("resume")

    def connection_lost(self, error):
        self.closed.set_result(error)

    async def wait_for(self, count):
        while len(self.received) < count:
            waiter = asyncio.get_running_loop().create_future()
            self.waiters.append(waiter)
            await waiter
            self.waiters.remove(waiter)


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


async def echo_server(**options):
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Echo, "127.0.0.1", 0, **options)
    return server, server.sockets[0].getsockname()[1]


def test_protocols_echo(run):
    async def main():
        loop = asyncio.get_running_loop()
        server, port = await echo_server()
        async with server:
            transport, protocol = await loop.create_connection(Recorder, "127.0.0.1", port)
            await protocol.connected
            for size in (1, 1000, 100_000):
                protocol.received.clear()
                transport.write(b"x" * size)
                await protocol.wait_for(size)
            assert transport.get_extra_info("peername") == ("127.0.0.1", port)
            transport.close()
            assert await protocol.closed is None

    run(main())


def test_back_pressure_pauses_and_resumes(run):
    async def main():
        loop = asyncio.get_running_loop()
        near, far = socket.socketpair()
        far.setblocking(False)
        transport, protocol = await loop.create_connection(Recorder, sock=near)
        transport.set_write_buffer_limits(high=1000)
        transport.write(b"x" * 2_000_000)
        assert protocol.calls == ["pause"]
        rest = 2_000_000
        while rest:
            rest -= len(await loop.sock_recv(far, 1 << 16))
        assert protocol.calls == ["pause", "resume"]
        transport.close()
        await protocol.closed
        far.close()

    run(main())


def test_reading_pauses_and_resumes(run):
    async def main():
        loop = asyncio.get_running_loop()
        near, far = socket.socketpair()
        far.setblocking(False)
        transport, protocol = await loop.create_connection(Recorder, sock=near)
        await loop.sock_sendall(far, b"one")
        await protocol.wait_for(3)
        transport.pause_reading()
        await loop.sock_sendall(far, b"two")
        for _ in range(3):
            await asyncio.sleep(0.0005)
        assert protocol.received == b"one"
        transport.resume_reading()
        await protocol.wait_for(6)
        far.close()
        await protocol.closed
        assert protocol.calls == ["eof"]

    run(main())


def test_streams_serve_many_connections(run):
    async def serve(reader, writer):
        while line := await reader.readline():
            writer.write(line.upper())
            await writer.drain()
        writer.close()

    async def ask(port, number):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for turn in range(5):
            writer.write(b"line %d %d\n" % (number, turn))
            assert await reader.readline() == b"LINE %d %d\n" % (number, turn)
        writer.close()
        await writer.wait_closed()

    async def main():
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            await asyncio.gather(*(ask(port, number) for number in range(100)))

    run(main())


def test_sock_methods(run):
    async def main():
        loop = asyncio.get_running_loop()
        with socket.socket() as listener, socket.socket() as client:
            listener.setblocking(False)
            client.setblocking(False)
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            accepting = asyncio.create_task(loop.sock_accept(listener))
            await loop.sock_connect(client, listener.getsockname())
            server, _ = await accepting
            with server:
                sending = asyncio.create_task(loop.sock_sendall(client, b"x" * 1_000_000))
                buffer, count = bytearray(1 << 16), 0
                while count < 1_000_000:
                    count += await loop.sock_recv_into(server, buffer)
                await sending
                receiving = asyncio.create_task(loop.sock_recv(client, 10))
                await asyncio.sleep(0)
                await loop.sock_sendall(server, b"answer")
                assert await receiving == b"answer"

    run(main())


def test_sock_recv_can_be_cancelled(run):
    async def main():
        loop = asyncio.get_running_loop()
        near, far = socket.socketpair()
        for end in (near, far):
            end.setblocking(False)
        for _ in range(20):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.0005):
                    await loop.sock_recv(near, 1)
        far.send(b"x")
        assert await loop.sock_recv(near, 1) == b"x"
        near.close()
        far.close()

    run(main())


def test_datagrams(run):
    class Answer(asyncio.DatagramProtocol):
        def connection_made(self, transport):
            self.transport = transport

        def datagram_received(self, data, address):
            self.transport.sendto(data.upper(), address)

    class Question(asyncio.DatagramProtocol):
        def __init__(self):
            self.answer = asyncio.get_running_loop().create_future()

        def datagram_received(self, data, address):
            self.answer.set_result(data)

    async def main():
        loop = asyncio.get_running_loop()
        server, _ = await loop.create_datagram_endpoint(Answer, ("127.0.0.1", 0))
        address = server.get_extra_info("sockname")
        client, protocol = await loop.create_datagram_endpoint(Question, remote_addr=address)
        client.sendto(b"hello")
        assert await protocol.answer == b"HELLO"
        client.close()
        server.close()
        await asyncio.sleep(0)

    run(main())


def test_unix_sockets(run, tmp_path):
    async def main():
        path = str(tmp_path / "socket")
        loop = asyncio.get_running_loop()
        async with await loop.create_unix_server(Echo, path):
            reader, writer = await asyncio.open_unix_connection(path)
            writer.write(b"hello\n")
            assert await reader.readline() == b"hello\n"
            writer.close()
            await writer.wait_closed()

    run(main())


def test_pipes(run):
    async def main():
        loop = asyncio.get_running_loop()
        read_end, write_end = os.pipe()
        reader = asyncio.StreamReader()
        source, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(read_end, "rb", 0)
        )
        transport, _ = await loop.connect_write_pipe(
            asyncio.BaseProtocol, os.fdopen(write_end, "wb", 0)
        )
        assert " polling" in repr(source)
        transport.write(b"through the pipe")
        transport.close()
        assert await reader.read() == b"through the pipe"

    run(main())


def test_sendfile(run, tmp_path):
    async def main():
        path = tmp_path / "file"
        path.write_bytes(b"0123456789" * 100_000)
        server, port = await echo_server()
        async with server:
            loop = asyncio.get_running_loop()
            transport, protocol = await loop.create_connection(Recorder, "127.0.0.1", port)
            with path.open("rb") as file:
                assert await loop.sendfile(transport, file) == 1_000_000
            await protocol.wait_for(1_000_000)
            assert protocol.received == path.read_bytes()
            transport.close()
            await protocol.closed

    run(main())


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    path = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    files = ["-keyout", str(path / "key"), "-out", str(path / "certificate")]
    names = ["-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*command.split(), *names, *files], check=True, capture_output=True)
    return path


def contexts(certificate):
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(certificate / "certificate", certificate / "key")
    return server, ssl.create_default_context(cafile=certificate / "certificate")


def test_tls(run, certificate):
    async def main():
        for_server, for_client = contexts(certificate)
        server, port = await echo_server(ssl=for_server)
        async with server:
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", port, ssl=for_client, server_hostname="localhost"
            )
            below = writer.transport._ssl_protocol._transport
            assert type(below).__name__ == "SocketTransport"
            writer.write(b"x" * 300_000)
            assert await reader.readexactly(300_000) == b"x" * 300_000
            writer.close()
            await writer.wait_closed()

    run(main())


def test_start_tls(run, certificate):
    async def serve(reader, writer):
        assert await reader.readline() == b"STARTTLS\n"
        writer.write(b"go\n")
        await writer.start_tls(for_server)
        writer.write(await reader.readline())
        await writer.drain()
        writer.close()

    async def main():
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"STARTTLS\n")
            assert await reader.readline() == b"go\n"
            await writer.start_tls(for_client, server_hostname="localhost")
            writer.write(b"secret\n")
            assert await reader.readline() == b"secret\n"
            writer.close()
            await writer.wait_closed()

    for_server, for_client = contexts(certificate)
    run(main())


def test_connection_refused_is_an_error(run):
    async def main():
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(*unused.getsockname())

    run(main())


def test_httpx_talks_to_a_server_on_the_same_loop(run):
    async def serve(reader, writer):
        while await reader.readline():
            while (await reader.readline()).strip():
                pass
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
            await writer.drain()
        writer.close()

    async def main():
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server, httpx.AsyncClient() as client:
            answers = await asyncio.gather(*(client.get(url) for _ in range(20)))
            assert [answer.text for answer in answers] == ["hello"] * 20
            answer = await client.get(url, timeout=5)
            assert answer.status_code == 200

    run(main())
