"""Socket transports under whatever a protocol may do in whatever order: nothing is lost, nothing
comes twice, and nothing comes while it is not wanted."""

import asyncio
import random
import socket

import pytest
from support.patience import seconds

PIECES = (1, 100, 3000, 60_000, 300_000)
BUFFERS = (1000, 5000, 70_000)


class Restless(asyncio.Protocol):
    """Pauses, resumes and changes its kind whenever it gets something."""

    def __init__(self, chance):
        self.chance, self.got, self.pieces = chance, bytearray(), 0
        self.lost = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.take(data)
        if self.chance.random() < 0.1:
            self.transport.set_protocol(RestlessBuffer(self))

    def take(self, data):
        assert self.transport.is_reading() and not self.lost.done()
        self.got += data
        loop, chance = asyncio.get_running_loop(), self.chance.random()
        if chance < 0.3:
            self.transport.pause_reading()
            if chance < 0.1:
                self.transport.resume_reading()
            elif chance < 0.2:
                loop.call_soon(self.transport.resume_reading)
            else:
                loop.call_later(self.chance.random() / 1000, self.transport.resume_reading)

    def connection_lost(self, error):
        self.lost.set_result(error)


class RestlessBuffer(asyncio.BufferedProtocol):
    def __init__(self, behind):
        self.behind, self.buffer = behind, bytearray(behind.chance.choice(BUFFERS))

    def get_buffer(self, size):
        return self.buffer

    def buffer_updated(self, size):
        self.behind.take(self.buffer[:size])
        if self.behind.chance.random() < 0.3:
            self.behind.transport.set_protocol(self.behind)

    def connection_lost(self, error):
        self.behind.connection_lost(error)


async def send(far, chance, size, sent):
    while len(sent) < size:
        piece = chance.randbytes(chance.choice(PIECES))
        sent += piece
        await asyncio.get_running_loop().sock_sendall(far, piece)
        if chance.random() < 0.3:
            await asyncio.sleep(chance.random() / 1000)
    far.shutdown(socket.SHUT_WR)


async def talk(seed):
    """A connection that reads to the end, or closes somewhere in the middle."""
    chance, sent = random.Random(seed), bytearray()
    near, far = socket.socketpair()
    far.setblocking(False)
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_connection(lambda: Restless(chance), sock=near)
    sending = asyncio.create_task(send(far, chance, chance.choice((1000, 500_000)), sent))
    early = chance.random() < 0.3
    if early:
        await asyncio.sleep(chance.random() / 500)
        chance.choice((transport.close, transport.abort))()
    assert await protocol.lost is None
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    far.close()
    assert protocol.got == (sent[: len(protocol.got)] if early else sent)


@pytest.mark.timeout(seconds(60))
@pytest.mark.parametrize("seed", range(3))
def test_any_order_of_pauses_closes_and_protocols_loses_nothing(run, seed):
    async def main():
        await asyncio.gather(*(talk(20 * seed + number) for number in range(20)))

    run(main())


@pytest.mark.timeout(seconds(60))
def test_runs_that_end_in_the_middle_lose_nothing(run, loop):
    chance = random.Random(1)
    talks = [loop.create_task(talk(100 + number)) for number in range(10)]
    while not all(talk.done() for talk in talks):
        run(asyncio.sleep(chance.random() / 300))
    for each in talks:
        each.result()
