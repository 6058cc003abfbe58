"""Runs one cell against one server."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from proof import clock
from proof.cells import Cell, Pace
from proof.result import Result, examine
from proof.servers import Kind
from proof.world import CannotStart, Died, World


def missing(kind: Kind, cell: Cell, workers: int) -> frozenset[str]:
    """What the cell asks for and the server cannot do."""
    return (cell.needs | ({"workers"} if workers > 1 else set())) - kind.features


def run_cell(kind: Kind, cell: Cell, workers: int, pace: Pace, folder: Path) -> Result:
    """`folder` keeps the trace and the log."""
    if "websockets" not in kind.features:
        pace = replace(pace, mix=replace(pace.mix, websockets=0))
    pace = replace(pace, mix=cell.mix(pace.mix))
    environment = cell.environment(pace)
    if "clock" in cell.needs:
        environment = {**environment, **clock.environment(folder)}
    wishes = cell.wished(pace, workers)
    world = World(kind, wishes, folder, environment, cell.wrapper, cell.output)
    return asyncio.run(_run(world, cell, workers, pace))


async def _run(world: World, cell: Cell, workers: int, pace: Pace) -> Result:
    try:
        async with world:
            try:
                await cell.run(world, pace)
            except Died as death:
                world.remark(str(death))
    except CannotStart as error:
        reason = f"does not start: {error}"
        return Result(world.kind.name, cell.name, workers, problems=[reason])
    return examine(world, cell.name, workers, cell.promise)


