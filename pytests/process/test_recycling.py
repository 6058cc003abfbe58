"""--limit-max-*: a worker that has served for long enough is replaced first. robustness 79, 86."""

import pytest
from support.holds import holds

STARTED = r"Started server process \[(\d+)\]"


@holds("robustness_79", "robustness_86")
@pytest.mark.parametrize(
    "options, reason",
    [
        (("--limit-max-requests", "3"), r"it has answered \d+ requests\."),
        (("--limit-max-age", "0.5"), r"it has served for long enough\."),
        (("--limit-max-rss", "1"), r"it uses \d+ MiB of memory\."),
    ],
    ids=["requests", "age", "memory"],
)
def test_the_one_worker_is_replaced_and_then_goes(serve, door, options, reason):
    if door.oracle:
        pytest.skip("uvicorn ends instead")
    with serve("raw:app", *options) as server:
        first = int(server.wait_for_line(STARTED)[1])
        for _ in range(3):
            assert server.get("/hello").status == 200
        server.wait_for_line(rf"Child process \[{first}\] will be replaced: {reason}")
        server.wait_for_line(rf"Finished server process \[{first}\]")
        lines = server.stderr_lines()
        gone = lines.index(f"INFO:     Finished server process [{first}]")
        assert lines[:gone].count("INFO:     Application startup complete.") >= 2


@holds("robustness_86")
def test_jitter_lets_a_worker_answer_more(serve, door):
    if door.oracle:
        pytest.skip("uvicorn ends instead")
    options = ("--limit-max-requests", "1", "--limit-max-requests-jitter", "4294967295")
    with serve("raw:app", *options, "--limit-max-age", "0.5") as server:
        assert server.get("/hello").status == 200
        why = server.wait_for_line(r"will be replaced: (.*)")[1]
        assert why == "it has served for long enough."
