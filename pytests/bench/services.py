"""What the applications of some rows talk to: PostgreSQL, and an HTTP server behind them.

They are told through the environment (BENCH_POSTGRESQL, BENCH_UPSTREAM). Their CPU time is not
counted: the figure is that of the server alone.
"""

import contextlib
import os
from pathlib import Path

from environment import build_tool
from rows import ROWS
from servers import floor
from support.databases import postgresql

PACKAGES = {"database": "asyncpg", "fan-out": "httpx"}


def packages(keys):
    """What these rows need in the servers' environment."""
    apps = {ROWS[key].app for key in keys}
    return [package for app, package in PACKAGES.items() if app in apps]


@contextlib.contextmanager
def running(keys, folder, floor_path=None):
    """The services of these rows, for as long as it lasts."""
    apps = {ROWS[key].app for key in keys}
    with contextlib.ExitStack() as stack:
        if "database" in apps:
            database = stack.enter_context(postgresql())
            os.environ["BENCH_POSTGRESQL"] = str(database.port)
        if "fan-out" in apps:
            bare = floor(build_tool("floor", floor_path))
            (Path(folder) / "upstream").mkdir()
            program = bare.start(ROWS["hello64"], Path(folder) / "upstream", core=1)
            stack.enter_context(program)
            os.environ["BENCH_UPSTREAM"] = f"http://127.0.0.1:{program.port}/"
        yield
