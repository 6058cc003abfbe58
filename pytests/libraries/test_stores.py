"""Databases inside the server: PostgreSQL, Redis and SQLite, by the libraries that people use."""

import pytest

TOTAL = sum(range(200))
WHERE = pytest.mark.parametrize("where", ["tcp", "unix"])


@WHERE
def test_asyncpg_queries_copies_listens_and_rolls_back(ask, where):
    assert ask("asyncpg", where) == {
        "names": ["row 0", "row 199"],
        "rolled_back": "division by zero",
        "total": TOTAL,
        "same_blob": True,
        "heard": "something",
    }


def test_asyncpg_pool_serves_more_requests_than_it_has_connections(ask):
    assert ask("asyncpg-pool") == {"sum": sum(range(100)), "most": 5}


def test_asyncpg_query_that_is_given_up_ends_in_the_database_too(ask):
    assert ask("asyncpg-cancel") == {"ended": True, "after": 42, "failed": 1}


@WHERE
def test_psycopg_copies_pipelines_cancels_and_listens(ask, where):
    assert ask("psycopg", where) == {
        "total": TOTAL,
        "numbers": [0, 1, 2, 3, 4],
        "ended": True,
        "same_blob": True,
        "heard": "something",
    }


@pytest.mark.parametrize("driver", ["postgresql+asyncpg", "postgresql+psycopg"])
def test_sqlalchemy_streams_and_shares_its_pool(ask, driver):
    assert ask("sqlalchemy", driver) == {"total": TOTAL, "answers": list(range(20))}


@WHERE
def test_redis_pipelines_blobs_and_blocking_reads(ask, where):
    assert ask("redis", where) == {
        "last": 100,
        "same_blobs": [True] * 5,
        "popped": {"bytes": "given"},
    }


@WHERE
def test_redis_subscriber_hears_what_is_published(ask, where):
    heard = [{"bytes": f"number {number}"} for number in range(3)]
    assert ask("redis-pubsub", where) == {"heard": heard}


def test_redis_pool_survives_waits_that_are_given_up(ask):
    assert ask("redis-cancel") == {"ended": 3, "pong": True}


def test_aiosqlite_and_its_thread(ask):
    assert ask("aiosqlite") == {"total": TOTAL, "answer": 42}
