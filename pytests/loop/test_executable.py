"""All tests of the loop again, inside the executable: its interpreter, its sanitizers."""

from pathlib import Path

import pytest
from support.doors import INSIDE
from support.patience import seconds
from support.server import Server


@pytest.mark.slow
@pytest.mark.timeout(seconds(300))
def test_executable_passes_the_tests_of_the_loop(door):
    tests = str(Path(__file__).parent)
    environment = {INSIDE: tests, "PYTHONDONTWRITEBYTECODE": "1"}
    server = Server(door, "loop_tests:app", env=environment, ready=False)
    status = server.wait(280)
    output = "\n".join(server.stdout_lines()[-80:] + server.stderr_lines()[-40:])
    assert status == 0, output
    assert " passed" in output
