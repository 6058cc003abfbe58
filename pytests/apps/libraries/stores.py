"""redis-py against a real Redis, and aiosqlite."""

from __future__ import annotations

import asyncio
import os

import aiosqlite
import redis.asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

FOLDER, PORT = os.environ.get("TEST_REDIS", ":").split(":")
BLOB = bytes(range(256)) * 4096


def connect(scope) -> redis.asyncio.Redis:
    if scope["query_string"] == b"unix":
        return redis.asyncio.Redis(unix_socket_path=f"{FOLDER}/redis.sock", protocol=3)
    return redis.asyncio.Redis(host="127.0.0.1", port=int(PORT))


async def use_redis(scope):
    async with connect(scope) as client:
        await client.flushdb()
        async with client.pipeline(transaction=True) as pipeline:
            for _ in range(100):
                pipeline.incr("count")
            counts = await pipeline.execute()
        await client.set("blob", BLOB)
        blobs = await asyncio.gather(*(client.get("blob") for _ in range(5)))
        # One who waits for what another one gives.
        popped = asyncio.create_task(client.blpop("queue"))
        await client.rpush("queue", "given")
        return {
            "last": counts[-1],
            "same_blobs": [blob == BLOB for blob in blobs],
            "popped": (await popped)[1],
        }


async def hear_redis(scope):
    async with connect(scope) as client, client.pubsub() as pubsub:
        await pubsub.subscribe("news")
        heard = []
        async for message in pubsub.listen():
            if message["type"] == "subscribe":
                for number in range(3):
                    await client.publish("news", f"number {number}")
            else:
                heard.append(message["data"])
                if len(heard) == 3:
                    return {"heard": heard}


async def cancel_redis(scope):
    """Connections of a pool after a wait that was given up."""
    async with connect(scope) as client:
        ended = 0
        for _ in range(3):
            try:
                async with asyncio.timeout(0.02):
                    await client.blpop("nothing")
            except TimeoutError:
                ended += 1
        return {"ended": ended, "pong": await client.ping()}


async def use_aiosqlite(scope):
    async with aiosqlite.connect(":memory:") as database:
        await database.execute("create table t (number int)")
        await database.executemany("insert into t values (?)", [(n,) for n in range(200)])
        await database.commit()
        async with database.execute("select number from t") as cursor:
            total = sum([row[0] async for row in cursor])
    engine = create_async_engine("sqlite+aiosqlite://")
    async with engine.begin() as connection:
        answer = await connection.scalar(text("select 40 + :n"), {"n": 2})
    await engine.dispose()
    return {"total": total, "answer": answer}


ENDPOINTS = {
    "redis": use_redis,
    "redis-pubsub": hear_redis,
    "redis-cancel": cancel_redis,
    "aiosqlite": use_aiosqlite,
}
