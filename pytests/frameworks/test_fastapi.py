"""FastAPI: models, dependencies, sync endpoints, uploads, streams."""

import asyncio
import hashlib
import os

import httpx
import pytest
from support.holds import holds
from support.patience import seconds


@pytest.fixture
def api(shared):
    return shared("frames:app").url + "/api"


@pytest.fixture
def client(api):
    with httpx.Client(base_url=api, timeout=seconds(10)) as client:
        yield client


def test_path_and_query_parameters(client):
    assert client.get("/items/5", params={"q": "a b&c"}).json() == {"item_id": 5, "q": "a b&c"}
    assert client.get("/items/x").status_code == 422


def test_pydantic_model_in_and_out(client):
    item = {"name": "thing", "price": 1.5, "tags": ["a", "b"]}
    assert client.post("/items", json=item).json() == item
    assert client.post("/items", json={"name": 1}).status_code == 422
    assert client.post("/items", content=b"{broken").status_code == 422


@holds("lesson_06")
def test_dependency_with_yield_is_closed_each_time(client):
    for _ in range(5):
        notes = client.get("/session").json()["notes"]
        assert notes[-1] == "opened"
        assert notes.count("opened") == notes.count("closed") + 1
    assert client.get("/failing-session").status_code == 409
    notes = client.get("/session").json()["notes"]
    assert notes.count("opened") == notes.count("closed") + 1


def test_sync_endpoints_run_side_by_side(api):
    """Ten that each wait until all ten are there: the pool has 40 threads."""

    async def run():
        async with httpx.AsyncClient(timeout=seconds(20)) as client:
            answers = await asyncio.gather(*(client.get(f"{api}/meet?count=10") for _ in range(10)))
            assert all(answer.json() == {"met": True} for answer in answers)

    asyncio.run(run())


def test_streaming_response(client):
    assert client.get("/stream").text == "".join(f"{number}," for number in range(100))


def test_upload_of_a_file_and_a_field(client):
    content = os.urandom(1_500_000)
    answer = client.post("/upload", files={"file": ("x.bin", content)}, data={"field": "y"})
    expected = {"size": len(content), "field": "y", "sha256": hashlib.sha256(content).hexdigest()}
    assert answer.json() == expected


def test_endpoint_that_ignores_its_body(client):
    for number in range(5):
        answer = client.post("/raw", params={"number": number}, content=b"x" * 10_000)
        assert (answer.status_code, answer.text) == (201, str(number))


def test_documentation_pages(client):
    assert client.get("/openapi.json").json()["info"]["title"] == "FastAPI"
    assert "swagger" in client.get("/docs").text.lower()


@pytest.mark.slow
def test_hundreds_of_mixed_requests_at_once(api):
    async def run():
        limits = httpx.Limits(max_connections=50)
        async with httpx.AsyncClient(limits=limits, timeout=seconds(30)) as client:
            item = {"name": "thing", "price": 1.5, "tags": []}
            calls = []
            for number in range(100):
                calls.append(client.get(f"{api}/items/{number}"))
                calls.append(client.post(f"{api}/items", json=item))
                calls.append(client.get(f"{api}/sync"))
                calls.append(client.get(f"{api}/stream"))
            answers = await asyncio.gather(*calls)
            assert {answer.status_code for answer in answers} == {200}
            for number in range(100):
                assert answers[number * 4].json()["item_id"] == number

    asyncio.run(run())
