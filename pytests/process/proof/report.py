"""Results as text: a line per run while it goes on, and the table of the README."""

from __future__ import annotations

from collections import defaultdict

from proof.cells import CELLS
from proof.result import Result

STALL_SHOWN = 1.0  # seconds; below it a stall is not worth a word


def line(result: Result) -> str:
    """One run on one line; its problems on the next ones."""
    parts = [f"{result.server:<17}{result.cell:<16}{result.workers}w  {figures([result])}"]
    parts += [f"    {count} x {loss}" for loss, count in result.losses.items()]
    parts += [f"    NOT KEPT: {problem}" for problem in result.problems]
    return "\n".join(parts)


def figures(results: list[Result]) -> str:
    """`attempts/lost` and what else has to be known of it; of several runs, sums and the worst."""
    attempts, lost = (sum(getattr(r, name) for r in results) for name in ("attempts", "lost"))
    if not attempts:
        return "does not start"
    words = [f"{attempts}/**{lost}**" if lost else f"{attempts}/0"]
    if sockets := sum(result.lost_websockets for result in results):
        words.append(f"(ws {sockets})")
    if deaths := sum(result.deaths for result in results):
        words.append(f"beyond {sum(result.beyond for result in results)} ({deaths} killed)")
        recoveries = [result.recovery for result in results if result.recovery is not None]
        words.append(f"back in {max(recoveries):.2f} s" if recoveries else "not back")
    worst = min(results, key=lambda result: result.generation - result.asked)
    if worst.asked > 1:
        words.append(f"g{worst.generation}/{worst.asked}")
    if (stall := max(result.stall for result in results)) > STALL_SHOWN:
        words.append(f"stall {stall:.1f} s")
    if any(result.orphans for result in results):
        words.append("ORPHANS")
    if any("died" in remark for result in results for remark in result.remarks):
        words.append("DIED")
    return " ".join(words)


def passed(results: list[Result]) -> bool:
    return not any(result.problems for result in results)


def markdown(results: list[Result]) -> str:
    """Cells down, servers across; `✓` where every promise was kept."""
    servers = list(dict.fromkeys(result.server for result in results))
    grouped: dict[tuple, list[Result]] = defaultdict(list)
    for result in results:
        grouped[result.cell, result.workers, result.server].append(result)
    rows = list(dict.fromkeys((result.cell, result.workers) for result in results))
    lines = ["| | " + " | ".join(servers) + " |", "| --- |" + " --- |" * len(servers)]
    for name, workers in rows:
        title = CELLS[name].title + (", 1 worker" if workers == 1 else "")
        cells = [cell_text(grouped.get((name, workers, server))) for server in servers]
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def cell_text(results: list[Result] | None) -> str:
    if not results:
        return "–"
    return f"{'✓ ' if passed(results) else ''}{figures(results)}"
