"""The cases of the Autobahn test suite, as PyPI's kosoku has them: every one OK, none almost so."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from support.holds import holds
from support.patience import seconds

GROUPS = (1, 2, 3, 4, 5, 6, 7, 9, 10)
GOOD = (("OK", "OK"), ("INFORMATIONAL", "INFORMATIONAL"))


def run_cases(server, folder: Path, cases) -> dict[str, tuple[str, str]]:
    """What became of each case, and of the end of its connection."""
    done = subprocess.run(
        [
            Path(sys.executable).with_name("kosoku"), "-m", "fuzzingclient",
            f"ws://127.0.0.1:{server.port}/ws/echo", "-p", "2", "-o", folder,
            *(word for case in cases for word in ("-i", case)),
        ],
        capture_output=True,
        text=True,
        timeout=seconds(100),
    )  # fmt: skip
    index = folder / "index.json"
    assert index.exists(), done.stdout[-3000:] + done.stderr[-3000:]
    (found,) = json.loads(index.read_text()).values()
    return {name: (case["behavior"], case["behaviorClose"]) for name, case in found.items()}


@holds("robustness_62", "robustness_63", "robustness_64")
@pytest.mark.slow
@pytest.mark.timeout(seconds(240))
def test_every_case_is_ok(server, door, tmp_path):
    """A case gives the server a second for the end: on a machine that stood still, another try."""
    if not door.takes_long_tests:
        pytest.skip("takes ten seconds")
    outcomes = run_cases(server, tmp_path / "all", [f"{group}.*" for group in GROUPS])
    for attempt in ("second", "third"):
        wrong = {name: outcome for name, outcome in outcomes.items() if outcome not in GOOD}
        if wrong:
            outcomes |= run_cases(server, tmp_path / attempt, wrong)
    assert not {name: outcome for name, outcome in outcomes.items() if outcome not in GOOD}
    assert Counter(behavior for behavior, _ in outcomes.values()) == {"OK": 298, "INFORMATIONAL": 3}
