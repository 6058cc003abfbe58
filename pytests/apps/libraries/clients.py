"""HTTP clients that call the server from inside itself; servers of others on the same loop."""

from __future__ import annotations

import asyncio

import aiohttp
import grpc.aio
import httpx
from aiohttp import web

BODY = bytes(range(256)) * 2048  # 512 KB


def url_of(scope) -> str:
    host, port = scope["server"]
    return f"http://{host}:{port}"


async def use_httpx(scope):
    limits = httpx.Limits(max_connections=10)
    async with httpx.AsyncClient(base_url=url_of(scope), limits=limits, timeout=None) as client:
        answers = await asyncio.gather(*(client.get(f"/echo?n={n}") for n in range(50)))
    return {"texts": [answer.text for answer in answers]}


async def use_aiohttp(scope):
    """Client and server of aiohttp; the client also calls this server."""
    async with aiohttp.ClientSession() as session:

        async def ask(number):
            async with session.get(f"{url_of(scope)}/echo?n={number}") as answer:
                return await answer.text()

        texts = await asyncio.gather(*(ask(number) for number in range(50)))
        runner = web.AppRunner(make_aiohttp_app())
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            async with session.post(f"{url}/stream", data=pieces()) as answer:
                streamed = await answer.read()
            async with session.ws_connect(f"{url}/socket") as socket:
                await socket.send_str("over there")
                told = await socket.receive_str()
        finally:
            await runner.cleanup()
    return {"texts": texts, "same_body": streamed == BODY, "told": told}


async def pieces():
    for start in range(0, len(BODY), 60_000):
        yield BODY[start : start + 60_000]


def make_aiohttp_app() -> web.Application:
    async def stream(request):
        answer = web.StreamResponse()
        await answer.prepare(request)
        async for piece in request.content.iter_any():
            await answer.write(piece)
        return answer

    async def socket(request):
        answer = web.WebSocketResponse()
        await answer.prepare(request)
        await answer.send_str(await answer.receive_str())
        await answer.close()
        return answer

    app = web.Application()
    app.add_routes([web.post("/stream", stream), web.get("/socket", socket)])
    return app


async def use_grpc(scope):
    """Server and client of grpc.aio: the server's own poller wakes the loop through a socket."""

    async def twice(request, context):
        return request * 2

    async def count(request, context):
        for number in range(request[0]):
            yield bytes([number])

    server = grpc.aio.server()
    handlers = {
        "twice": grpc.unary_unary_rpc_method_handler(twice),
        "count": grpc.unary_stream_rpc_method_handler(count),
    }
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("test", handlers)])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            call = channel.unary_unary("/test/twice")
            answers = await asyncio.gather(*(call(b"%d;" % number) for number in range(10)))
            counted = [piece[0] async for piece in channel.unary_stream("/test/count")(b"\x05")]
    finally:
        await server.stop(None)
    return {"answers": [answer.decode() for answer in answers], "counted": counted}


ENDPOINTS = {"httpx": use_httpx, "aiohttp": use_aiohttp, "grpc": use_grpc}
