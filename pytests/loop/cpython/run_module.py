"""Runs one module of CPython's own asyncio tests on Ringhorn's loop: run_module.py NAME REPORT

The module is the interpreter's, unchanged. Wherever it asks asyncio for a loop it gets one of ours:
from the policy, and by the names of asyncio's own classes. The report is a JSON file: for each test
its outcome ("passed", "skipped", "failed", or "deselected") and the text that goes with it: of a
deselected one that is the pattern of the list.
"""

import asyncio
import importlib
import json
import sys
import unittest
from fnmatch import fnmatch

import ringhorn
from deselected import TESTS


class Loop(ringhorn.EventLoop):
    """Takes the selector that some of the tests give to asyncio's class: it is of no use here."""

    def __init__(self, selector=None):
        if selector is not None:
            selector.close()
        super().__init__()


class Policy(asyncio.DefaultEventLoopPolicy):
    _loop_factory = Loop


def use_our_loop():
    """What asyncio's tests set when they are done is the default policy: that is ours too."""
    set_policy = asyncio.set_event_loop_policy

    def set_policy_or_ours(policy):
        set_policy(Policy() if policy is None else policy)

    asyncio.SelectorEventLoop = asyncio.EventLoop = Loop
    asyncio.DefaultEventLoopPolicy = Policy
    asyncio.set_event_loop_policy = asyncio.events.set_event_loop_policy = set_policy_or_ours
    set_policy_or_ours(None)


def pattern_for(name):
    return next((pattern for pattern in TESTS if fnmatch(name, pattern)), None)


class Outcomes(unittest.TestResult):
    def __init__(self, module):
        super().__init__()
        self.module = module
        self.tests = {}

    def name(self, test):
        # Subtests and failures of a whole class have ids of other forms.
        test = getattr(test, "test_case", test)
        return test.id().removeprefix(self.module + ".")

    def startTest(self, test):
        super().startTest(test)
        print(self.name(test), flush=True)

    def enter(self, test, outcome, text=""):
        known = self.tests.get(self.name(test), {})
        if known.get("outcome") != "failed":
            self.tests[self.name(test)] = {"outcome": outcome, "text": text}

    def addSuccess(self, test):
        self.enter(test, "passed")

    def addSkip(self, test, reason):
        self.enter(test, "skipped", reason)

    def addExpectedFailure(self, test, error):
        self.enter(test, "passed")

    def addUnexpectedSuccess(self, test):
        self.enter(test, "failed", "passed, although it was expected to fail")

    def addError(self, test, error):
        self.enter(test, "failed", self._exc_info_to_string(error, test))

    addFailure = addError

    def addSubTest(self, test, subtest, error):
        if error is not None:
            self.addError(subtest, error)


def select(suite, result):
    """The tests that are to run, the others entered into the result."""
    selected = unittest.TestSuite()
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            selected.addTest(select(test, result))
        elif pattern := pattern_for(test.id().removeprefix("test.test_asyncio.")):
            result.enter(test, "deselected", pattern)
        else:
            selected.addTest(test)
    return selected


def main(name, report):
    use_our_loop()
    full_name = f"test.test_asyncio.{name}"
    try:
        module = importlib.import_module(full_name)
    except unittest.SkipTest as reason:
        outcomes = {name: {"outcome": "skipped", "text": str(reason)}}
    else:
        result = Outcomes(full_name)
        select(unittest.defaultTestLoader.loadTestsFromModule(module), result).run(result)
        outcomes = result.tests
    with open(report, "w", encoding="utf-8") as file:
        json.dump(outcomes, file, indent=1)


if __name__ == "__main__":
    main(*sys.argv[1:])
