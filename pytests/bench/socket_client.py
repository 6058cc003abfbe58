"""A WebSocket for counting: one message after the other, every answer compared byte for byte.

The load of the rows comes from ctests/bench/ws_load; this one is for when the number of messages
must be known, and who has spoken when.  Its mask is zero, so that a payload stands as it is.
"""

import struct

from client import Client, WrongAnswer

HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
OPCODES = {"text": 0x81, "binary": 0x82}
PING, PONG = 0x89, 0x8A


def head_of(opcode, size, mark=0):
    """`mark` is 0x80 for a client's frame, whose mask follows."""
    if size < 126:
        return struct.pack("!BB", opcode, mark | size)
    if size < 65536:
        return struct.pack("!BBH", opcode, mark | 126, size)
    return struct.pack("!BBQ", opcode, mark | 127, size)


class SocketClient(Client):
    def __init__(self, port, kind, timeout=10):
        super().__init__(port, timeout)
        self.opcode = OPCODES[kind]
        self.send(HANDSHAKE)
        status, _ = self.read_head()
        if status != 101:
            raise WrongAnswer(f"status {status} for a handshake")

    def say(self, payload):
        self.say_frame(self.opcode, payload)

    def say_frame(self, opcode, payload):
        self.send(head_of(opcode, len(payload), 0x80) + bytes(4) + payload)

    def expect(self, payload):
        self.expect_frame(self.opcode, payload)

    def expect_frame(self, opcode, payload):
        expected = head_of(opcode, len(payload)) + payload
        got = self.reader.read(2)
        while got[:1] == bytes([PING]):
            self.say_frame(PONG, self.reader.read(got[1]))
            got = self.reader.read(2)
        got += self.reader.read(len(expected) - 2)
        if got != expected:
            raise WrongAnswer(f"the frame {got[:40]!r}, expected {expected[:40]!r}")


def payload_of(number, size):
    """Different ones: no server is to answer out of a cache."""
    return (b"%016d" % number * (size // 16 + 1))[:size]


def exchange_messages(port, row, count, timeout=60):
    """`count` messages that the server sends: echoes over one connection, or a broadcast's."""
    if row.messages.mode == "broadcast":
        return broadcast(port, row, count, timeout)
    with SocketClient(port, row.messages.kind, timeout) as client:
        for number in range(count):
            payload = payload_of(number, row.messages.bytes)
            client.say(payload)
            client.expect(payload)


def broadcast(port, row, count, timeout):
    clients = []
    try:
        for _ in range(row.connections):
            clients.append(SocketClient(port, row.messages.kind, timeout))
            clients[-1].expect_frame(OPCODES["text"], b"welcome")
        for number in range(count // row.connections):
            payload = payload_of(number, row.messages.bytes)
            clients[0].say(payload)
            for client in clients:
                client.expect(payload)
    finally:
        for client in clients:
            client.close()
