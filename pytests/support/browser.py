"""A headless Chromium, driven over its DevTools protocol: pages that are asked, not looked at.

Waiting is done inside the page, by an observer of its document, so that nothing here polls.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import shutil
import subprocess
from pathlib import Path

from support.lines import Lines
from support.patience import seconds
from websockets.sync.client import connect

PROGRAM = shutil.which("chromium")
_OPTIONS = (
    *("--headless=new", "--remote-debugging-port=0", "--no-first-run", "--disable-gpu"),
    *("--disable-dev-shm-usage", "--disable-background-networking", "--disable-extensions"),
    # Tests run as root in containers; the pages are our own.
    "--no-sandbox",
)
_WAIT = """
new Promise((resolve) => {
  const look = () => (%s);
  const seen = look();
  if (seen !== false) return resolve(seen);
  const observer = new MutationObserver(() => {
    const seen = look();
    if (seen !== false) { observer.disconnect(); resolve(seen); }
  });
  observer.observe(document, {subtree: true, childList: true, characterData: true});
})
"""


_GONE = re.compile("navigated or closed|execution context|context with")


class DocumentGone(AssertionError):
    """It was replaced by another while it was asked."""


class Browser:
    """REQUIRES: `PROGRAM` is there; `folder` is empty and lives as long as the browser."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [PROGRAM, *_OPTIONS, f"--user-data-dir={folder}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        self._lines = Lines(self._process.stderr)
        self._numbers = itertools.count(1)
        try:
            found = self._lines.wait_for(r"DevTools listening on (ws://\S+)", 30)
            self._socket = connect(found[1], max_size=None, compression=None).__enter__()
        except BaseException:
            self._process.kill()
            raise

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_) -> None:
        self._socket.__exit__(None, None, None)
        self._process.terminate()
        try:
            self._process.wait(seconds(5))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._lines.join()

    def call(self, method: str, session: str | None = None, timeout: float = 20, **parameters):
        """One command and its result; events between them are passed over."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        self._socket.send(json.dumps(message))
        while True:
            answer = json.loads(self._socket.recv(timeout=seconds(timeout)))
            if answer.get("id") == number:
                if problem := answer.get("error"):
                    kind = DocumentGone if _GONE.search(str(problem)) else AssertionError
                    raise kind(f"{method}: {problem}")
                return answer["result"]

    def open(self, url: str) -> Page:
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, session)
        page.go(url)
        return page


class Page:
    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session

    def go(self, url: str) -> None:
        """Until the document of `url` is there; its scripts may still be at work."""
        failed = self._browser.call("Page.navigate", self._session, url=url).get("errorText")
        assert not failed, f"{url}: {failed}"
        self.await_that("document.readyState !== 'loading' && location.href !== 'about:blank'")

    def reload(self) -> None:
        self.run("window.isOld = true")
        self._browser.call("Page.reload", self._session)
        # The old document may be asked once more before it goes; the new one lacks the mark.
        old = True
        while old:
            with contextlib.suppress(DocumentGone):
                old = self.run("window.isOld === true || document.readyState === 'loading'")

    def run(self, script: str):
        """The value of an expression, a promise's too, as JSON has it."""
        result = self._browser.call(
            "Runtime.evaluate",
            self._session,
            expression=script,
            awaitPromise=True,
            returnByValue=True,
        )
        problem = result.get("exceptionDetails")
        assert problem is None, f"{script}: {problem}"
        return result["result"].get("value")

    def await_that(self, condition: str) -> None:
        """Until the expression holds, looked at whenever the document changes."""
        assert self.run(_WAIT % condition) is True

    def await_text(self, selector: str, pattern: str) -> str:
        """Until the text of that element matches; the text that did, which may be gone by now."""
        text = f"document.querySelector({json.dumps(selector)}).textContent"
        return self.run(_WAIT % f"new RegExp({json.dumps(pattern)}).test({text}) && {text}")
