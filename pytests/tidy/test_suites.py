"""packaging/test counts honestly: nothing that broke can pass for a pass."""

import sys

import pytest
from cpp import ROOT

sys.path.append(str(ROOT / "packaging"))
import jobs as machinery  # noqa: E402
from jobs import JobFailed, Jobs, Result, read_catch, read_junit, run  # noqa: E402

REPORT = """<testsuites><testsuite>
<testcase classname="a" name="good"/>
<testcase classname="a" name="bad"><failure message="x"/></testcase>
<testcase classname="a" name="torn"><error message="x"/></testcase>
<testcase classname="a" name="left"><skipped/></testcase>
</testsuite></testsuites>"""


CATCH = """<Catch><TestCase name="good"><OverallResult success="true"/></TestCase>
<TestCase name="bad"><OverallResult success="false"/></TestCase>
<TestCase name="torn"/></Catch>"""


@pytest.fixture
def pool(tmp_path, monkeypatch):
    monkeypatch.setattr(machinery, "LOGS", tmp_path)
    return Jobs()


def test_report_is_counted_by_case(tmp_path):
    (tmp_path / "report.xml").write_text(REPORT)
    result = Result("a", tmp_path / "a.log")
    read_junit(result, tmp_path / "report.xml")
    assert (result.passed, result.skipped, result.failures) == (1, 1, ["a::bad", "a::torn"])
    assert result.torn == ["a::torn"]


def test_second_try_excuses_a_failure_but_nothing_that_is_torn():
    first = Result("a", None, passed=7, failures=["a", "b", "leak"], torn=["leak"])
    first.tried_again(Result("a", None, passed=2, failures=["b"]))
    assert (first.passed, first.unsteady, first.failures) == (8, ["a"], ["b", "leak"])


def test_second_try_that_ran_less_excuses_nothing():
    first = Result("a", None, failures=["a", "b"])
    first.tried_again(Result("a", None, passed=1))
    assert (first.passed, first.unsteady, first.failures) == (0, [], ["a", "b"])


def test_report_of_catch_is_counted_by_case(tmp_path):
    (tmp_path / "report.xml").write_text(CATCH)
    result = Result("a", tmp_path / "a.log")
    read_catch(result, tmp_path / "report.xml", "http: ")
    assert (result.passed, result.failures) == (1, ["http: bad", "http: torn"])


def test_broken_job_is_a_failure_and_so_is_what_needs_it(pool):
    def bad(result):
        raise JobFailed("no compiler")

    def bug(result):
        raise ZeroDivisionError

    def good(result):
        result.passed += 2

    first = pool.add("first", [], bad)
    needy = pool.add("needy", [first], good)
    assert first.result().failures == ["no compiler"]
    assert needy.result().passed == 0
    assert needy.result().failures == ["not run: first failed"]
    assert pool.add("bug", [], bug).result().failures == ["ZeroDivisionError: "]
    assert pool.add("good", [], good).result().passed == 2


def test_status_of_a_command_is_seen(tmp_path):
    log = tmp_path / "log"
    assert run(log, [sys.executable, "-c", "print('said'); exit(3)"], check=False) == 3
    assert "said" in log.read_text()
    with pytest.raises(JobFailed):
        run(log, [sys.executable, "-c", "exit(3)"])
