"""The lifespan protocol (ASGI lifespan 2.0): one call of the application per worker's life."""

import asyncio


class Lifespan:
    """Calls the application with a lifespan scope; `state` is None if it turns out to have none."""

    def __init__(self, app, mode, log):
        self.app = app
        self.mode = mode  # "auto", "on" or "off"
        self.log = log
        self.state = None if mode == "off" else {}
        self.events = asyncio.Queue()
        self.answers = {"startup": asyncio.Event(), "shutdown": asyncio.Event()}
        self.failed = False  # startup.failed, or an error that counts
        self.task = None

    async def startup(self):
        """Return True when the server may take connections."""
        if self.mode == "off":
            return True
        self.task = asyncio.get_running_loop().create_task(self.run(), name="ringhorn-lifespan")
        await self.ask("startup")
        return not self.failed

    async def shutdown(self):
        """Return True when the application shut down without a failure."""
        if self.task is None or self.task.done():
            return not self.failed
        await self.ask("shutdown")
        return not self.failed

    async def ask(self, phase):
        self.events.put_nowait({"type": f"lifespan.{phase}"})
        await self.answers[phase].wait()

    async def run(self):
        scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self.state,
        }
        try:
            await self.app(scope, self.events.get, self.send)
        except Exception as error:
            self.on_raised(error)
        finally:
            self.on_ended()

    def on_raised(self, error):
        started = self.answers["startup"].is_set()
        if not started and self.mode == "auto":
            self.state = None  # the application has no lifespan: it is served without
            self.log("info", "ASGI 'lifespan' protocol appears unsupported.", None)
        elif not self.failed:
            self.failed = True
            self.log("error", "Exception in 'lifespan' protocol", error)

    def on_ended(self):
        if not self.answers["startup"].is_set() and self.mode == "on" and not self.failed:
            self.failed = True
            self.log("error", "the application ended its lifespan without an answer", None)
        for answer in self.answers.values():
            answer.set()

    async def send(self, message):
        phase, _, outcome = message["type"].removeprefix("lifespan.").partition(".")
        if phase not in self.answers or outcome not in ("complete", "failed"):
            raise RuntimeError(f"Unexpected ASGI message '{message['type']}' in the lifespan.")
        if self.answers[phase].is_set() or (
            phase == "shutdown" and not self.answers["startup"].is_set()
        ):
            raise RuntimeError(f"Unexpected ASGI message '{message['type']}' at this time.")
        if outcome == "failed":
            self.failed = True
            text = message.get("message", "")
            if text:
                self.log("error", text, None)
        self.answers[phase].set()
