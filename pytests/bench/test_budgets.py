"""The budgets of the hot path: instructions, system calls and collections per request.

None of them depends on the clock or on how busy the machine is: callgrind and strace count, and
the requests of a round are made ready before the server may see them.
"""

import os

import pytest

from client import Client, check_response
from instructions import instructions_per_request
from rows import ROWS, Row, get
from servers import BENCH, Server, ringhorn_doors
from syscalls import count_in_lockstep

HELLO_INSTRUCTIONS_MAX = 20_000
STARLETTE_INSTRUCTIONS_MAX = None
CALLS_AT_64_MAX = 0.2
CALLS_AT_1_MAX = 2
# What one strace run may see that no request caused: the restart of an interrupted wait, a timer.
CALLS_ASIDE = 10


def servers():
    doors = ringhorn_doors()
    path = os.pathsep.join(filter(None, (str(BENCH), os.environ.get("PYTHONPATH"))))

    def command(words):
        options = ["--host", "127.0.0.1", "--no-access-log", "apps:app", "--port"]
        return lambda port, row: [*words, *options, port]

    return {
        name: Server(name, command(words), {"PYTHONPATH": path}) for name, words in doors
    }


SERVERS = servers()
EVERY_DOOR = pytest.mark.parametrize("door", SERVERS or ["none"])


def server_of(door):
    if door not in SERVERS:
        pytest.fail("RINGHORN_EXECUTABLE or RINGHORN_PYTHON must name a built Ringhorn")
    return SERVERS[door]


@pytest.fixture
def quickest():
    return server_of(next(iter(SERVERS), "none"))


def test_a_raw_hello_stays_within_its_instructions(quickest, tmp_path):
    counted = instructions_per_request(quickest, ROWS["hello64"], tmp_path, few=200, many=700)
    assert 0 < counted <= HELLO_INSTRUCTIONS_MAX


def test_a_starlette_json_stays_within_its_instructions(quickest, tmp_path):
    counted = instructions_per_request(quickest, ROWS["starlette"], tmp_path, few=100, many=400)
    assert 0 < counted <= STARLETTE_INSTRUCTIONS_MAX


@EVERY_DOOR
def test_64_ready_connections_share_their_system_calls(door, tmp_path):
    """Lesson 27: what is counted is calls per request, with all 64 requests ready at once."""
    rounds = 20
    with server_of(door).start(ROWS["hello64"], tmp_path) as program:
        calls, table = count_in_lockstep(program, ROWS["hello64"], tmp_path, rounds, 64)
    assert 0 < calls <= CALLS_AT_64_MAX + CALLS_ASIDE / (rounds * 64), table


@EVERY_DOOR
def test_one_connection_costs_two_system_calls_a_request(door, tmp_path):
    """Lesson 33: read, write and three waits were 45 µs; the budget is two calls."""
    rounds = 500
    with server_of(door).start(ROWS["hello1"], tmp_path) as program:
        calls, table = count_in_lockstep(program, ROWS["hello1"], tmp_path, rounds, 1)
    assert 0 < calls <= CALLS_AT_1_MAX + CALLS_ASIDE / rounds, table


@EVERY_DOOR
def test_ten_thousand_plain_requests_cause_no_collection(door, tmp_path):
    hello = ROWS["hello64"]
    row = Row("collections", "collections", "collections", get(), hello.expected)
    with server_of(door).start(row, tmp_path) as program, Client(program.port) as client:
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
