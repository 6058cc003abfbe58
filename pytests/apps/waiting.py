"""A call that waits in receive() time and again, and does what it is told in between.

Each text names something to do with the task of the call, right when receive() has given that text;
the answer says what came of it, as JSON.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import json
import sys

variable = contextvars.ContextVar("variable", default=0)
others: dict[str, asyncio.Task] = {}


class Conversation:
    def __init__(self, receive, send):
        self.receive = receive
        self.send = send
        self.first_task = asyncio.current_task()

    async def hear(self):
        message = await self.receive()
        if message["type"] == "websocket.disconnect":
            raise ConnectionError("gone")
        return message["text"]

    async def say(self, value):
        await self.send({"type": "websocket.send", "text": json.dumps(value)})

    async def be_told(self, text):
        """The same text as the one before: the client says each of these twice."""
        assert await self.hear() == text
        return text

    async def task(self, text):
        task = asyncio.current_task()
        variable.set(variable.get() + 1)
        return [
            *(task is self.first_task, task in asyncio.all_tasks(), task.done()),
            *(inspect.getcoroutinestate(task.get_coro()), variable.get()),
        ]

    async def several(self, text):
        """Without a look at the task."""
        variable.set(variable.get() + 1)
        return [await self.be_told(text), variable.get()]

    async def sleep(self, text):
        await asyncio.sleep(0.001)
        return [asyncio.current_task() is self.first_task, await self.be_told(text)]

    async def give_way(self, text):
        await asyncio.sleep(0)
        return [asyncio.current_task() is self.first_task, await self.be_told(text)]

    async def timeout(self, text):
        try:
            async with asyncio.timeout(0.01):
                await self.receive()
        except TimeoutError:
            return ["timeout", asyncio.current_task().cancelling()]

    async def wait_for(self, text):
        try:
            await asyncio.wait_for(self.receive(), 0.01)
        except TimeoutError:
            return ["timeout", asyncio.current_task().cancelling()]

    async def inner_task(self, text):
        return await asyncio.create_task(self.be_told(text))

    async def group(self, text):
        async with asyncio.TaskGroup() as group:
            told = group.create_task(self.be_told(text))
        return told.result()

    async def both(self, text):
        """Both wait at once, and each gets one."""
        inner = asyncio.create_task(self.be_told(text))
        return [await self.be_told(text), await inner]

    async def eager_task(self, text):
        """It waits in receive() within the step of this one."""
        if sys.version_info < (3, 12):
            return await self.be_told(text)
        loop = asyncio.get_running_loop()
        return await asyncio.Task(self.be_told(text), loop=loop, eager_start=True)

    async def cancel_itself(self, text):
        task = asyncio.current_task()
        task.cancel("enough")
        try:
            await self.receive()
        except asyncio.CancelledError as cancelled:
            return [cancelled.args, task.uncancel(), await self.be_told(text)]

    async def cancel_itself_and_sleep(self, text):
        task = asyncio.current_task()
        task.cancel()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return ["cancelled", task.uncancel(), await self.be_told(text)]

    async def cancel_itself_and_give_way(self, text):
        task = asyncio.current_task()
        task.cancel()
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            return ["cancelled", task.uncancel(), await self.be_told(text)]

    async def be_cancelled(self, text):
        asyncio.get_running_loop().call_soon(asyncio.current_task().cancel)
        try:
            await self.receive()
        except asyncio.CancelledError:
            return ["cancelled", asyncio.current_task().uncancel(), await self.be_told(text)]

    async def be_cancelled_by_another(self, text):
        """Another conversation cancels this one while it waits as it always does."""
        others["waiting"] = asyncio.current_task()
        await self.say("waiting")
        try:
            await self.receive()
        except asyncio.CancelledError:
            return ["cancelled", asyncio.current_task().uncancel()]

    async def cancel_another(self, text):
        return others.pop("waiting").cancel()

    async def fail(self, text):
        raise LookupError("told to")

    async def fail_after_a_look(self, text):
        raise LookupError(f"told to {asyncio.current_task().done()}")

    async def exit(self, text):
        sys.exit(5)

    async def cancel_and_fail(self, text):
        asyncio.current_task().cancel()
        raise LookupError("told to")


async def converse(receive, send):
    conversation = Conversation(receive, send)
    assert (await receive())["type"] == "websocket.connect"
    await send({"type": "websocket.accept"})
    while True:
        text = await conversation.hear()
        if text == "leave":
            return
        await conversation.say(await getattr(conversation, text)(text))


async def app(scope, receive, send):
    try:
        await converse(receive, send)
    except ConnectionError:
        pass
