"""Starlette, as its users write it: streams, middleware, forms, files, background tasks."""

import asyncio
import gzip
import hashlib
import json
import os

import httpx
import pytest
from support.checks import fresh_id, said
from support.holds import holds
from support.patience import seconds

APP = "frames:app"


@pytest.fixture
def client(shared):
    with httpx.Client(base_url=shared(APP).url, timeout=seconds(10)) as client:
        yield client


def test_plain_and_json(client):
    assert client.get("/plain").text == "plain"
    answer = client.get("/json")
    assert answer.json()["hello"] == "world"
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "target, count", [("/stream?count=5", 5), ("/stream?count=1000", 1000), ("/sync-stream", 100)]
)
@holds("lesson_09")
def test_streaming_response(client, target, count):
    assert client.get(target).text == "".join(f"piece {number}\n" for number in range(count))


@holds("lesson_09", "asgi_47")
def test_streaming_response_ends_when_its_client_leaves(shared):
    server, key = shared(APP), fresh_id()
    mark = server.mark()
    with server.connect() as connection:
        connection.get(f"/endless-stream?id={key}")
        connection.read_head()
        connection.reset()
    assert "stream ended" in json.loads(server.get(f"/seen?id={key}&what=stream+ended").body)
    assert not [line for line in said(server, mark) if line.startswith("ERROR")]


@holds("lesson_06")
def test_background_task_runs_after_the_response(shared):
    server, key = shared(APP), fresh_id()
    with server.connect() as connection:
        connection.get(f"/background?id={key}")
        assert connection.read_response().body == b"answered"
        connection.get("/plain")
        assert connection.read_response().body == b"plain"
        connection.reset()
    assert json.loads(server.get(f"/seen?id={key}&tell=go").body) == ["go"]
    assert "background done" in json.loads(server.get(f"/seen?id={key}&what=background+done").body)


def test_sync_endpoint_runs_in_a_thread(client):
    assert client.get("/sync").text == "in a thread: True"


def test_sync_endpoints_share_their_threads(client):
    """anyio ends its threads with the task that it takes for the root of all: not a request's."""
    assert len({client.get("/thread").text for _ in range(10)}) == 1


def test_file_response_and_its_ranges(client, tmp_path):
    content = os.urandom(300_000)
    path = tmp_path / "file.bin"
    path.write_bytes(content)
    answer = client.get("/file", params={"path": str(path)})
    assert answer.content == content
    assert answer.headers["content-length"] == "300000"
    part = client.get("/file", params={"path": str(path)}, headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, content[100:200])
    head = client.head("/file", params={"path": str(path)})
    assert (head.headers["content-length"], head.content) == ("300000", b"")
    fresh = client.get(
        "/file", params={"path": str(path)}, headers={"If-None-Match": answer.headers["etag"]}
    )
    assert fresh.status_code in (200, 304)


def test_multipart_form_with_a_file(client):
    content = os.urandom(2_000_000)
    answer = client.post("/form", data={"field": "välue"}, files={"file": ("náme.bin", content)})
    assert answer.json() == {
        "field": "välue",
        "name": "náme.bin",
        "size": 2_000_000,
        "sha256": hashlib.sha256(content).hexdigest(),
    }


@pytest.mark.parametrize("target", ["/body", "/body-stream"])
@pytest.mark.parametrize("size", [0, 10, 100_000, 5_000_000])
def test_request_body_with_a_length_and_chunked(client, target, size):
    content = os.urandom(size)
    expected = {"size": size, "sha256": hashlib.sha256(content).hexdigest()}
    assert client.post(target, content=content).json() == expected
    pieces = (content[at : at + 7000] for at in range(0, size, 7000))
    assert client.post(target, content=pieces).json() == expected


@holds("robustness_40", "lesson_04")
def test_is_disconnected_sees_the_client_leave(shared):
    server, key = shared(APP), fresh_id()
    with server.connect() as connection:
        connection.get(f"/disconnected?id={key}")
        json.loads(server.get(f"/seen?id={key}&what=called").body)
        connection.reset()
    assert "disconnected" in json.loads(server.get(f"/seen?id={key}&what=disconnected").body)


@holds("lesson_04")
def test_is_disconnected_after_the_body_is_false(client):
    assert client.post("/disconnected-then-body", content=b"abc").json() == {
        "gone": False,
        "size": 3,
    }


@holds("robustness_48", "lesson_07")
def test_error_in_an_endpoint_is_a_500_with_one_traceback(shared):
    """Starlette's ServerErrorMiddleware sends the page, then raises."""
    server = shared(APP)
    mark = server.mark()
    response = server.get("/error")
    assert (response.status, response.body) == (500, b"Internal Server Error")
    server.wait_for_line("RuntimeError: an endpoint broke", since=mark)
    server.get("/plain")
    text = "\n".join(server.stderr_lines(mark))
    assert text.count("Traceback (most recent call last)") == 1


def test_http_exception_redirect_and_unknown_path(client):
    teapot = client.get("/teapot")
    assert (teapot.status_code, teapot.text) == (418, "short and stout")
    assert client.get("/redirect", follow_redirects=True).text == "plain"
    assert client.get("/nowhere").status_code == 404
    assert client.post("/plain").status_code == 405
    assert client.head("/plain").headers["content-length"] == "5"


# Middleware.


