"""Nothing is lost: the cells of process/proof at the pace of CI; the full run is a command.

Every cell runs in full measure on one build; on the others a few of each kind stand for all.
"""

import pytest
from proof.cells import CELLS, SHORT
from proof.report import line
from proof.runner import missing, run_cell
from proof.servers import ringhorn
from support.holds import holds
from support.patience import SANITIZED, seconds

EVERYWHERE = ("hup-2", "kill-1", "term-2")
# With one worker too, at this pace: where one that is alone is another matter.
ALONE = ("hup", "recycle-50", "kill", "term")


def cases():
    for cell in CELLS.values():
        for workers in cell.workers if cell.short else ():
            if workers == 1 and cell.name not in ALONE:
                continue
            marks = [holds(*cell.holds), pytest.mark.slow, pytest.mark.timeout(seconds(120))]
            yield pytest.param(cell, workers, id=f"{cell.name}-{workers}", marks=marks)


@pytest.mark.parametrize("cell, workers", list(cases()))
def test_nothing_is_lost(cell, workers, door, tmp_path):
    if door.oracle:
        pytest.skip("run.py --servers uvicorn proves the oracle")
    everywhere = f"{cell.name}-{workers}" in EVERYWHERE
    if not everywhere and not door.takes_long_tests:
        pytest.skip("runs on the release build of the executable, on the ring")
    if SANITIZED and not cell.sanitized:
        pytest.skip("not for a sanitized build")
    kind = ringhorn(door)
    if lacks := missing(kind, cell, workers):
        pytest.skip(f"not there yet: {', '.join(sorted(lacks))}")
    result = run_cell(kind, cell, workers, SHORT, tmp_path)
    log = tmp_path / "log"
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-60:]) if log.exists() else ""
    assert not result.problems, f"{line(result)}\n{tail}"
