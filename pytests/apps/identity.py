"""Who the application is to the system, and when it was imported: /who says both."""

import os

from replies import respond_json


def who() -> dict:
    mask = os.umask(0)
    os.umask(mask)
    return {
        "user": os.getresuid(),
        "group": os.getresgid(),
        "groups": sorted(os.getgroups()),
        "umask": mask,
        "directory": os.getcwd(),
        "variables": {k: v for k, v in os.environ.items() if k.startswith("TEST_")},
        "concurrency": os.environ.get("WEB_CONCURRENCY"),
    }


_at_import = who()


async def app(scope, receive, send):
    assert scope["type"] == "http"
    await respond_json(send, {"at_import": _at_import, "now": who()})
