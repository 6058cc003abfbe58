"""HTTP clients, other servers, processes, threads and files inside the server."""

ECHOES = [f"n={number}" for number in range(50)]


def test_httpx_fans_out_to_the_server_that_it_runs_in(ask):
    assert ask("httpx") == {"texts": ECHOES}


def test_aiohttp_client_and_server_share_the_loop(ask):
    assert ask("aiohttp") == {"texts": ECHOES, "same_body": True, "told": "over there"}


def test_grpc_client_and_server_share_the_loop(ask):
    answers = [f"{number};" * 2 for number in range(10)]
    assert ask("grpc") == {"answers": answers, "counted": [0, 1, 2, 3, 4]}


def test_subprocesses_and_their_pipes(ask):
    assert ask("subprocesses") == {
        "same": [True] * 4,
        "line": "a line\n",
        "statuses": [7, -9],
        "anyio": "through anyio",
    }


def test_threads_under_load_leave_the_loop_its_turns(ask):
    assert ask("threads") == {
        "sum": sum(range(500)),
        "told": 500,
        "went_on": True,
        "back": "back",
    }


def test_watchfiles_tells_of_a_change(ask):
    assert ask("watchfiles") == {"names": ["file"]}


def test_cancellation_of_anyio_and_of_asyncio(ask):
    assert ask("cancel") == {
        "seen": ["child", "host", "shielded", "task"],
        "limited": True,
        "outer": True,
        "message": "over",
        "left_over": 0,
    }
