"""The budgets of the hot path: instructions, system calls and collections per request or message.

None of them depends on the clock or on how busy the machine is: callgrind and strace count, and
the requests of a round are made ready before the server may see them.
"""

import os

import pytest

from client import Client, check_response
from instructions import instructions_per_request
from rows import ROWS, Row, get
from servers import BENCH, Server
from support.patience import SANITIZED
from syscalls import count_in_lockstep

# Measured 2026-11-30 with CPython 3.11.2 of Debian (executable), and a tenth more: 9,855 for a raw
# hello, 105,348 for Starlette's JSON, 7,174 for a message of 16 bytes.
HELLO_INSTRUCTIONS_MAX = 10_840
STARLETTE_INSTRUCTIONS_MAX = 115_900
SOCKET_ECHO_INSTRUCTIONS_MAX = 7_900
CALLS_AT_64_MAX = 0.2
# On the ring a small response leaves in the call that waits for the next request; elsewhere 2.
CALLS_AT_1_MAX = 1
CALLS_AT_1_MAX_WITHOUT_RING = 2
# What one strace run may see that no request caused: the restart of an interrupted wait, a timer.
CALLS_ASIDE = 10


pytestmark = pytest.mark.skipif(SANITIZED, reason="a sanitized build counts itself")


@pytest.fixture
def server(door):
    """Ringhorn through the door, with the bench's applications on its path."""
    path = os.pathsep.join(filter(None, (str(BENCH), os.environ.get("PYTHONPATH"))))
    options = ["--host", "127.0.0.1", "--no-access-log", "apps:app", "--port"]
    return Server(
        door.name,
        lambda port, row: [*door.command, *options, port],
        {**door.environment, "PYTHONPATH": path},
    )


@pytest.mark.timeout(240)
def test_a_raw_hello_stays_within_its_instructions(server, tmp_path):
    counted = instructions_per_request(server, ROWS["hello64"], tmp_path, few=200, many=700)
    assert 0 < counted <= HELLO_INSTRUCTIONS_MAX


@pytest.mark.timeout(240)
def test_a_starlette_json_stays_within_its_instructions(server, tmp_path):
    counted = instructions_per_request(server, ROWS["starlette"], tmp_path, few=100, many=400)
    assert 0 < counted <= STARLETTE_INSTRUCTIONS_MAX


@pytest.mark.timeout(240)
def test_an_echo_of_16_bytes_stays_within_its_instructions(server, tmp_path):
    counted = instructions_per_request(server, ROWS["ws16-text-1"], tmp_path, few=200, many=700)
    assert 0 < counted <= SOCKET_ECHO_INSTRUCTIONS_MAX


def test_64_ready_connections_share_their_system_calls(server, tmp_path):
    """Lesson 27: what is counted is calls per request, with all 64 requests ready at once."""
    rounds = 20
    with server.start(ROWS["hello64"], tmp_path) as program:
        calls, table = count_in_lockstep(program, ROWS["hello64"], tmp_path, rounds, 64)
    assert 0 < calls <= CALLS_AT_64_MAX + CALLS_ASIDE / (rounds * 64), table


def test_one_connection_costs_one_system_call_a_request(server, tmp_path):
    """Lesson 33: read, write and three waits were 45 µs; the budget is one call."""
    rounds = 500
    with server.start(ROWS["hello1"], tmp_path) as program:
        calls, table = count_in_lockstep(program, ROWS["hello1"], tmp_path, rounds, 1)
    ring = "io_uring_enter" in table
    limit = CALLS_AT_1_MAX if ring else CALLS_AT_1_MAX_WITHOUT_RING
    assert 0 < calls <= limit + CALLS_ASIDE / rounds, table


def test_ten_thousand_plain_requests_cause_no_collection(server, tmp_path):
    hello = ROWS["hello64"]
    row = Row("collections", "collections", "collections", get(), hello.expected)
    with server.start(row, tmp_path) as program, Client(program.port) as client:
        counts = [ask_collections(client)]
        for _ in range(10_000 // 50):
            client.send(hello.request * 50)
            for _ in range(50):
                check_response(client.read_response(), hello.expected)
        counts.append(ask_collections(client))
    assert counts[1] == counts[0]


def ask_collections(client):
    client.send(get(b"/collections"))
    status, _, body = client.read_response()
    assert status == 200
    return body
