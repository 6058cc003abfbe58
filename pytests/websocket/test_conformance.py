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


@holds("robustness_62", "robustness_63", "robustness_64")
@pytest.mark.slow
@pytest.mark.timeout(seconds(120))
def test_every_case_is_ok(server, door, tmp_path):
    if not door.takes_long_tests:
        pytest.skip("takes ten seconds")
    chosen = [word for group in GROUPS for word in ("-i", f"{group}.*")]
    done = subprocess.run(
        [
            Path(sys.executable).with_name("kosoku"), "-m", "fuzzingclient",
            f"ws://127.0.0.1:{server.port}/ws/echo", "-p", "2", "-o", tmp_path, *chosen,
        ],
        capture_output=True,
        text=True,
        timeout=seconds(100),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    (cases,) = json.loads((tmp_path / "index.json").read_text()).values()
    outcomes = {name: (case["behavior"], case["behaviorClose"]) for name, case in cases.items()}
    wrong = {
        name: outcome
        for name, outcome in outcomes.items()
        if outcome not in (("OK", "OK"), ("INFORMATIONAL", "INFORMATIONAL"))
    }
    assert not wrong
    assert Counter(behavior for behavior, _ in outcomes.values()) == {"OK": 298, "INFORMATIONAL": 3}
