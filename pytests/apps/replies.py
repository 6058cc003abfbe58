"""Whole responses, for test applications that are about something else."""

from __future__ import annotations

import json


async def respond(send, body: bytes = b"", status: int = 200, fields=()) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [length, *fields]})
    await send({"type": "http.response.body", "body": body})


def plain(value):
    """`value` as JSON knows it: bytes become {"bytes": latin-1 text}."""
    if isinstance(value, bytes):
        return {"bytes": value.decode("latin-1")}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return repr(type(value))


async def respond_json(send, value, status: int = 200) -> None:
    body = json.dumps(plain(value)).encode("ascii")
    await respond(send, body, status, [(b"content-type", b"application/json")])


async def read_body(receive) -> bytes:
    """The whole body; raises when the client leaves before its end."""
    pieces = []
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise ConnectionError(message["type"])
        pieces.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(pieces)
