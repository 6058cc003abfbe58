"""The load of the WebSocket rows: ctests/bench/ws_load on a core of its own.

It answers for the content: every message that comes back is compared. The server's CPU time is
read when it says that the warm-up is over, and when it reports; handshakes are not in it.
"""

import json
import subprocess
import time
from dataclasses import dataclass

from load import LoadError

# Sockets that are held open must not be closed while the others come.
START_SECONDS_MAX = 120


@dataclass
class MessageLoad:
    """`seconds` as the client counts, `wall_seconds` and `cpu_seconds` as /proc tells."""

    messages: int = 0
    seconds: float = 0
    p50_us: float = 0
    p99_us: float = 0
    cpu_seconds: float = 0
    wall_seconds: float = 0
    resident_bytes: int = 0


def command_of(row, port, method):
    messages = row.messages
    connections = row.idle_connections or row.connections
    words = ["taskset", "-c", method.client_core, method.ws_load, "--port", port]
    words += ["--mode", messages.mode, "--connections", connections, "--bytes", messages.bytes]
    words += ["--kind", messages.kind, "--seconds", method.seconds, "--warm-up", method.warm_up]
    return [str(word) for word in words] + ["--deflate"] * messages.deflate


def run_messages(program, row, method):
    """Raises LoadError, also for a server that does not compress when the row asks for it."""
    if method.ws_load is None:
        raise LoadError("ctests/bench/ws_load could not be built")
    resident = program.resident_bytes()
    client = subprocess.Popen(
        command_of(row, program.port, method),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with client:
        started = client.stdout.readline().strip()
        if started not in ("ready", "measuring"):
            raise LoadError(f"ws_load: {started or client.stderr.read().strip()[-300:]}")
        before, begun = program.cpu_seconds(), time.monotonic()
        grown = program.resident_bytes() - resident
        if row.idle_connections:
            client.stdin.close()
        line = client.stdout.readline()
        cpu, wall = program.cpu_seconds() - before, time.monotonic() - begun
    return read_report(line, row, MessageLoad(0, 0, 0, 0, cpu, wall, grown))


def read_report(line, row, load):
    try:
        report = json.loads(line)
    except ValueError:
        raise LoadError(f"ws_load gave no report: {line!r}") from None
    if report["fault"]:
        raise LoadError(report["fault"])
    if row.messages.deflate and not report["deflate"]:
        raise LoadError("no permessage-deflate")
    if not row.idle_connections and not report["messages"]:
        raise LoadError("no message came back")
    load.messages, load.seconds = report["messages"], report["seconds"]
    load.p50_us, load.p99_us = report["p50_us"], report["p99_us"]
    return load
