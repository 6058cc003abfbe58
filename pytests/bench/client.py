"""The checking client: sends a row's exact bytes over a plain socket and reads whole answers.

It understands what a server may send back (Content-Length, chunked, until close) and nothing
more; the load itself comes from wrk.
"""

import socket


class WrongAnswer(Exception):
    """The server answered something else than the row asks for."""


class Client:
    def __init__(self, port, timeout=10):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.reader.close()
        self.socket.close()

    def send(self, request):
        self.socket.sendall(request)

    def read_head(self):
        status_line = self.reader.readline().split(None, 2)
        if len(status_line) < 2 or not status_line[0].startswith(b"HTTP/1."):
            raise WrongAnswer(f"no status line but {status_line!r}")
        headers = {}
        while (line := self.reader.readline()) not in (b"\r\n", b"\n", b""):
            name, _, value = line.partition(b":")
            headers[name.strip().lower()] = value.strip()
        return int(status_line[1]), headers

    def read_chunked(self):
        pieces = []
        while size := int(self.reader.readline().partition(b";")[0], 16):
            pieces.append(self.reader.read(size))
            self.reader.readline()
        while self.reader.readline() not in (b"\r\n", b"\n", b""):
            pass
        return b"".join(pieces)

    def read_response(self):
        """(status, header fields, body) of the next response that is not an interim one."""
        status, headers = self.read_head()
        while 100 <= status < 200:
            status, headers = self.read_head()
        if b"chunked" in headers.get(b"transfer-encoding", b"").lower():
            return status, headers, self.read_chunked()
        if b"content-length" in headers:
            return status, headers, self.reader.read(int(headers[b"content-length"]))
        return status, headers, self.reader.read()

    def at_end(self):
        return self.reader.read(1) == b""


def check_response(response, expected):
    status, _, body = response
    if status != 200:
        raise WrongAnswer(f"status {status}: {body[:80]!r}")
    if body != expected:
        raise WrongAnswer(f"body of {len(body)} bytes, expected {len(expected)}: {body[:40]!r}")


def check_row(port, row, rounds=3):
    """Raises WrongAnswer unless the row's request gets the row's answer, each time of `rounds`."""
    try:
        for _ in range(rounds if row.closes else 1):
            with Client(port) as client:
                for _ in range(1 if row.closes else rounds):
                    client.send(row.request)
                    for _ in range(row.pipeline):
                        check_response(client.read_response(), row.expected)
                if row.closes and not client.at_end():
                    raise WrongAnswer("the connection stayed open after Connection: close")
    except (OSError, ValueError) as error:
        raise WrongAnswer(f"{type(error).__name__}: {error}") from error
