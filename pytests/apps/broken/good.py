"""A module with an application, and other things that are none."""

import asyncio
import functools


async def app(scope, receive, send):
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"good"})


class Application:
    """An instance is the application."""

    async def __call__(self, scope, receive, send):
        await app(scope, receive, send)


instance = Application()
partial = functools.partial(app)
number = 42
text = "app"
nothing = None


class Namespace:
    inner = instance


nested = Namespace()


def create():
    return app


def create_wrong():
    return 42


def create_raises():
    raise ValueError("the factory broke")


async def create_async():
    return app


def needs_argument(settings):
    return app


def wsgi(environ, start_response):
    start_response("200 OK", [])
    return [b"wsgi"]


def asgi2(scope):
    async def instance(receive, send):
        await app(scope, receive, send)

    return instance


class Asgi2:
    def __init__(self, scope):
        self.scope = scope

    async def __call__(self, receive, send):
        await app(self.scope, receive, send)


def loop_is_running():
    asyncio.get_running_loop()
    return app