@pytest.mark.parametrize(
    "target", ["/plain", "/json", "/stream?count=50", "/sync", "/redirect", "/teapot"]
)
@holds("lesson_10")
def test_base_http_middleware(shared, target):
    server = shared("frames:stamped")
    plain = httpx.get(shared(APP).url + target)
    stamped = httpx.get(server.url + target)
    assert stamped.status_code == plain.status_code
    assert stamped.headers["x-stamp"] == target.partition("?")[0]
    assert stamped.headers.get("content-length") == plain.headers.get("content-length")
    if target not in ("/json", "/redirect"):
        assert stamped.content == plain.content


@holds("lesson_10")
def test_base_http_middleware_answers_in_one_write(shared):
    """It sends start, body with more_body, empty end: the declared length is met by the second."""
    with shared("frames:stamped").connect() as connection:
        connection.get("/plain")
        assert connection.read_now().endswith(b"\r\n\r\nplain")
        connection.get("/plain")
        assert connection.read_now().endswith(b"\r\n\r\nplain")


@holds("lesson_10", "asgi_47")
def test_base_http_middleware_ends_a_stream_whose_client_leaves(shared):
    server, key = shared("frames:stamped"), fresh_id()
    with server.connect() as connection:
        connection.get(f"/endless-stream?id={key}")
        connection.read_head()
        connection.reset()
    assert "stream ended" in json.loads(server.get(f"/seen?id={key}&what=stream+ended").body)


def test_gzip_middleware(shared):
    server = shared("frames:zipped")
    with server.connect() as connection:
        connection.get("/stream?count=500", "Accept-Encoding: gzip")
        response = connection.read_response()
        assert response.value("content-encoding") == b"gzip"
        expected = "".join(f"piece {number}\n" for number in range(500))
        assert gzip.decompress(response.body).decode() == expected
        connection.get("/plain", "Accept-Encoding: gzip")
        assert connection.read_response().body == b"plain"


# Tasks.


@holds("asgi_03", "lesson_14")
def test_anyio_task_groups_timeouts_and_threads(client):
    assert client.get("/task-group").json() == {
        "results": [0, 1, 2, 3, 4],
        "timed_out": True,
        "threads": True,
        "from_thread": None,
    }
    assert client.get("/failing-group").text == "in the group"


@holds("asgi_03", "lesson_14")
def test_asyncio_timeouts(client):
    assert client.get("/timeout").text == "timed out twice"


@holds("robustness_83")
def test_subprocess_in_an_endpoint(client):
    assert client.get("/process").text == "42\n"


def test_endpoint_that_calls_its_own_server(client):
    assert client.get("/call-self").text == "plain" * 10


@holds("lesson_14")
def test_context_variables_are_apart_between_requests(shared):
    async def run():
        async with httpx.AsyncClient(base_url=shared(APP).url, timeout=seconds(20)) as client:
            names = [f"name-{number}" for number in range(50)]
            answers = await asyncio.gather(
                *(client.get("/context", params={"name": name}) for name in names)
            )
        for name, answer in zip(names, answers, strict=True):
            assert answer.json() == {"before": "unset", "after": name, "thread": name}

    asyncio.run(run())


# Httpx as a client.


def test_hundred_requests_at_once(shared):
    async def run():
        limits = httpx.Limits(max_connections=100)
        async with httpx.AsyncClient(
            base_url=shared(APP).url, limits=limits, timeout=seconds(20)
        ) as client:
            for _ in range(3):
                answers = await asyncio.gather(*(client.get("/json") for _ in range(100)))
                assert [answer.status_code for answer in answers] == [200] * 100

    asyncio.run(run())


@holds("robustness_35")
def test_keep_alive_pool_uses_one_connection(client):
    ports = {client.get("/json").json()["client"] for _ in range(20)}
    assert len(ports) == 1


@pytest.mark.slow
def test_download_of_50_mb_is_whole(shared):
    size = 50_000_000
    checksum, received = hashlib.sha256(), 0
    with httpx.stream(
        "GET", f"{shared(APP).url}/download?size={size}", timeout=seconds(30)
    ) as answer:
        for piece in answer.iter_raw():
            checksum.update(piece)
            received += len(piece)
    block = bytes(range(256)) * 256
    expected = hashlib.sha256((block * (size // len(block) + 1))[:size])
    assert (received, checksum.hexdigest()) == (size, expected.hexdigest())


@pytest.mark.slow
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_upload_of_50_mb_is_whole(shared, framing):
    size = 50_000_000
    content = os.urandom(1_000_000) * 50
    sent = (
        content
        if framing == "length"
        else (content[at : at + 65536] for at in range(0, size, 65536))
    )
    answer = httpx.put(f"{shared(APP).url}/body-stream", content=sent, timeout=seconds(40))
    assert answer.json() == {"size": size, "sha256": hashlib.sha256(content).hexdigest()}


@pytest.mark.slow
def test_ten_thousand_starlette_requests_cause_no_garbage_collection(serve):
    with serve(APP, "--no-access-log") as server, server.connect(timeout=40) as connection:

        def collections(query=""):
            connection.get(f"/collections{query}")
            return json.loads(connection.read_response().body)

        batch = b"GET /plain HTTP/1.1\r\nHost: test\r\n\r\n" * 50
        for rounds in (20, 200):  # the first warms the caches
            before = collections("?collect=1")
            for _ in range(rounds):
                connection.send(batch)
                for _ in range(50):
                    assert connection.read_response().status == 200
        assert collections() == before
