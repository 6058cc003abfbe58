"""python-socketio: events, acknowledgements and rooms over Engine.IO."""

import socketio

server = socketio.AsyncServer(async_mode="asgi", cors_allowed_origins="*")


@server.event
async def connect(sid, environ, auth):
    if auth == "nobody":
        raise ConnectionRefusedError("not you")
    await server.save_session(sid, {"asked": environ.get("HTTP_X_ASKED")})


@server.event
async def echo(sid, data):
    """The return value is the acknowledgement."""
    return data


@server.event
async def who(sid):
    return (await server.get_session(sid))["asked"], server.transport(sid)


@server.event
async def enter(sid, room):
    await server.enter_room(sid, room)


@server.event
async def say(sid, room, text):
    await server.emit("said", {"text": text, "room": room}, room=room)


@server.event
async def dismiss(sid):
    await server.disconnect(sid)


# Otherwise `server` outlives the loop, and with it the task that looks after clients: cancelled,
# it keeps the frame of its last wait_for(), and that a timer handle.
app = socketio.ASGIApp(server, on_shutdown=server.shutdown)
