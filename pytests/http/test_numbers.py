"""Every number of the requirements that this step promises has a test that names it."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent.parent
CTESTS = TESTS.parent / "ctests"

PROMISED = {
    # robustness.md: sections 1 to 5, and of section 8 what one process has; 58 needs several.
    "robustness": [*range(1, 58), 59, 73, 76, 79, 80, 81, 82, 83, 85, 87, 88, 89],
    # asgi-checklist.md: base protocol, HTTP, lifespan. 18, 29 and 30 are HTTP/2's, 50 is WSGI.
    "asgi": [number for number in (*range(1, 50), *range(69, 80)) if number not in (18, 29, 30)],
    # native-peers.md (b): bridge, HTTP, log. 8 is WebSocket's; 31 is held by the benchmarks'
    # percentiles, 58, 59 and 61 to 63 by other means than a request.
    "lesson": [number for number in (*range(1, 36), 60) if number not in (8, 31)],
}


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
