"""The demo's chat in a browser: pages talk, one is loaded again, the server restarts."""

import pytest
from support import browser
from support.ports import free_port

pytestmark = [
    pytest.mark.skipif(browser.PROGRAM is None, reason="packaging/test installs Chromium"),
    pytest.mark.slow,
]


@pytest.fixture
def chromium(tmp_path):
    with browser.Browser(tmp_path / "profile") as chromium:
        yield chromium


def say(page, text: str) -> None:
    page.run(
        f"document.getElementById('text').value = {text!r};"
        "document.getElementById('form').requestSubmit()"
    )


def worker_of(page) -> int:
    return int(page.await_text("#state", r"Ada, Bert, in worker \d+").rpartition(" ")[2])


def test_pages_talk_reload_and_come_back_after_a_restart(serve, chromium):
    port = free_port()
    with serve("demo:app", port=port) as server:
        ada, bert = (
            chromium.open(f"{server.url}/chat?name={name}") for name in ("Ada", "Bert")
        )
        first_worker = worker_of(ada)
        assert worker_of(bert) == first_worker
        say(ada, "is anybody here?")
        bert.await_text("#said", r"Ada is anybody here\? \d\d:\d\d:\d\d")
        say(bert, "grüße, 世界")
        ada.await_text("#said", "Bert grüße, 世界")

        bert.reload()
        ada.await_text("#said", "Bert has left.*Bert has come in")
        worker_of(bert)
        bert.await_text("#said", "is anybody here.*grüße, 世界")

        assert server.stop() == 0
    for page in (ada, bert):
        page.await_text("#state", r"connection lost \((1012|1006)\)")
    say(ada, "said while nobody listened")
    with serve("demo:app", port=port):
        workers = [worker_of(page) for page in (ada, bert)]
        assert workers[0] == workers[1] != first_worker
        # Before or after Bert has come back: it is said once, and he hears of it.
        assert bert.await_text("#said", "said while nobody").count("said while nobody") == 1
        say(bert, "welcome back")
        ada.await_text("#said", "Bert welcome back")


def test_close_on_restart_tells_the_page_to_come_back(serve, chromium):
    with serve("demo:app") as server:
        page = chromium.open(f"{server.url}/chat?name=Ada")
        page.await_text("#state", r"Ada, in worker")
        page.run(
            "window.end = new Promise((resolve) =>"
            " socket.addEventListener('close', (event) => resolve([event.code, event.wasClean])));"
            "0"
        )
        assert server.stop() == 0
        assert page.run("window.end") == [1012, True]
