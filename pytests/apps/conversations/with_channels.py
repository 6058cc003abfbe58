"""Django Channels: consumers behind its routing."""

import django
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from observe import key_of, note

from conversations import CODE, REASON, SUBPROTOCOL, facts, observed, push_count

settings.configure(
    SECRET_KEY="of a test",
    INSTALLED_APPS=["channels"],
    ROOT_URLCONF=__name__,
    CHANNEL_LAYERS={"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}},
)
django.setup()

from django.core.asgi import get_asgi_application  # noqa: E402
from django.urls import path  # noqa: E402

urlpatterns: list = []


class Echo(AsyncWebsocketConsumer):
    async def connect(self):
        offered = SUBPROTOCOL if SUBPROTOCOL in self.scope["subprotocols"] else None
        await self.accept(offered)

    async def receive(self, text_data=None, bytes_data=None):
        if text_data == "close":
            await self.close(CODE, REASON)
        elif text_data == "raise":
            raise RuntimeError("as asked")
        else:
            await self.send(text_data=text_data, bytes_data=bytes_data)

    async def disconnect(self, code):
        note(key_of(self.scope), f"left {code}")


class Facts(AsyncWebsocketConsumer):
    async def connect(self):
        await self.accept()
        await self.send(facts(self.scope))
        await self.close()


class Refuse(AsyncWebsocketConsumer):
    async def connect(self):
        await self.close()


class Push(AsyncWebsocketConsumer):
    async def connect(self):
        await self.accept()
        for number in range(push_count(self.scope)):
            await self.send(str(number))
        await self.close()


CONSUMERS = {"echo": Echo, "facts": Facts, "refuse": Refuse, "push": Push}
app = observed(
    ProtocolTypeRouter(
        {
            "http": get_asgi_application(),
            "websocket": URLRouter(
                [path(name, consumer.as_asgi()) for name, consumer in CONSUMERS.items()]
            ),
        }
    )
)
