"""A worker that stands still: what the log says of it, and that another serves on."""

import re

import pytest
from support.holds import holds
from support.patience import SANITIZED

CHECK = ("--workers", "1", "--timeout-worker-healthcheck", "1")


@pytest.mark.parametrize(
    "path, why, where",
    [
        ("/blocks", "a callback or task blocks it instead of awaiting", "in blocks"),
        ("/spins", "a callback or task keeps it busy and never awaits", "in spins"),
        ("/holds", "a callback or task blocks it instead of awaiting", "in holds"),
        ("/another_holds", "another thread holds the GIL", "in hold_gil"),
        ("/stops", "it is stopped by a signal or a debugger", "in stops"),
    ],
)
@holds("robustness_58")
def test_log_says_why_a_worker_stands_still_and_where(serve, path, why, where):
    with serve("hangs:app", *CHECK, check_counts=False) as server:
        before = server.get("/").body
        with server.connect() as connection:
            connection.get(path)
            mark = server.mark()
            server.wait_for_line(f"does not turn its event loop any more: {why}. Ending it.")
            server.wait_for_line(f"File .*hangs.py.* {where}$", since=mark)
            server.wait_for_line(r"died: killed by SIGABRT after .* Starting another\.")
        assert server.get("/").body != before


@pytest.mark.skipif(SANITIZED, reason="the sanitizer takes the signal")
def test_crash_shows_where_it_was(serve):
    with serve("hangs:app", "--workers", "1", check_counts=False) as server:
        with server.connect() as connection:
            connection.get("/crashes")
            connection.read_to_any_end()
        server.wait_for_line("Fatal Python error: Segmentation fault")
        server.wait_for_line("File .*hangs.py.* in crashes$")
        died = server.wait_for_line(r"Child process \[\d+\] died: (.*) after")
        assert re.match("killed by SIGSEGV", died.group(1))
