"""A call that waits in receive(), again and again: it goes on without its task, and nothing that it
can do shows that."""

import json

import pytest
from support.holds import holds
from support.websocket import PING, PONG, frame, open_websocket
from support.websocket import text as text_frame

# What apps/waiting.py answers.
ONCE = {
    "timeout": ["timeout", 0],
    "wait_for": ["timeout", 0],
}
# … when it is told the same text a second time.
TWICE = {
    "sleep": [True, "sleep"],
    "give_way": [True, "give_way"],
    "inner_task": "inner_task",
    "group": "group",
    "eager_task": "eager_task",
    "cancel_itself": [["enough"], 0, "cancel_itself"],
    "cancel_itself_and_sleep": ["cancelled", 0, "cancel_itself_and_sleep"],
    "cancel_itself_and_give_way": ["cancelled", 0, "cancel_itself_and_give_way"],
    "be_cancelled": ["cancelled", 0, "be_cancelled"],
}
ROUNDS = 3


def wait_until_seen(socket):
    """A Ping is answered behind all that was sent before it."""
    socket.send(frame(PING, b"seen"))
    assert socket.read_frame().opcode == PONG


def say(socket, words):
    socket.send_text(words)
    return json.loads(socket.read())


def say_twice(socket, words, at_once):
    """The second time when there is something to wait for, or when the call waits already."""
    socket.send_text(words)
    if not at_once:
        wait_until_seen(socket)
    socket.send_text(words)
    return json.loads(socket.read())


def say_to_both(socket, at_once):
    """To the call, and to a task that it has made, when both wait."""
    socket.send_text("both")
    for _ in range(2):
        wait_until_seen(socket)
        if not at_once:
            socket.send_text("both")
    if at_once:
        socket.send(text_frame("both"), text_frame("both"))
    return json.loads(socket.read())


def check_task(socket, count):
    """It is still in its task, in that task's context."""
    same, known, done, state, counted = say(socket, "task")
    assert (same, known, done, counted) == (True, True, False, count)
    assert state == "CORO_RUNNING"


@holds("lesson_14")
def test_call_that_goes_on_is_in_its_task_and_context(serve):
    with serve("waiting:app") as server, open_websocket(server) as socket:
        for count in range(1, 6):
            check_task(socket, count)
        for at_once in (True, False, False):
            count += 1
            assert say_twice(socket, "several", at_once) == ["several", count]
        check_task(socket, count + 1)


@pytest.mark.parametrize("at_once", [True, False])
def test_call_that_goes_on_can_do_all_that_a_task_can(serve, at_once):
    with serve("waiting:app") as server, open_websocket(server) as socket:
        for count in range(1, 1 + ROUNDS):
            for text, answer in ONCE.items():
                assert say(socket, text) == answer, text
            for text, answer in TWICE.items():
                if at_once and text in ("be_cancelled", "cancel_itself"):
                    continue  # it gets the second text instead of being cancelled
                assert say_twice(socket, text, at_once) == answer, text
            assert say_to_both(socket, at_once) == ["both", "both"]
            check_task(socket, count)


def test_call_that_waits_is_cancelled(serve):
    with serve("waiting:app") as server, open_websocket(server) as socket:
        with open_websocket(server) as other:
            for count in range(1, 1 + ROUNDS):
                assert say(socket, "be_cancelled_by_another") == "waiting"
                wait_until_seen(socket)
                assert say(other, "cancel_another") is True
                assert json.loads(socket.read()) == ["cancelled", 0]
                check_task(socket, count)


@pytest.mark.parametrize("text", ["fail", "fail_after_a_look", "cancel_and_fail", "exit"])
def test_call_that_fails_is_told_once(serve, text):
    with serve("waiting:app") as server:
        for _ in range(2):
            mark = server.mark()
            with open_websocket(server) as socket:
                check_task(socket, 1)
                socket.send_text(text)
                assert socket.read_close().code == 1011
                server.wait_for_line("^(LookupError: told to|SystemExit: 5)", since=mark)
        server.ask_to_stop()
        server.wait()
        log = "\n".join(server.stderr_lines())
        assert log.count("Exception in ASGI application") == 2
        assert "never retrieved" not in log and "pending" not in log


def test_call_that_returns_ends_its_task(serve):
    with serve("waiting:app") as server:
        with open_websocket(server) as socket:
            check_task(socket, 1)
            socket.send_text("leave")
            assert socket.read_close().code == 1011
        server.ask_to_stop()
        server.wait()
        assert "pending" not in "\n".join(server.stderr_lines())
