"""How long a test waits before it gives up. A sanitized build is several times slower."""

import os

SANITIZED = os.environ.get("RINGHORN_SANITIZED") == "1"
FACTOR = 6 if SANITIZED else 1


def seconds(plain: float) -> float:
    """`plain` seconds on a release build, longer on a sanitized one."""
    return plain * FACTOR
