"""What becomes of one attempt: what its client saw, and what the trace makes of that.

A client reports what it saw and nothing else. Only `judge` gives the verdict, with the
application's own trace at hand: an answer counts when the request was executed exactly once, a
connection that closes under a request is a race only when no application ever saw the request.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from proof.trace import Trace
from support.patience import seconds


class Seen(Enum):
    """What came back on the wire."""

    ANSWER = "answer"  # the right one, whole
    BUSY = "busy"  # a whole 503
    UNAVAILABLE = "unavailable"  # ECONNREFUSED
    IDLE_CLOSE = "idle close"  # a connection that had been idle ended without a byte
    CROSSED = "crossed"  # a WebSocket message that met the server's Close
    WRONG = "wrong"  # anything else; the reason says what


class Outcome(Enum):
    ANSWERED = "answered"
    REFUSED = "refused"
    RACED = "raced"
    LOST = "lost"


@dataclass(slots=True, eq=False)
class Attempt:
    """Times are of time.monotonic(); `maker` is the process that answered on this connection."""

    id: str
    kind: str
    begun: float
    ended: float = 0.0
    seen: Seen | None = None
    reason: str = ""
    fresh: bool = True
    maker: int = 0
    generation: int = 0
    retry: Attempt | None = None
    executes: bool = True  # False: a WebSocket as such, which the application does not trace

    @property
    def seconds(self) -> float:
        return self.ended - self.begun


@dataclass(frozen=True)
class Death:
    """`at`: when the process was certainly gone; its descriptors were closed before."""

    pid: int
    at: float


@dataclass(frozen=True)
class Verdict:
    outcome: Outcome
    reason: str = ""


ANSWERED = Verdict(Outcome.ANSWERED)
REFUSED = Verdict(Outcome.REFUSED)
RACED = Verdict(Outcome.RACED)


def lost(reason: str) -> Verdict:
    return Verdict(Outcome.LOST, reason)


def judge(attempt: Attempt, trace: Trace, leaving: float | None = None) -> Verdict:
    """`leaving`: from when on the server as a whole may refuse connections; None: never."""
    starts = len(trace.makers(attempt.id))
    if attempt.executes and starts > 1:
        return lost("executed twice")
    match attempt.seen:
        case Seen.ANSWER:
            return lost("answered, never executed") if attempt.executes > starts else ANSWERED
        case Seen.BUSY:
            return lost("executed, then refused") if starts else REFUSED
        case Seen.UNAVAILABLE:
            may = leaving is not None and attempt.ended >= leaving
            return REFUSED if may else lost("connection refused")
        case Seen.IDLE_CLOSE:
            return _judge_race(attempt, trace, leaving, starts)
        case Seen.CROSSED:
            return lost("taken by the application, never replied to") if starts else RACED
        case Seen.WRONG:
            where = "executed" if starts else "never reached the application"
            return lost(f"{attempt.reason}; {where}" if attempt.executes else attempt.reason)
    return lost("no end was seen")


def _judge_race(attempt: Attempt, trace: Trace, leaving: float | None, starts: int) -> Verdict:
    if starts:
        return lost("executed and not answered")
    if attempt.retry is None:
        return lost("not retried")
    outcome = judge(attempt.retry, trace, leaving).outcome
    if outcome is Outcome.ANSWERED:
        return RACED
    return REFUSED if outcome is Outcome.REFUSED else lost("raced, and its retry failed")


# How long before or after the end of a process its clients may notice that its sockets close.
AT_ONCE = seconds(0.5)


def died_with(attempt: Attempt, trace: Trace, deaths: list[Death]) -> bool:
    """Whether a process took the attempt with it: it was in flight there when that one died.

    An attempt that no application saw is the victim's if its connection was, even when it was made
    before its client had noticed the end. Without an earlier answer on the connection any worker
    may have accepted it; it is the victim's only if it was under way at that very moment.
    """
    if attempt.seen is Seen.UNAVAILABLE:
        return False
    makers = trace.makers(attempt.id) or ([attempt.maker] if attempt.maker else [])

    def took_it(death: Death) -> bool:
        if not death.at - AT_ONCE <= attempt.ended <= death.at + AT_ONCE:
            return False
        return death.pid in makers if makers else attempt.begun <= death.at

    return any(map(took_it, deaths))
