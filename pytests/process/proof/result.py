"""A cell's figures, counted from attempts and trace, and the promises held against them."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field

from proof.attempt import Attempt, Outcome, Verdict, died_with, judge
from proof.load import FAST_KINDS
from proof.world import World
from support.patience import seconds


@dataclass(frozen=True)
class Promise:
    """What a cell holds: nothing is lost but, where a worker is killed, what was in it."""

    stall_max: float | None = 1.0
    recovery_max: float | None = 1.0
    status: int | None = 0
    exit_seconds_max: float | None = None
    newest_generation: bool = True


@dataclass
class Result:
    """`lost` counts everything; `in_victims` of it was in flight in a worker that was killed."""

    server: str
    cell: str
    workers: int
    attempts: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    lost: int = 0
    lost_websockets: int = 0
    in_victims: int = 0
    losses: dict[str, int] = field(default_factory=dict)  # "kind: reason": how often
    generation: int = 0
    asked: int = 1
    stall: float = 0.0
    late_resets: int = 0
    deaths: int = 0
    recovery: float | None = None  # the slowest
    status: int | None = None
    seconds_to_exit: float | None = None
    orphans: int = 0
    remarks: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def beyond(self) -> int:
        return self.lost - self.in_victims

    def as_json(self) -> dict:
        return asdict(self)


def examine(world: World, cell: str, workers: int, promise: Promise) -> Result:
    """REQUIRES: the load has ended."""
    world.trace.refresh()
    notes = world.notes
    result = Result(world.kind.name, cell, workers, asked=notes.asked, remarks=notes.remarks)
    attempts = world.load.book.attempts
    verdicts = [(attempt, judge(attempt, world.trace, notes.leaving)) for attempt in attempts]
    count(result, world, verdicts)
    result.generation = world.load.newest_generation()
    result.stall = max(map(answered_after, fast_answers(verdicts)), default=0.0)
    result.late_resets = world.load.book.late_resets
    result.deaths = len(notes.deaths)
    result.recovery = max(notes.recoveries, default=None)
    result.status = notes.status
    result.seconds_to_exit = notes.seconds_to_exit
    result.orphans = len(notes.orphans)
    result.problems = list(problems(result, promise))
    return result


def count(result: Result, world: World, verdicts: list[tuple[Attempt, Verdict]]) -> None:
    result.attempts = len(verdicts)
    result.outcomes = dict(Counter(verdict.outcome.value for _, verdict in verdicts))
    losses: Counter[str] = Counter()
    for attempt, verdict in verdicts:
        if verdict.outcome is not Outcome.LOST:
            continue
        result.lost += 1
        result.lost_websockets += attempt.kind in ("websocket", "message")
        inside = died_with(attempt, world.trace, world.notes.deaths)
        result.in_victims += inside
        losses[f"{attempt.kind}: {verdict.reason}{' (in a victim)' if inside else ''}"] += 1
    result.losses = dict(losses.most_common())


def fast_answers(verdicts: list[tuple[Attempt, Verdict]]) -> list[Attempt]:
    good = (Outcome.ANSWERED, Outcome.RACED)
    return [a for a, verdict in verdicts if a.kind in FAST_KINDS and verdict.outcome in good]


def answered_after(attempt: Attempt) -> float:
    """From the first byte to the answer, the retry included."""
    last = attempt.retry or attempt
    return last.ended - attempt.begun


def problems(result: Result, promise: Promise):
    """Which promises were not kept, in words."""
    if not result.outcomes.get(Outcome.ANSWERED.value):
        yield "nothing was answered"
    if result.beyond:
        yield f"{result.beyond} lost beyond the {result.in_victims} in flight in a victim"
    if promise.newest_generation and result.generation != result.asked:
        yield f"generation {result.generation} of {result.asked}"
    if promise.stall_max is not None and result.stall > seconds(promise.stall_max):
        yield f"the request of 1 ms took {result.stall:.2f} s"
    if promise.recovery_max is not None and (result.recovery or 0) > seconds(promise.recovery_max):
        yield f"recovery took {result.recovery:.2f} s"
    if promise.status is not None and result.status != promise.status:
        yield f"exit status {result.status}"
    if result.orphans:
        yield f"{result.orphans} processes stayed behind"
    limit = promise.exit_seconds_max
    if limit is not None and (result.seconds_to_exit or 0) > seconds(limit):
        yield f"the exit took {result.seconds_to_exit:.1f} s"
    yield from result.remarks
