"""The limit of a row: what the bare responder costs on the network, plus the application itself.

The responder is measured like a server, over the same connections.  The application's coroutine
is awaited by hand: `receive` and `send` never wait, no event loop runs, scopes are made before
the clock is read, and what is counted is CPU time of the thread.  An application that waits for
anything has no such figure, and its row no limit.

Run as a program (by `application_cost`) it measures one row and prints microseconds; it must be
run by the interpreter that the servers use.
"""

import json
import os
import subprocess
import sys
import time

BATCH = 64


def application_cost(row, python, seconds, environment, core=0):
    """CPU µs of the row's application per request, or None when it cannot be driven by hand."""
    command = ["taskset", "-c", str(core), str(python), __file__, row.key, str(seconds)]
    environment = {**os.environ, **environment, "BENCH_APP": row.app}
    try:
        ended = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=60 + 10 * seconds
        )
    except subprocess.TimeoutExpired:
        return None
    return json.loads(ended.stdout) if ended.returncode == 0 else None


def make_scope(request):
    """The scope of the row's request as a server would make it."""
    head = request.partition(b"\r\n\r\n")[0].split(b"\r\n")
    method, path, _ = head[0].decode().split(" ")
    fields = (line.partition(b":") for line in head[1:])
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.5"},
        "http_version": "1.1",
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 54321),
        "scheme": "http",
        "method": method,
        "root_path": "",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.strip().lower(), value.strip()) for name, _, value in fields],
        "state": {},
    }


async def receive_nothing():
    return {"type": "http.request", "body": b"", "more_body": False}


def make_receive(content):
    if not content:
        return receive_nothing

    async def receive():
        return {"type": "http.request", "body": content, "more_body": False}

    return receive


async def send(message):
    pass


async def drive(app, scopes, receive):
    """One await per request: no exception per request, as in a server that uses PyIter_Send."""
    for scope in scopes:
        await app(scope, receive, send)


def run_batch(app, template, receive):
    """CPU seconds of BATCH requests; raises RuntimeError when the application waits."""
    scopes = [{**template, "headers": list(template["headers"])} for _ in range(BATCH)]
    driven = drive(app, scopes, receive)
    begin = time.thread_time_ns()
    try:
        driven.send(None)
    except StopIteration:
        return (time.thread_time_ns() - begin) / 1e9
    driven.close()
    raise RuntimeError("the application waits for something")


def check(app, template, receive, row):
    """The application driven by hand gives the row's answer, or its cost is not that of the row."""
    sent = []

    async def collect(message):
        sent.append(message)

    try:
        app({**template}, receive, collect).send(None)
    except StopIteration:
        body = b"".join(message.get("body", b"") for message in sent)
        if sent[0]["status"] == 200 and body == row.expected:
            return
        raise RuntimeError(f"answered {sent[0]}") from None
    raise RuntimeError("the application waits for something")


def measure(row, seconds):
    import apps

    template = make_scope(row.request)
    receive = make_receive(row.expected if row.request.startswith(b"POST") else b"")
    check(apps.app, template, receive, row)
    warm_until = time.monotonic() + seconds / 3
    while time.monotonic() < warm_until:
        run_batch(apps.app, template, receive)
    end = time.monotonic() + seconds
    batches = spent = 0
    while time.monotonic() < end:
        spent += run_batch(apps.app, template, receive)
        batches += 1
    return spent / (batches * BATCH) * 1e6


if __name__ == "__main__":
    from rows import ROWS

    print(json.dumps(measure(ROWS[sys.argv[1]], float(sys.argv[2]))))
