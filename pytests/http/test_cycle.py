"""One request as its coroutine sees it. asgi 3, 6 to 8, 36 to 38, 46; lessons 11 and 14."""

import json

import pytest
from support.checks import chunked, chunks, fresh_id, post, request, seen, show, still_serves
from support.holds import holds

HOST = "Host: test"


@holds("asgi_06", "asgi_07", "asgi_37")
def test_request_message_has_its_three_keys_and_exact_types(server):
    with server.connect() as connection:
        connection.send(post("/messages", b"body"))
        messages = show(connection.read_response())
    assert [message["type"] for message, _ in messages] == ["http.request"] * len(messages)
    for message, kinds in messages:
        assert kinds == {"type": "str", "body": "bytes", "more_body": "bool"}
        assert set(message) == {"type", "body", "more_body"}


@holds("asgi_36", "asgi_37")
def test_chunked_and_length_bodies_look_the_same_to_the_app(server):
    with server.connect() as connection:
        connection.send(
            post("/echo", b"hello world"), chunked("/echo", chunks(b"hello ", b"world"))
        )
        assert connection.read_response().body == connection.read_response().body == b"hello world"


@holds("asgi_38")
def test_connection_without_a_request_is_not_told_to_the_app(server):
    before = show(server.get("/calls"))
    with server.connect() as connection:
        connection.half_close()
        connection.expect_close()
    assert show(server.get("/calls")) == before + 1


@holds("asgi_08", "asgi_38")
def test_application_is_started_at_the_head_before_the_body(server):
    """(c): so that an early refusal is possible."""
    key = fresh_id()
    with server.connect() as connection:
        connection.send(request(f"POST /ignore-body?id={key} HTTP/1.1", HOST, "Content-Length: 5"))
        assert connection.read_response().body == b"early"
    assert seen(server, key) == ["called"]


@holds("asgi_08")
def test_each_piece_is_told_as_it_comes(server):
    key = fresh_id()
    with server.connect() as connection:
        connection.send(request(f"POST /echo-pieces?id={key} HTTP/1.1", HOST, "Content-Length: 6"))
        assert not connection.wait_readable(0)
        for piece in (b"ab", b"cd", b"ef"):
            connection.send(piece)
            if piece == b"ab":
                assert connection.read_head().chunked
            assert connection.read_chunk() == piece
        assert connection.read_until(b"\r\n\r\n") == b"0\r\n\r\n"
        still_serves(connection)


@holds("asgi_03", "lesson_14", "lesson_11")
def test_request_runs_in_a_real_task_with_a_context_of_its_own(server):
    """asyncio.timeout, TaskGroup and wait_for need it; so do context variables."""
    with server.connect() as connection:
        for _ in range(3):
            key = fresh_id()
            connection.get(f"/context?id={key}")
            assert show(connection.read_response()) == {
                "before": "unset",
                "after": [key] * 3,
                "group": key,
                "waited": key,
                "task": True,
                "in_all_tasks": True,
                "name": True,
                "cancelling": 0,
                "coro": True,
            }


@holds("lesson_14")
def test_contexts_of_requests_in_one_batch_are_apart(server):
    keys = [fresh_id() for _ in range(20)]
    connections = [server.connect() for _ in keys]
    for key, connection in zip(keys, connections, strict=True):
        connection.get(f"/context?id={key}")
    for key, connection in zip(keys, connections, strict=True):
        found = show(connection.read_response())
        assert (found["before"], found["after"]) == ("unset", [key] * 3)
        connection.close()


@holds("asgi_03", "lesson_14")
def test_first_step_has_a_current_task(server):
    body = server.get("/first-step").body
    assert body.endswith(b"Task False"), body


@holds("asgi_46")
def test_receive_after_the_response_gives_the_disconnect_on_a_living_connection(server):
    key = fresh_id()
    with server.connect() as connection:
        connection.get(f"/receive-after-response?id={key}")
        assert connection.read_response().body == b"done"
        still_serves(connection)
    assert seen(server, key) == ["http.disconnect"] * 3 + ["returned"]


@pytest.mark.slow
@holds("lesson_11")
def test_eager_task_factory_of_the_app_does_not_disturb_the_requests(serve):
    """3.12 and later: its own tasks run eagerly, and no request is taken for another."""
    with serve("eager:app", "--lifespan", "on") as server:
        if server.get("/supported").body == b"no":
            pytest.skip("asyncio.eager_task_factory came with 3.12")
        connections = [server.connect() for _ in range(20)]
        for number, connection in enumerate(connections):
            connection.get(f"/work?n={number}")
        for number, connection in enumerate(connections):
            assert connection.read_response().body == str(number).encode()
            connection.close()


@pytest.mark.slow
def test_ten_thousand_requests_cause_no_garbage_collection(serve):
    """hot-path 9: no cyclic garbage in a plain request."""
    with serve("raw:app", "--no-access-log") as server, server.connect(timeout=30) as connection:

        def collections() -> list[int]:
            connection.get("/collections")
            return show(connection.read_response())

        connection.get("/collect")
        connection.read_response()
        batch = request("GET /hello HTTP/1.1", HOST) * 50
        for rounds in (20, 200):  # the first warms the caches
            before = collections()
            for _ in range(rounds):
                connection.send(batch)
                for _ in range(50):
                    assert connection.read_response().status == 200
        assert collections() == before


@pytest.mark.slow
def test_ten_thousand_posts_cause_no_garbage_collection(serve):
    with serve("raw:app", "--no-access-log") as server, server.connect(timeout=30) as connection:
        batch = post("/echo", b"x" * 100) * 50

        def run(rounds):
            for _ in range(rounds):
                connection.send(batch)
                for _ in range(50):
                    assert connection.read_response().status == 200

        run(20)
        connection.get("/collect")
        connection.read_response()
        connection.get("/collections")
        before = json.loads(connection.read_response().body)
        run(200)
        connection.get("/collections")
        assert json.loads(connection.read_response().body) == before
