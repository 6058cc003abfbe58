"""The measurements of a row: its servers are started, checked and warmed up, then loaded in turn.

The figure is CPU time of the server's whole process tree per request; requests per second and
latency stand beside it. A row whose server core was less than 95 % busy is marked: there the
client, or waiting, set the pace, and only the CPU time says what the server costs.
"""

import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from functools import partial

from client import Client, WrongAnswer, check_response, check_row
from limit import application_cost
from load import LoadError, run_wrk
from messages import run_messages
from processes import StartError

BUSY_ENOUGH = 0.95
# Idle connections are opened so many at a time, to be done before the first one times out.
IDLE_BURST = 50


@dataclass
class Sample:
    """One round of one server on one row; `error` says why there are no figures."""

    cpu_us: float | None = None
    rps: float | None = None
    p50_us: int | None = None
    p99_us: int | None = None
    busy: float | None = None
    bytes_per_connection: float | None = None
    syscalls: float | None = None
    errors: dict = field(default_factory=dict)
    error: str = ""

    def as_json(self):
        return {name: value for name, value in asdict(self).items() if value not in (None, {}, "")}

    @property
    def value(self):
        """What servers are compared by: CPU µs per request, or bytes per connection."""
        return self.cpu_us if self.bytes_per_connection is None else self.bytes_per_connection


@dataclass
class Method:
    """How long and where. A server is warmed up once, before its first sample; `count_syscalls`
    adds a short run under strace to each sample."""

    folder: object
    seconds: float = 3
    warm_up: float = 1
    server_core: int = 0
    client_core: int = 1
    count_syscalls: object = None
    ws_load: object = None


def check_floor(port, row):
    """The responder answers with bytes of its own: status and length must still be the row's."""
    with Client(port) as client:
        client.send(row.request)
        for _ in range(row.pipeline):
            status, _, body = client.read_response()
            if status != 200 or len(body) != len(row.expected):
                raise WrongAnswer(f"status {status}, {len(body)} bytes")


def measure_rounds(servers, row, method, rounds):
    """(number, server's name, Sample): every server in turn, whichever begins the round.

    All are started first and stay: between two samples of one server lie seconds, and what else
    the machine does meets all of them. Memory is counted in processes that nobody has used yet.
    """
    starts = [[number] for number in range(rounds)] if row.idle_connections else [range(rounds)]
    for numbers in starts:
        with ExitStack() as stack:
            started = [(server.name, start(server, row, method, stack)) for server in servers]
            for number in numbers:
                turn = number % len(started)
                for name, sample in started[turn:] + started[:turn]:
                    yield number, name, sample()


def start(server, row, method, stack):
    """What gives a Sample when it is called; a server that fails is a finding, not the end of
    the run, and is not asked again."""
    if isinstance(server, Application):
        return lambda: server.sample(row, method)
    try:
        program = stack.enter_context(server.start(row, method.folder, method.server_core))
    except (StartError, OSError) as error:
        return partial(Sample, error=f"not started: {error}")
    served = Served(program, row, method, check_floor if server.name == "floor" else check_row)
    return served.sample


class Served:
    """A started server, which answers rightly and is warm from its first sample on."""

    def __init__(self, program, row, method, check):
        self.program, self.row, self.method, self.check = program, row, method, check
        self.failure = None
        self.is_warm = False

    def sample(self):
        if self.failure is None:
            one = self.measured()
            self.failure = one if one.error else None
            return one
        return self.failure

    def measured(self):
        try:
            one = self.figures()
        except (WrongAnswer, ValueError) as error:
            return Sample(error=f"wrong answer: {error}")
        except (LoadError, OSError) as error:
            return Sample(error=f"{type(error).__name__}: {error}")
        if self.program.process.poll() is not None:
            return Sample(error=f"ended under load: {self.program.last_lines()}")
        return one

    def figures(self):
        program, row, method = self.program, self.row, self.method
        if row.messages:
            return measure_messages(program, row, method)
        if not self.is_warm:
            self.check(program.port, row)
            seconds = max(1, method.warm_up) if row.idle_connections else method.warm_up
            if seconds:
                run_wrk(row, program.port, seconds, method.folder, method.client_core)
            self.is_warm = True
        return (measure_idle if row.idle_connections else measure_load)(program, row, method)


def measure_load(program, row, method):
    before, begin = program.cpu_seconds(), time.monotonic()
    load = run_wrk(row, program.port, method.seconds, method.folder, method.client_core)
    cpu, wall = program.cpu_seconds() - before, time.monotonic() - begin
    if not load.requests:
        return Sample(errors=load.errors, error="no request was answered under load")
    sample = Sample(
        cpu_us=cpu / load.requests * 1e6,
        rps=load.requests / load.seconds,
        busy=min(1.0, cpu / wall),
        errors=load.errors,
    )
    if row.pipeline == 1:
        sample.p50_us, sample.p99_us = load.p50_us, load.p99_us
    if method.count_syscalls:
        sample.syscalls = method.count_syscalls(program, row, method)
    return sample


def measure_messages(program, row, method):
    """WebSockets: their load generator checks every message itself."""
    load = run_messages(program, row, method)
    if row.idle_connections:
        return Sample(bytes_per_connection=load.resident_bytes / row.idle_connections)
    return Sample(
        cpu_us=load.cpu_seconds / load.messages * 1e6,
        rps=load.messages / load.seconds,
        p50_us=load.p50_us,
        p99_us=load.p99_us,
        busy=min(1.0, load.cpu_seconds / load.wall_seconds),
    )


def measure_idle(program, row, method):
    """Rss after N connections that were each answered once, less Rss after a warm-up, by N."""
    before = program.resident_bytes()
    clients = []
    try:
        while len(clients) < row.idle_connections:
            burst = [Client(program.port, timeout=5) for _ in range(IDLE_BURST)]
            clients += burst
            for client in burst:
                client.send(row.request)
            for client in burst:
                check_response(client.read_response(), row.expected)
        after = program.resident_bytes()
        open_connections = sum(still_open(client) for client in clients)
    except (OSError, ValueError, WrongAnswer) as error:
        return Sample(error=f"after {len(clients)} connections: {type(error).__name__}: {error}")
    finally:
        for client in clients:
            client.close()
    if open_connections < row.idle_connections:
        return Sample(error=f"only {open_connections} connections were kept open")
    return Sample(bytes_per_connection=(after - before) / row.idle_connections)


def still_open(client):
    client.socket.setblocking(False)
    try:
        return client.socket.recv(1) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


class Application:
    """The second half of the limit, in the shape of a server: the application driven by hand."""

    name = "application"
    version = ""
    missing = ""

    def __init__(self, python, environment):
        self.python = python
        self.environment = environment

    def sample(self, row, method):
        seconds = min(1.5, method.seconds)
        cost = application_cost(row, self.python, seconds, self.environment, method.server_core)
        return Sample(cpu_us=cost) if cost else Sample(error="cannot be driven by hand")
