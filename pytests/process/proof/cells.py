"""The cells of the proof: which fault, on which server, and what is promised meanwhile.

Two paces: FULL is the proof, a minute a cell; SHORT is for CI, seconds.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass, replace

from proof import faults, load
from proof.faults import Pace, Run
from proof.result import Promise
from proof.servers import Wishes
from support.patience import seconds

FULL = Pace(load.FULL, times=30, interval=2, import_seconds=5, block_seconds=60, health_check=5)
SHORT = Pace(load.SHORT, times=2, interval=0.7, import_seconds=1, block_seconds=60, health_check=1)


@dataclass(frozen=True)
class Cell:
    """`output`: where the server's lines go: "file", "full" (no room) or "blocked" (no reader)."""

    name: str
    title: str
    run: Run
    promise: Promise = Promise()
    needs: frozenset[str] = frozenset()
    workers: tuple[int, ...] = (2, 1)
    wishes: Callable[[Pace], dict] = lambda pace: {}
    environment: Callable[[Pace], dict[str, str]] = lambda pace: {}
    mix: Callable[[load.Mix], load.Mix] = lambda mix: mix
    wrapper: tuple[str, ...] = ()
    output: str = "file"
    short: bool = True  # False: what it shows takes longer than CI has
    sanitized: bool = True  # False: nothing for a sanitized build
    holds: tuple[str, ...] = ()

    def wished(self, pace: Pace, workers: int) -> Wishes:
        return Wishes(workers=workers, **self.wishes(pace))


def needs(*features: str) -> frozenset[str]:
    return frozenset(features)


def slow_import(pace: Pace) -> dict[str, str]:
    return {"PROOF_IMPORT_SECONDS": str(pace.import_seconds)}


def uploads(mix: load.Mix) -> load.Mix:
    return replace(mix, echo=3 * mix.echo, echo_rate=3 * mix.echo_rate, slow=0, streams=0)


def reload_cells():
    hup = Cell(
        "hup", "HUP", faults.hup, needs=needs("hup"), holds=("robustness_84", "lesson_50")
    )
    yield hup
    yield replace(hup, name="hup-slow", title="HUP, slow import", environment=slow_import)
    yield replace(hup, name="hup-uploads", title="HUP, uploads", mix=uploads, workers=(2,))
    yield replace(
        hup,
        name="hup-preload",
        title="HUP, preloaded",
        needs=needs("hup", "preload"),
        wishes=lambda pace: {"preload": True},
    )
    yield replace(
        hup,
        name="hup-hash",
        title="HUP, a socket for each worker",
        needs=needs("hup", "balance"),
        wishes=lambda pace: {"balance": "hash"},
        workers=(2,),
    )
    yield replace(
        hup, name="hup-many", title="HUP x5 at once", run=faults.hup_many, workers=(2,)
    )
    yield replace(
        hup,
        name="hup-broken",
        title="HUP, code that does not start",
        run=faults.hup_broken,
        holds=("robustness_84", "lesson_15"),
    )
    yield Cell(
        "churn", "TTIN/TTOU", faults.workers_churn, needs=needs("ttin"), holds=("lesson_50",)
    )
    yield Cell(
        "usr2",
        "USR2 and roll-back",
        faults.new_binary,
        Promise(status=None),
        needs("usr2"),
        workers=(2,),
        holds=("robustness_84",),
    )


def recycling_cells():
    def recycling(name: str, title: str, feature: str, wish, run=faults.recycle, **more):
        holds = ("robustness_86", *more.pop("holds", ()))
        return Cell(name, title, run, needs=needs(feature), wishes=wish, holds=holds, **more)

    yield recycling(
        "recycle-50", "recycle at 50 requests", "max-requests", lambda pace: {"max_requests": 50}
    )
    yield recycling(
        "recycle-1000",
        "recycle at 1000",
        "max-requests",
        lambda pace: {"max_requests": 1000},
        short=False,
    )
    yield recycling(
        "recycle-age", "recycle by age", "max-age", lambda pace: {"max_age": pace.interval}
    )
    yield recycling(
        "recycle-rss",
        "recycle by memory",
        "max-rss",
        lambda pace: {"max_rss_mib": 200},
        faults.recycle_leaking,
        holds=("robustness_79",),
        sanitized=False,
    )


def death_cells():
    def death(name: str, title: str, run: Run, *holds: str):
        return Cell(name, title, run, needs=needs("workers"), holds=("robustness_71", *holds))

    yield death("kill", "KILL a worker", faults.worker_signal(signal.SIGKILL), "lesson_54")
    yield death("segv", "SEGV a worker", faults.worker_signal(signal.SIGSEGV))
    yield death("leave", "os._exit in a worker", faults.worker_leaves, "robustness_57")
    yield Cell(
        "supervisor",
        "KILL the supervisor",
        faults.supervisor_killed,
        Promise(status=None, exit_seconds_max=10),
        needs("workers"),
        holds=("robustness_74",),
    )


def hanging_cells():
    """The victim answers nobody until it is found out: only the others are held to the stall."""

    def hanging(name: str, title: str, run: Run, *holds: str):
        return Cell(
            name,
            title,
            run,
            Promise(stall_max=None),
            needs("workers", "health-check"),
            workers=(2,),
            wishes=lambda pace: {"health_check": seconds(pace.health_check)},
            holds=("robustness_72", *holds),
        )

    yield hanging("stop", "STOP a worker", faults.worker_stopped)
    blocks, holds_gil = faults.worker_hangs("block"), faults.worker_hangs("hold-gil")
    yield hanging("block", "a worker blocks for 60 s", blocks, "robustness_58")
    yield hanging("gil", "a worker holds the GIL", holds_gil, "robustness_58")


def surrounding_cells():
    yield Cell(
        "descriptors",
        "no descriptor is left",
        faults.without_descriptors,
        Promise(stall_max=None),
        needs("workers"),
        wrapper=("sh", "-c", 'ulimit -S -n 100; exec "$@"', "sh"),
        sanitized=False,  # UBSan needs a pipe of its own to look at memory
        holds=("robustness_76",),
    )
    for output, title in (("full", "a full log disk"), ("blocked", "a blocked stdout pipe")):
        yield Cell(
            f"output-{output}",
            title,
            faults.reload_and_kill,
            needs=needs("hup"),
            workers=(2,),
            wishes=lambda pace: {"access_log": True},
            output=output,
            holds=("robustness_80",),
        )
    yield Cell(
        "clock",
        "the clock a day back and forth",
        faults.clock_jumps,
        needs=needs("hup", "clock"),
        workers=(2,),
        wishes=lambda pace: {"health_check": seconds(pace.health_check)},
        sanitized=False,  # both want to be loaded first
        holds=("robustness_82",),
    )


def end_cells():
    ending = Cell(
        "term",
        "TERM, 100 in flight",
        faults.term,
        Promise(exit_seconds_max=5),
        holds=("robustness_85", "lesson_52"),
    )
    yield ending
    yield replace(
        ending,
        name="term-reload",
        title="TERM during a reload",
        run=faults.term_overtakes_reload,
        promise=Promise(exit_seconds_max=5, newest_generation=False),
        needs=needs("hup"),
        environment=slow_import,
        holds=("robustness_85", "lesson_51"),
    )


GROUPS = (
    reload_cells,
    recycling_cells,
    death_cells,
    hanging_cells,
    surrounding_cells,
    end_cells,
)
CELLS = {"rest": Cell("rest", "no fault", faults.nothing)}
CELLS |= {cell.name: cell for group in GROUPS for cell in group()}
