"""No framework: the conversation in ASGI itself."""

from observe import key_of, note

from conversations import CODE, REASON, SUBPROTOCOL, facts, observed, push_count


async def echo(scope, receive, send):
    offered = SUBPROTOCOL if SUBPROTOCOL in scope["subprotocols"] else None
    await send({"type": "websocket.accept", "subprotocol": offered})
    while (message := await receive())["type"] == "websocket.receive":
        text = message.get("text")
        if text == "close":
            return await send({"type": "websocket.close", "code": CODE, "reason": REASON})
        if text == "raise":
            raise RuntimeError("as asked")
        if text == "leave":
            return
        await send({"type": "websocket.send", "text": text, "bytes": message.get("bytes")})
    note(key_of(scope), f"left {message['code']}")


async def tell_facts(scope, receive, send):
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": facts(scope)})
    await send({"type": "websocket.close"})


async def refuse(scope, receive, send):
    await send({"type": "websocket.close"})


async def push(scope, receive, send):
    await send({"type": "websocket.accept"})
    for number in range(push_count(scope)):
        await send({"type": "websocket.send", "text": str(number)})
    await send({"type": "websocket.close"})


ROUTES = {"/echo": echo, "/facts": tell_facts, "/refuse": refuse, "/push": push}


async def converse(scope, receive, send):
    if scope["type"] == "websocket":
        assert (await receive())["type"] == "websocket.connect"
        await ROUTES[scope["path"]](scope, receive, send)


app = observed(converse)
