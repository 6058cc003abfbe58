"""Every number of the requirements that this step promises has a test that names it."""

import functools
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent.parent
CTESTS = TESTS.parent / "ctests"

PROMISED = {
    # robustness.md: sections 1 to 6 and 8. 70 is a sentence of the README.
    "robustness": [n for n in range(1, 93) if n != 70],
    # asgi-checklist.md, but for extensions. 18, 29 and 30 are HTTP/2's, 50 is WSGI.
    "asgi": [number for number in range(1, 81) if number not in (18, 29, 30, 50)],
    # native-peers.md (b): bridge, HTTP, WebSocket, processes, log. 31 is held by the benchmarks'
    # percentiles; 58, 59 and 61 to 63 are held by other means than a request.
    "lesson": [n for n in (*range(1, 39), *range(50, 58), 60) if n != 31],
}


@functools.cache
def held() -> set[str]:
    """Numbers as pytest names them (`lesson_04`), and as the C++ tests write them (`lesson 4`)."""
    found = set()
    for path in [*TESTS.rglob("*.py"), *CTESTS.rglob("*.cpp")]:
        if path == Path(__file__).resolve():
            continue
        for kind, number in re.findall(r"(robustness|asgi|lesson)[_ ](\d+)", path.read_text()):
            found.add(f"{kind}_{int(number)}")
    return found


@pytest.mark.parametrize("kind", PROMISED)
def test_promised_number_is_named_by_a_test(kind):
    missing = [number for number in PROMISED[kind] if f"{kind}_{number}" not in held()]
    assert not missing
