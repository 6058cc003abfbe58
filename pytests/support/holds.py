"""Which numbered requirement a test holds.

`@holds("robustness_31", "lesson_25")` on a test, or `row("robustness_01", "bare LF", …)` for a row
of a table: the number is part of the row's id. test_numbers.py reads them and finds the missing.
"""

import pytest


def holds(*numbers: str):
    return pytest.mark.holds(*numbers)


def row(number: str, name: str, *values, marks=()):
    """One case of a table: its id is `number-name`."""
    return pytest.param(*values, id=f"{number}-{name.replace(' ', '-')}", marks=marks)
