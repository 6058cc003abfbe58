"""--balance: one socket for all workers, or one for each."""

import json
import os
from collections import Counter
from contextlib import ExitStack
from signal import SIGCONT, SIGSTOP, SIGTTIN, SIGTTOU

import pytest
from support.checks import show

HASH = ("--balance", "hash", "--workers", "2")


def workers_of(server, count: int = 40) -> Counter:
    """Who answers so many new connections."""
    return Counter(show(server.get("/process"))["pid"] for _ in range(count))


def until(server, workers: int, count: int, without: set[int] = frozenset()) -> set[int]:
    """Waits until so many processes, and none of `without`, answer `count` new connections."""
    while len(found := set(workers_of(server, count))) != workers or found & without:
        pass
    return found


@pytest.mark.parametrize("balance", ["shared", "hash"])
def test_every_worker_gets_its_share(serve, balance):
    with serve("raw:app", "--balance", balance, "--workers", "2") as server:
        until(server, 2, 40)


def test_sockets_have_a_worker_however_many_there_are(serve):
    with serve("raw:app", *HASH) as server:
        both = until(server, 2, 40)
        mark = server.mark()
        server.send_signal(SIGTTOU)
        server.wait_for_line("decreasing the number of processes to 1", since=mark)
        # The one that is left is replaced by one that accepts from both sockets.
        (alone,) = until(server, 1, 40, without=both)
        mark = server.mark()
        server.send_signal(SIGTTIN)
        server.wait_for_line("increasing the number of processes to 2", since=mark)
        until(server, 2, 40, without={alone})


def test_third_worker_shares_the_socket_of_the_first(serve):
    with serve("raw:app", *HASH) as server:
        both = until(server, 2, 40)
        server.send_signal(SIGTTIN)
        assert both < until(server, 3, 80)


def test_port_that_another_server_shares_is_taken(serve, door):
    with serve("raw:app", *HASH) as server:
        ended = door.run("raw:app", *HASH, "--port", str(server.port))
        assert ended.returncode == 3
        assert "address already in use" in ended.stderr


def test_worker_that_has_fewer_connections_gets_the_next(serve):
    """The other leaves newcomers to it, and not only half of them."""
    options = ("--workers", "2", "--timeout-keep-alive", "600")
    with serve("raw:app", *options) as server, ExitStack() as kept:

        def keep_one() -> int:
            connection = kept.enter_context(server.connect())
            connection.get("/process")
            return json.loads(connection.read_response().body)["pid"]

        behind = min(until(server, 2, 40))
        os.kill(behind, SIGSTOP)
        ahead = Counter(keep_one() for _ in range(120))
        os.kill(behind, SIGCONT)
        assert list(ahead.values()) == [120]
        counts = ahead + Counter({behind: 0})
        for _ in range(450):
            counts[keep_one()] += 1
            if max(counts.values()) - counts[behind] <= 40:
                return
        raise AssertionError(f"connections of each worker: {counts}")
