"""asyncpg, psycopg and SQLAlchemy against a real PostgreSQL."""

from __future__ import annotations

import asyncio
import os

import asyncpg
import psycopg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

FOLDER, PORT = os.environ.get("TEST_POSTGRESQL", ":").split(":")
BLOB = bytes(range(256)) * 4096  # 1 MB
ROWS = [(number, f"row {number}") for number in range(200)]
PROCESSES = 5


def host(scope) -> str:
    return FOLDER if scope["query_string"] == b"unix" else "127.0.0.1"


async def open_pool(stack, state) -> None:
    state["pool"] = await stack.enter_async_context(
        asyncpg.create_pool(user="postgres", host="127.0.0.1", port=PORT, min_size=1,
                            max_size=PROCESSES)  # fmt: skip
    )


async def use_asyncpg(scope):
    connection = await asyncpg.connect(user="postgres", host=host(scope), port=PORT)
    heard = asyncio.Queue()
    try:
        await connection.execute("create temp table t (number int primary key, name text)")
        await connection.executemany("insert into t values ($1, $2)", ROWS[:100])
        await connection.copy_records_to_table("t", records=ROWS[100:])
        statement = await connection.prepare("select name from t where number = $1")
        names = [await statement.fetchval(number) for number in (0, 199)]
        rolled_back = None
        try:
            async with connection.transaction():
                await connection.execute("delete from t")
                await connection.execute("select 1 / 0")
        except asyncpg.DivisionByZeroError as error:
            rolled_back = str(error)
        async with connection.transaction():
            total = 0
            async for row in connection.cursor("select number from t", prefetch=7):
                total += row["number"]
        await connection.add_listener("news", lambda *parts: heard.put_nowait(parts[-1]))
        await connection.execute("notify news, 'something'")
        return {
            "names": names,
            "rolled_back": rolled_back,
            "total": total,
            "same_blob": await connection.fetchval("select $1::bytea", BLOB) == BLOB,
            "heard": await heard.get(),
        }
    finally:
        await connection.close()


async def use_asyncpg_pool(scope):
    """More requests than connections."""
    pool = scope["state"]["pool"]

    async def ask(number):
        async with pool.acquire() as connection:
            return await connection.fetchval("select $1::int + pg_backend_pid() * 0", number)

    answers = await asyncio.gather(*(ask(number) for number in range(100)))
    return {"sum": sum(answers), "most": pool.get_size()}


async def cancel_asyncpg(scope):
    """A query that is given up leaves a connection that works, and nothing runs in the server."""
    pool = scope["state"]["pool"]
    async with pool.acquire() as connection:
        try:
            async with asyncio.timeout(0.05):
                await connection.execute("select pg_sleep(600)")
        except TimeoutError:
            ended = True
        after = await connection.fetchval("select 42")
    # A failing sibling ends a query in a task group.
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(pool.execute("select pg_sleep(601)"))
            group.create_task(pool.execute("select 1 / 0"))
    except* asyncpg.DivisionByZeroError as caught:
        failed = len(caught.exceptions)
    left = "select count(*) from pg_stat_activity where state = 'active' and query like $1"
    while await pool.fetchval(left, "select pg_sleep(60%"):
        pass
    return {"ended": ended, "after": after, "failed": failed}


async def use_psycopg(scope):
    where = f"host={host(scope)} port={PORT} user=postgres"
    async with await psycopg.AsyncConnection.connect(where, autocommit=True) as connection:
        async with connection.cursor() as cursor:
            await cursor.execute("create temp table t (number int, name text)")
            async with cursor.copy("copy t from stdin") as copy:
                for row in ROWS:
                    await copy.write_row(row)
            await cursor.execute("select sum(number) from t")
            (total,) = await cursor.fetchone()
        async with connection.pipeline():
            several = [await connection.execute("select %s::int", [n]) for n in range(5)]
        numbers = [(await cursor.fetchone())[0] for cursor in several]
        # The first has psycopg ask PostgreSQL for the end of the query.
        try:
            await asyncio.wait_for(connection.execute("select pg_sleep(600)"), 0.05)
        except TimeoutError:
            ended = True
        cursor = await connection.execute("select %s::bytea", [BLOB])
        (blob,) = await cursor.fetchone()
        await connection.execute("listen news")
        await connection.execute("notify news, 'something'")
        async for notice in connection.notifies():
            heard = notice.payload
            break
    return {"total": total, "numbers": numbers, "ended": ended, "same_blob": blob == BLOB,
            "heard": heard}  # fmt: skip


async def use_sqlalchemy(scope):
    engine = create_async_engine(f"{scope['query_string'].decode()}://postgres@127.0.0.1:{PORT}/")
    try:
        async with engine.begin() as connection:
            await connection.execute(text("create temp table t (number int, name text)"))
            rows = [{"number": number, "name": name} for number, name in ROWS]
            await connection.execute(text("insert into t values (:number, :name)"), rows)
            result = await connection.stream(text("select number from t"))
            total = sum([row.number async for row in result])

        async def ask(number):
            async with engine.connect() as connection:
                return await connection.scalar(text("select cast(:n as int)"), {"n": number})

        answers = await asyncio.gather(*(ask(number) for number in range(20)))
        return {"total": total, "answers": answers}
    finally:
        await engine.dispose()


ENDPOINTS = {
    "asyncpg": use_asyncpg,
    "asyncpg-pool": use_asyncpg_pool,
    "asyncpg-cancel": cancel_asyncpg,
    "psycopg": use_psycopg,
    "sqlalchemy": use_sqlalchemy,
}
