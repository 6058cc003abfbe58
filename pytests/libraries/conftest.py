"""One PostgreSQL, one Redis and one server for all tests of this folder."""

from __future__ import annotations

import json

import pytest
from support import databases
from support.patience import seconds
from support.server import Server


@pytest.fixture(scope="session")
def stores():
    with databases.postgresql() as postgresql, databases.redis() as redis:
        yield {
            "TEST_POSTGRESQL": f"{postgresql.folder}:{postgresql.port}",
            "TEST_REDIS": f"{redis.folder}:{redis.port}",
        }


@pytest.fixture(scope="session")
def libraries(door, stores):
    server = Server(door, "libraries:app", env=stores)
    yield server
    server.check_end()
    assert "ERROR" not in "\n".join(server.stderr_lines())


@pytest.fixture
def ask(libraries):
    """`ask("asyncpg", "unix")`: what that endpoint answers."""

    def call(endpoint: str, query: str = ""):
        with libraries.connect(timeout=seconds(50)) as connection:
            connection.get(f"/{endpoint}?{query}")
            response = connection.read_response()
        assert response.status == 200, "\n".join(libraries.stderr_lines()[-40:])
        return json.loads(response.body)

    return call
