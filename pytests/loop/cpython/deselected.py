"""What of CPython's asyncio tests is not run on our loop, and why. Whoever adds a line gives a
reason that is about the test: a test that merely fails shows a fault of the loop.
"""

_ONE_SELECTOR = "the tests of the EPoll class with another selector: our loop has none to choose"
_PURE_PYTHON = "asyncio's Python twins of the C classes: the loop gets the same calls from both"

# module: reason
MODULES = {
    "test_proactor_events": "tests the private classes of asyncio's loop for Windows with mocks",
    "test_protocols": "tests abstract base classes: there is no loop in it",
    "test_selector_events": "tests the private classes of asyncio.selector_events with mocks",
    "test_transports": "tests abstract base classes: there is no loop in it",
    "test_windows_events": "for Windows only",
    "test_windows_utils": "for Windows only",
}

# module.Class.test, with wildcards: reason
TESTS = {
    "test_events.PollEventLoopTests.*": _ONE_SELECTOR,
    "test_events.SelectEventLoopTests.*": _ONE_SELECTOR,
    "test_sendfile.PollEventLoopTests.*": _ONE_SELECTOR,
    "test_sendfile.SelectEventLoopTests.*": _ONE_SELECTOR,
    "test_sock_lowlevel.PollEventLoopTests.*": _ONE_SELECTOR,
    "test_sock_lowlevel.SelectEventLoopTests.*": _ONE_SELECTOR,
    "test_futures.Py*": _PURE_PYTHON,
    "test_tasks.Py*": _PURE_PYTHON,
    "test_tasks.*_Py*": _PURE_PYTHON,
}
