"""A module whose import does not end by itself."""

import sys
import threading

from raw import app  # noqa: F401

print("app: importing", file=sys.stderr, flush=True)
threading.Event().wait()
