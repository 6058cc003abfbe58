"""The bench can be trusted: rows say what they claim, wrong answers are refused, sums are right."""

import asyncio
import json
import os
import socket
import threading

import pytest

import apps
import limit
from client import WrongAnswer, check_row
from load import LoadError
from measure import Method, Sample, Served, measure_rounds
from messages import MessageLoad, read_report
from picture import svg
from report import markdown_table, text_table
from results import Results, from_json
from rows import BROWSER_BYTES, GROUPS, ROWS
from servers import Server
from syscalls import total_calls

WITHOUT_LOOP = [row for row in ROWS.values() if row.app in ("hello", "body", "echo", "stream")]


@pytest.mark.parametrize("row", WITHOUT_LOOP, ids=lambda row: row.key)
def test_the_application_gives_what_the_row_expects(row):
    receive = limit.make_receive(row.expected if row.request.startswith(b"POST") else b"")
    limit.check(apps.RAW[row.app], limit.make_scope(row.request), receive, row)


def test_an_application_that_waits_has_no_cost():
    with pytest.raises(RuntimeError):
        limit.check(apps.sleep, limit.make_scope(ROWS["sleep"].request), None, ROWS["sleep"])


def test_the_browser_sends_eight_fields_in_600_bytes():
    request = ROWS["headers"].request
    assert len(request) == BROWSER_BYTES
    assert request.count(b"\r\n") == 1 + 8 + 1


def answer_once(answer):
    """The port of a listener that reads a bit and answers each connection with these bytes."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        with listener, listener.accept()[0] as connection:
            connection.recv(65536)
            connection.sendall(answer)

    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello, World",
        b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello, world!",
        b"HTTP/1.1 500 No\r\nContent-Length: 13\r\n\r\nHello, World!",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nd\r\nHello, World",
        b"SSH-2.0-OpenSSH\r\n",
    ],
)
def test_a_wrong_answer_is_refused(answer):
    with pytest.raises(WrongAnswer):
        check_row(answer_once(answer), ROWS["hello1"], rounds=1)


def test_a_right_answer_is_accepted():
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello, World!"
    check_row(answer_once(answer), ROWS["hello1"], rounds=1)


class Ended:
    """A program that has gone, and counts how often it was asked what it had said."""

    asked = 0

    @property
    def process(self):
        return self

    def poll(self):
        return 1

    def last_lines(self):
        self.asked += 1
        return "no memory"


def test_each_round_begins_with_another_server_and_failures_are_samples():
    servers = [Server(name, missing=f"no {name}") for name in ("a", "b", "c")]
    found = list(measure_rounds(servers, ROWS["hello1"], Method(None), 2))
    assert [(number, name) for number, name, _ in found] == [
        *[(0, "a"), (0, "b"), (0, "c")],
        *[(1, "b"), (1, "c"), (1, "a")],
    ]
    assert found[0][2].error == "not started: no a"


def test_a_server_that_failed_is_not_asked_again(monkeypatch):
    monkeypatch.setattr(Served, "figures", lambda self: Sample(cpu_us=1))
    program = Ended()
    served = Served(program, ROWS["hello1"], Method(None), None)
    assert [served.sample().error for _ in range(3)] == ["ended under load: no memory"] * 3
    assert program.asked == 1


def measured():
    machine = {"date": "2026-01-01T00:00:00+00:00", "cpu": "a cpu", "kernel": "6.1"}
    results = Results(machine, {"rounds": 2}, {"uvicorn": "1.0"})
    figures = {
        "ringhorn": (7.0, 8.0),
        "uvicorn": (30.0, 20.0),
        "granian": (14.0, 15.0),
        "floor": (5.0, 6.0),
        "application": (2.0, 1.0),
    }
    for name, rounds in figures.items():
        for cpu in rounds:
            results.add(ROWS["hello64"], name, Sample(cpu_us=cpu, rps=1e6 / cpu, busy=0.9))
    results.add(ROWS["hello64"], "h2corn", Sample(error="not started: no such file"))
    return results


def test_ratios_compare_the_best_rounds():
    results = measured()
    assert results.limit("hello64") == 6.0
    assert results.best_peer("hello64") == ("granian", 14.0)
    assert results.ratio("hello64", "ringhorn", "best peer") == 0.5
    assert results.ratio("hello64", "ringhorn", "uvicorn") == 0.35
    assert results.median("hello64", "uvicorn") == 25.0
    targets = {what: (value, met) for _, what, value, _, met in results.targets()}
    assert targets == {"x limit": (7 / 6, False), "x best peer": (0.5, True)}


def test_a_server_that_failed_stays_in_table_and_json():
    results = measured()
    assert "not started: no such file" in text_table(results)
    assert results.as_json()["rows"]["hello64"]["servers"]["h2corn"]["rounds"] == [
        {"error": "not started: no such file"}
    ]


def test_tables_and_picture_are_the_same_from_json():
    results = measured()
    again = from_json(results.as_json())
    for draw in (text_table, markdown_table, svg):
        assert draw(again) == draw(results)


def report(**changed):
    fields = {"deflate": False, "messages": 10, "seconds": 2, "p50_us": 1, "p99_us": 2}
    return json.dumps(fields | {"fault": None} | changed)


def test_a_report_of_messages_is_read():
    load = read_report(report(), ROWS["ws16-text-1"], MessageLoad())
    assert (load.messages, load.seconds, load.p99_us) == (10, 2, 2)


@pytest.mark.parametrize(
    "key, line",
    [
        ("ws16-text-1", ""),
        ("ws16-text-1", report(fault="an answer that is not what was sent")),
        ("ws16-text-1", report(messages=0)),
        ("ws16-text-1-deflate", report()),
    ],
)
def test_a_bad_report_of_messages_is_refused(key, line):
    with pytest.raises(LoadError):
        read_report(line, ROWS[key], MessageLoad())


def converse(app, *messages):
    """What a WebSocket application sends when it receives these messages, one after the other."""
    sent = []
    to_come = iter([{"type": "websocket.connect"}, *messages, {"type": "websocket.disconnect"}])

    async def receive():
        return next(to_come)

    async def send(message):
        sent.append(message)

    asyncio.run(app({"type": "websocket"}, receive, send))
    assert sent.pop(0)["type"] == "websocket.accept"
    return [message.get("text", message.get("bytes")) for message in sent]


def test_applications_of_the_socket_rows_answer():
    text = {"type": "websocket.receive", "text": "a", "bytes": None}
    content = {"type": "websocket.receive", "bytes": b"b"}
    assert converse(apps.ws_echo, text, content) == ["a", b"b"]
    assert converse(apps.ws_broadcast, text) == ["welcome", "a"]
    assert converse(apps.ws_hold) == ["welcome"]


def test_groups_name_rows():
    assert {key for keys in GROUPS.values() for key in keys} <= set(ROWS)
    assert len(GROUPS["all-sockets"]) == 36 + 4


def test_the_total_of_strace_is_read_with_and_without_errors():
    assert total_calls("100.00    0.008884           2      3884           total\n") == 3884
    assert total_calls("100.00    0.008884           2      3884        12 total\n") == 3884


def test_no_setting_of_the_run_reaches_a_server(monkeypatch):
    from servers import outer_environment

    monkeypatch.setenv("RINGHORN_PORT", "1")
    assert "RINGHORN_PORT" in os.environ
    assert "RINGHORN_PORT" not in outer_environment()
