"""Ports for servers that must have a given one, or that print no banner."""

from __future__ import annotations

import socket
import subprocess
import time

from support.patience import seconds
from support.raw import Connection


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def connect_when_up(process: subprocess.Popen, port: int) -> Connection:
    """For a server that says nothing: it is up when the kernel refuses no more."""
    deadline = time.monotonic() + seconds(10)
    while True:
        try:
            return Connection(port)
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, "the server does not listen"
        try:
            status = process.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
        raise AssertionError(f"the server has ended with status {status}")
