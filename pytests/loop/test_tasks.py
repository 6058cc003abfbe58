"""A request's task, through each door: its first step runs at once, and it is a real one.

hot-path 2, lesson 14.
"""

import json

import pytest
from support.holds import holds
from support.server import Server

APP = "tasks:app"

# Of apps/first_steps.py.
SCENARIOS = """
    stay_itself be_listed appear_late be_looked_into cancel_itself cancel_itself_and_yield
    cancel_itself_in_vain cancel_itself_and_end end_at_once end_later fail_at_once fail_later
    cancel_then_fail yield_nonsense time_out fail_in_a_group hear_of_a_failure keep_its_context
    start_an_eager_task
""".split()


def answer(server: Server, target: str):
    response = server.get(target)
    assert response.status == 200
    return json.loads(response.body)


@holds("lesson_14")
@pytest.mark.parametrize("debug", ["off", "on"])
def test_request_runs_in_a_real_task_from_its_first_step_on(serve, debug):
    with serve(APP) as server:
        server.get(f"/debug?{debug}")
        before, after, same = answer(server, "/task")
        assert before == after and same
        if not server.door.oracle:
            assert (before["loop_type"] == "EventLoop") == (server.door.loop == "auto")
            assert before["named"] == "ringhorn-request"
        for fact in ("exact", "loop", "running", "known", "coroutine", "weak", "factory"):
            assert before[fact] is True, fact
        assert before["cancelling"] == 0


@holds("lesson_14")
@pytest.mark.parametrize("debug", ["off", "on"])
def test_request_keeps_one_context_over_its_suspensions(serve, debug):
    with serve(APP) as server:
        server.get(f"/debug?{debug}")
        for _ in range(3):
            # The next request does not see what this one has set.
            seen = answer(server, "/context")
            assert seen == ["nobody", "this request", "this request", "this request"]


@holds("lesson_14")
@pytest.mark.parametrize("debug", ["off", "on"])
def test_timeouts_and_groups_work_in_the_first_step(serve, debug):
    with serve(APP) as server:
        server.get(f"/debug?{debug}")
        assert answer(server, "/timeout") == ["timeout", "wait_for", "group"]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_first_step_treats_its_task_as_asyncio_does(serve, scenario):
    """It has none until it asks: nothing that it can ask shows that."""
    with serve("first_steps:app") as server:
        assert server.get(f"/begin/{scenario}").body == b"begun"
        compared = answer(server, f"/compare/{scenario}")
        assert compared["request"] == compared["task"]
        assert compared["task"]["seen"] or compared["task"]["endings"]


@pytest.mark.parametrize("scenario", ["raise_at_once", "raise_seen", "raise_later"])
def test_exception_of_a_request_is_told_once(serve, scenario):
    """By the server, and not by the task as well, which nobody asks for it."""
    with serve("first_steps:app") as server:
        assert server.get(f"/begin/{scenario}").body == b"begun"
        server.wait_for_line(f"^LookupError: {scenario}$")
        # It was the last to hold its task: had that to complain, it would have done so by now.
        assert server.get("/begin/end_at_once").body == b"begun"
        server.ask_to_stop()
        server.wait()
        text = "\n".join(server.stderr_lines())
        assert text.count(f"LookupError: {scenario}") == 1
        assert "never retrieved" not in text


def test_tasks_that_the_application_makes_wait_for_their_turn(serve):
    with serve(APP) as server:
        assert answer(server, "/order") == [
            "first step", "still first step", "callback", "inner task",
        ]  # fmt: skip


def test_tasks_are_noted_where_asyncio_notes_them(serve):
    """By native code, which keeps to all that WeakSet does: who iterates sees no change."""
    with serve(APP) as server:
        for _ in range(2):
            seen = answer(server, "/registry")
            assert seen.pop("native") or server.door.oracle
            assert seen.pop("before") == seen.pop("after")
            assert seen == {"known": True, "held back": 5, "taken out": 1, "added": True}


def test_pipelined_requests_are_not_stepped_inside_each_other(serve):
    """The second is parsed while the first is answered: each has its own current task."""
    with serve(APP) as server, server.connect() as connection:
        request = b"GET /task HTTP/1.1\r\nHost: test\r\n\r\n"
        connection.send(request * 8)
        for _ in range(8):
            before, after, same = json.loads(connection.read_response().body)
            assert before == after and same


@pytest.mark.parametrize("loop", ["ringhorn", "asyncio", "uvloop"])
def test_exit_in_a_request_is_a_failure_of_that_request(serve, loop):
    """As uvicorn: whoever calls sys.exit() in an endpoint must not take the server away."""
    with serve(APP, "--loop", loop) as server:
        for target in ("/leave", "/leave-later", "/leave-thread"):
            mark = server.mark()
            with server.connect() as other:
                assert server.get(target).status == 500
                server.wait_for_line(r"^SystemExit: 5", since=mark)
                other.get("/order")
                assert other.read_response().status == 200


def test_exit_in_a_task_of_the_applications_own_ends_the_server(serve, door):
    """As any asyncio program, and as uvicorn."""
    if door.loop == "uvloop":
        pytest.skip("uvloop raises it once the request that awaits the task has answered for it")
    with serve(APP, expect_status=None) as server:
        with server.connect() as connection:
            connection.send(b"GET /leave-inner HTTP/1.1\r\nHost: test\r\n\r\n")
            assert server.wait() != 0
