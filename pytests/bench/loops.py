#!/usr/bin/env python3
"""Measures the event loop alone against asyncio's and uvloop, in interleaved rounds of one run.

    pytests/bench/loops.py --python venv/bin/python       that has ringhorn and uvloop
    pytests/bench/loops.py --python … --rows streams,call_soon --rounds 5 --seconds 2

The figure is CPU time of the process per operation (loop_work.py says what that is), the best of
the rounds: every loop runs the same code on the same core, each row in a new process.
"""

import argparse
import json
import subprocess
import sys

from environment import machine
from loop_work import FACTORIES, ROWS
from support.peers import comma_list, say

WORK = __file__.replace("loops.py", "loop_work.py")
US = 1e6


def read_arguments():
    first, _, rest = __doc__.partition("\n")
    parser = argparse.ArgumentParser(
        description=first, epilog=rest, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--rows", type=comma_list, default=list(ROWS), help=",".join(ROWS))
    parser.add_argument("--loops", type=comma_list, default=list(FACTORIES))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1)
    return parser.parse_args()


def measure(python, loop, row, seconds):
    """CPU microseconds per operation; None when it failed."""
    done = subprocess.run(
        [python, WORK, loop, row, str(seconds)], capture_output=True, text=True, timeout=120
    )
    if done.returncode != 0:
        say(f"{row} on {loop}: {done.stderr.strip()[-400:]}")
        return None
    found = json.loads(done.stdout)
    return found["cpu"] / found["operations"] * US


def table(best, loops):
    width = max(len(ROWS[row][0]) for row in best)
    ours = loops[0]
    heads = [f"{loop:>10}" for loop in loops] + [f"{'x' + loop:>10}" for loop in loops[1:]]
    yield f"  {'CPU us per operation':<{width}}" + "".join(heads)
    for row, figures in best.items():
        cells = [figures.get(loop) for loop in loops]
        own = figures.get(ours)
        cells += [own / figures[loop] if own and figures.get(loop) else None for loop in loops[1:]]
        text = "".join(f"{'-':>10}" if cell is None else f"{cell:>10.2f}" for cell in cells)
        yield f"  {ROWS[row][0]:<{width}}{text}"


def main():
    arguments = read_arguments()
    best = {row: {} for row in arguments.rows}
    for number in range(arguments.rounds):
        turn = number % len(arguments.loops)
        for row in arguments.rows:
            for loop in arguments.loops[turn:] + arguments.loops[:turn]:
                figure = measure(arguments.python, loop, row, arguments.seconds)
                if figure is not None:
                    best[row][loop] = min(figure, best[row].get(loop, figure))
    for name, value in machine(arguments.python).items():
        print(f"{name}: {value}")
    print("\n".join(table(best, arguments.loops)))


if __name__ == "__main__":
    sys.exit(main())
