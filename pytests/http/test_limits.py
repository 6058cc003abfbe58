"""`--limit-concurrency`: robustness 47, byte for byte as uvicorn's."""

import pytest
from support.checks import await_note, fresh_id, request, seen, tell
from support.holds import holds

HOST = "Host: test"


@holds("robustness_47")
def test_request_over_the_limit_gets_uvicorns_503(serve):
    options = ("--limit-concurrency", "2", "--no-date-header", "--no-server-header")
    with serve("lifespans:well", *options) as server:
        with server.connect() as held:
            held.get("/watch")
            server.wait_for_line("^app: request watches")
            with server.connect() as second, server.connect() as third:
                second.get("/watch")
                third.get("/watch")
                response = third.read_response()
                third.expect_close()
            assert response.head == (
                b"HTTP/1.1 503 Service Unavailable\r\n"
                b"content-type: text/plain; charset=utf-8\r\n"
                b"content-length: 19\r\n"
                b"connection: close\r\n\r\n"
            )
            assert response.body == b"Service Unavailable"
            server.wait_for_line(r"^WARNING: +Exceeded concurrency limit\.")
        assert server.stop() == 0
        watched = [line for line in server.stderr_lines() if line == "app: request watches"]
        assert 1 <= len(watched) <= 2, "the application was called for a request over the limit"


@holds("robustness_47")
def test_log_of_refusals_is_rate_limited(serve):
    with serve("raw:app", "--limit-concurrency", "1") as server:
        for _ in range(50):
            with server.connect() as first, server.connect() as second:
                first.get("/sleep?seconds=0.01")
                second.get("/hello")
                first.read_response()
                second.read_response()
        lines = [line for line in server.stderr_lines() if "Exceeded concurrency" in line]
        assert 1 <= len(lines) < 25


@holds("robustness_47")
def test_server_serves_again_below_the_limit(serve):
    with serve("raw:app", "--limit-concurrency", "3") as server:
        connections = [server.connect() for _ in range(6)]
        for connection in connections:
            connection.get("/sleep?seconds=0.05")
        statuses = sorted(connection.read_response().status for connection in connections)
        assert 503 in statuses
        for connection in connections:
            connection.reset()
        # Each round trip lets the server hear of the connections that were reset.
        statuses = (server.get("/hello").status for _ in range(100))
        assert 200 in statuses


@pytest.mark.slow
@holds("robustness_47")
def test_without_a_limit_hundreds_are_served_at_once(server):
    key = fresh_id()
    connections = [server.connect() for _ in range(300)]
    for connection in connections:
        connection.send(request(f"GET /hold?id={key} HTTP/1.1", HOST))
    await_note(server, key, "called", times=300)
    assert seen(server, key).count("called") == 300
    tell(server, key)
    for connection in connections:
        assert connection.read_response().body == b"held"
        connection.close()
