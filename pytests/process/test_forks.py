"""Processes that the application forks while it serves: what they do to what is their parent's,
and how they leave, is nothing that the parent, its clients or its own connections notice."""

import pytest
from support.checks import show
from support.holds import holds

APP = "forks:app"
CHILDREN = ("run", "watch", "schedule", "close", "drop", "log")
CAME_BACK = "came back to its parent's event loop"


@pytest.fixture(autouse=True)
def ours(door):
    if door.oracle:
        pytest.skip("the oracle's child is a second server")
    if door.loop not in ("auto", "ringhorn"):
        pytest.skip("another loop shares its selector with the child, and both take from it")


@pytest.fixture
def during(shared):
    """`during(query)`: a request while another is being answered, and what the parent has is whole.

    The answer of the application, once everything that was open before still works.
    """
    server = shared(APP)

    def ask(target: str):
        with server.connect() as waiting, server.connect() as asking:
            waiting.get("/wait")
            assert waiting.read_until(b"wait").endswith(b"wait")
            if "where=received" in target:
                head = f"POST {target} HTTP/1.1\r\nHost: test\r\nContent-Length: 1\r\n"
                asking.send(head.encode() + b"Expect: 100-continue\r\n\r\n")
                asking.read_until(b"100 Continue\r\n\r\n")  # it waits in receive()
                asking.send(b"x")
            else:
                asking.get(target)
            answer = show(asking.read_response())
            asking.get("/echo")
            assert show(asking.read_response()) == "who"
            asking.get("/release")
            assert asking.read_response().status == 200
            assert b"ed\r\n0\r\n\r\n" in waiting.read_until(b"0\r\n\r\n")
        return answer

    ask.server = server
    return ask


@pytest.mark.parametrize("child", CHILDREN)
@holds("robustness_83")
def test_forked_child_may_use_its_loop_and_leaves_by_sys_exit(during, child):
    """In the first step of a request, which runs out of the driver's dispatch."""
    assert during(f"/fork?child={child}&leave=exit_status&where=first") == ["done", 7]


@pytest.mark.parametrize("where", ["later", "received", "thread"])
@holds("robustness_83")
def test_forked_child_may_do_it_all_wherever_it_was_forked(during, where):
    """In a later step, which is a callback of the loop, in one without the request's task, and in
    another thread."""
    assert during(f"/fork?child=everything&leave=exit_status&where={where}") == ["done", 7]


@pytest.mark.parametrize("where", ["first", "later", "received"])
@holds("robustness_83")
def test_forked_child_that_comes_back_is_ended_and_says_why(during, where):
    mark = during.server.mark()
    query = f"/fork?child=nothing&leave=come_back&where={where}"
    assert during(query) == ["done", 1]
    during.server.wait_for_line(CAME_BACK, since=mark)


@pytest.mark.parametrize("where", ["first", "later", "received"])
@holds("robustness_83")
def test_forked_child_that_fails_does_not_answer_its_parents_request(during, where):
    """One response for one request: the child has no other way than to end."""
    assert during(f"/fork?child=nothing&leave=fail&where={where}") == ["done", 1]


@holds("robustness_83")
def test_forked_child_cannot_answer_its_parents_request(during):
    assert during("/fork?child=nothing&leave=answer") == ["done", 1]


@holds("robustness_83")
def test_process_of_multiprocessing_runs_a_loop_of_its_own(during):
    """Started on the loop's thread: its end is no end of the server."""
    assert during("/process") == 0


@holds("robustness_83")
def test_forked_child_that_lives_on_keeps_no_connection_open(shared):
    """What the parent closes has ended for the client, whatever process has a copy."""
    server = shared(APP)
    with server.connect() as forking, server.connect() as closing:
        closing.get("/echo")
        closing.read_response()
        forking.get("/hold")
        assert forking.read_response().status == 200
        closing.get("/echo", "Connection: close")
        assert closing.read_response().status == 200
        closing.expect_close()
        forking.get("/let-go")
        assert show(forking.read_response()) == 0
