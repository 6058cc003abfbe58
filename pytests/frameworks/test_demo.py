"""The demo application through the server: what Starlette and FastAPI need of it, end to end."""

import hashlib
import re
import time

import httpx
import pytest
from support.patience import seconds


@pytest.fixture
def client(shared):
    server = shared("demo:app")
    with httpx.Client(base_url=server.url, timeout=seconds(10), trust_env=False) as client:
        yield client


def test_page_is_sent_as_a_file(client):
    answer = client.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert answer.text.startswith("<!doctype html>")
    again = client.get("/", headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) in [(304, b""), (200, answer.content)]


def test_page_answers_head_and_ranges(client):
    whole = client.get("/")
    head = client.head("/")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == whole.headers["content-length"]
    part = client.get("/", headers={"range": "bytes=2-8"})
    assert (part.status_code, part.content) == (206, b"doctype")


def test_every_endpoint_of_the_page_answers(client):
    listed = re.findall(r'\["(GET)", "([^"]+)"', client.get("/").text)
    assert len(listed) >= 10
    for _, path in listed:
        expected = {"/fail": 500, "/api/add?a=two&b=40": 422}.get(path, 200)
        path = re.sub(r"pause=[\d.]+", "pause=0", path)
        assert client.get(path).status_code == expected, path


def test_query_and_path_parameters_arrive_decoded(client):
    assert client.get("/hello", params={"name": "Ada & Łucja"}).text == "Hello, Ada & Łucja!\n"
    assert client.get("/greet/Grace%20H%C3%B6pper").json() == {
        "greeting": "Good day, Grace Höpper."
    }


def test_facts_tell_the_request(client, shared):
    facts = client.get("/facts?a=1&b=", headers={"x-thing": "one"}).json()
    assert facts["method"] == "GET"
    assert facts["path"] == "/facts"
    assert facts["query"] == {"a": "1", "b": ""}
    assert facts["http_version"] == "1.1"
    assert facts["client"].startswith("127.0.0.1:")
    assert facts["headers"]["x-thing"] == "one"
    assert facts["headers"]["host"] == f"127.0.0.1:{shared('demo:app').port}"


def test_form_fields_come_back(client):
    assert client.post("/form", data={"colour": "red", "size": "7"}).json() == {
        "colour": "red",
        "size": "7",
    }


@pytest.mark.parametrize("size", [0, 1, 100_000, 3_000_000])
def test_upload_arrives_whole(client, size):
    content = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    answer = client.post("/upload", files={"file": ("a.bin", content, "application/x-a")})
    assert answer.json() == {
        "name": "a.bin",
        "type": "application/x-a",
        "bytes": size,
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def test_upload_without_a_file_is_refused_by_the_application(client):
    assert client.post("/upload", data={"other": "1"}).status_code == 400


@pytest.mark.parametrize("pieces", [0, 1, 50])
def test_echo_returns_a_chunked_body(client, pieces):
    sent = [b"%06d" % number * 1000 for number in range(pieces)]
    answer = client.post("/echo", content=iter(sent))
    assert answer.content == b"".join(sent)


def test_stream_arrives_line_by_line(client):
    """The second line is still far away when the first is here: nothing gathers the pieces."""
    begin = time.monotonic()
    with client.stream("GET", "/stream?count=2&pause=5") as answer:
        assert answer.headers["transfer-encoding"] == "chunked"
        assert next(answer.iter_text()) == "line 1 of 2\n"
        assert time.monotonic() - begin < 5


def test_stream_of_many_pieces_arrives_whole(client):
    lines = client.get("/stream?count=5000&pause=0").text.splitlines()
    assert lines == [f"line {number} of 5000" for number in range(1, 5001)]


def test_events_are_server_sent_events(client):
    answer = client.get("/events?count=3&pause=0")
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = [event.splitlines() for event in answer.text.strip().split("\n\n")]
    assert [event[0] for event in events] == ["id: 1", "id: 2", "id: 3", "event: end"]
    assert events[0][2].startswith('data: {"number": 1,')


def test_background_task_runs_after_the_response(client):
    answer = client.post("/notes", content=b"remember the milk")
    assert (answer.status_code, answer.json()) == (202, {"accepted": "remember the milk"})
    deadline = time.monotonic() + seconds(10)
    while "remember the milk" not in client.get("/notes").text:
        assert time.monotonic() < deadline, "the background task did not run"


def test_sync_endpoints_run_in_the_thread_pool(client):
    assert client.get("/thread").json()["thread"] != "MainThread"
    assert client.get("/api/thread").json()["thread"] != "MainThread"


def test_lifespan_state_lives_between_requests(client):
    first, second = client.get("/state").json(), client.get("/state").json()
    assert second["visits"] == first["visits"] + 1
    assert second["started"] == first["started"]


def test_endpoint_calls_another_with_httpx(client):
    answer = client.get("/call").json()
    assert answer["status"] == 200
    assert answer["answer"]["query"] == {"asked-by": "call"}
    assert answer["answer"]["headers"]["user-agent"].startswith("python-httpx/")


def test_no_content_has_no_body(client):
    answer = client.get("/no-content")
    assert (answer.status_code, answer.content) == (204, b"")
    assert "content-length" not in answer.headers


def test_wrong_method_is_the_applications_affair(client):
    assert client.delete("/hello").status_code == 405
    assert client.get("/nowhere").status_code == 404


def test_failure_becomes_500_and_the_server_goes_on(client, shared):
    answer = client.get("/fail")
    assert (answer.status_code, answer.text) == (500, "Internal Server Error")
    assert shared("demo:app").get("/hello").body == b"Hello, world!\n"


def test_fastapi_converts_and_refuses(client):
    assert client.get("/api/add?a=2&b=40").json() == {"sum": 42}
    refused = client.get("/api/add?a=two&b=40")
    assert refused.status_code == 422
    assert refused.json()["detail"][0]["loc"] == ["query", "a"]


def test_fastapi_keeps_what_it_is_given(client):
    item = {"name": "lamp", "price": 19.5, "tags": ["light"]}
    made = client.post("/api/items", json=item)
    assert made.status_code == 201
    number = made.json()["id"]
    assert client.get(f"/api/items/{number}").json() == {**item, "id": number}
    assert client.get("/api/items").json()[-1] == {**item, "id": number}
    assert client.get("/api/items/0").status_code == 404
    assert client.post("/api/items", json={"name": ""}).status_code == 422


def test_fastapi_documents_itself(client):
    assert client.get("/api/docs").status_code == 200
    assert "/items/{item_id}" in client.get("/api/openapi.json").json()["paths"]


def test_demo_stops_gracefully(serve):
    """Lifespan and the client that it holds end with the server."""
    with serve("demo:app") as server:
        assert httpx.get(f"{server.url}/call", trust_env=False).status_code == 200
        assert server.stop() == 0
