"""call_later, call_at, and the clock."""

import asyncio
import gc
import math
import time

import pytest


def test_clock_is_monotonic_time(loop):
    before = time.monotonic()
    now = loop.time()
    assert before <= now <= time.monotonic()


def test_timers_fire_in_the_order_of_their_times(loop):
    seen = []
    now = loop.time()
    for number in (3, 1, 4, 0, 2):
        loop.call_at(now + number / 1000, seen.append, number)
    loop.call_at(now + 0.005, loop.stop)
    loop.run_forever()
    assert seen == [0, 1, 2, 3, 4]


def test_equal_times_fire_in_the_order_of_their_calls(loop):
    seen = []
    when = loop.time() + 0.002
    for number in range(100):
        loop.call_at(when, seen.append, number)
    loop.call_at(when, loop.stop)
    loop.run_forever()
    assert seen == list(range(100))


def test_timer_never_fires_early(loop):
    late = []

    def fire(when):
        late.append(loop.time() - when)

    now = loop.time()
    for number in range(200):
        loop.call_at(now + number * 0.00007, fire, now + number * 0.00007)
    loop.call_at(now + 0.02, loop.stop)
    loop.run_forever()
    assert len(late) == 200
    assert min(late) >= -1e-9  # as asyncio: one step of the clock


def test_cancelled_timer_is_dropped_at_once(loop):
    """Lesson of many loops: a million timeouts that never come must not pile up."""

    class Argument:
        alive = 0

        def __init__(self):
            Argument.alive += 1

        def __del__(self):
            Argument.alive -= 1

    handles = [loop.call_later(3600, print, Argument()) for _ in range(1000)]
    assert Argument.alive == 1000 and all(handle._scheduled for handle in handles)
    for handle in handles:
        handle.cancel()
    assert Argument.alive == 0 and not any(handle._scheduled for handle in handles)
    count = len(gc.get_objects())
    for _ in range(1000):
        loop.call_later(3600, print).cancel()
    assert len(gc.get_objects()) <= count + 10


def test_timer_cancelled_after_it_came_due_does_not_fire(loop):
    seen = []
    when = loop.time()
    loop.call_at(when, lambda: second.cancel())
    second = loop.call_at(when, seen.append, "fired")
    loop.call_later(0.001, loop.stop)
    loop.run_forever()
    assert seen == []


def test_timer_in_the_past_fires_at_once(loop):
    seen = []
    loop.call_later(-5, seen.append, "past")
    loop.call_at(0, seen.append, "zero")
    loop.call_later(0, loop.stop)
    loop.run_forever()
    assert sorted(seen) == ["past", "zero"]


@pytest.mark.parametrize("far", [math.inf, 1e300, math.nan])
def test_timer_that_never_comes_disturbs_nobody(loop, far):
    handle = loop.call_at(far, print)
    loop.run_until_complete(asyncio.sleep(0.001))
    assert handle._scheduled
    handle.cancel()


def test_timers_left_at_the_end_go_with_the_loop(loop):
    loop.call_later(3600, print)
    loop.call_soon(print, "never")
    loop.close()


def test_none_is_no_time(loop):
    with pytest.raises(TypeError, match="delay must not be None"):
        loop.call_later(None, print)
    with pytest.raises(TypeError, match="when cannot be None"):
        loop.call_at(None, print)
    with pytest.raises(TypeError):
        loop.call_later("soon", print)


def test_timer_handle_looks_like_asyncios(loop):
    def callback(_):
        pass

    handle = loop.call_at(123456.5, callback, 1)
    theirs = asyncio.TimerHandle(123456.5, callback, (1,), loop)
    assert repr(handle) == repr(theirs)
    assert handle.when() == handle._when == 123456.5
    assert hash(handle) == hash(theirs)
    handle.cancel()
    theirs.cancel()
    assert repr(handle) == repr(theirs) == "<TimerHandle cancelled when=123456.5>"


def test_timer_handles_compare_by_their_times(loop):
    def callback():
        pass

    early, late = loop.call_at(1e9, callback), loop.call_at(2e9, callback)
    same = loop.call_at(1e9, callback)
    assert early < late and late > early and early <= late and late >= early and early != late
    assert early == same and early <= same and early >= same and not early < same
    assert early != loop.call_at(1e9, print) and early != loop.call_at(1e9, callback, 1)
    same.cancel()
    assert early != same
    assert early.__eq__(1) is NotImplemented and early.__lt__(1) is NotImplemented
    with pytest.raises(TypeError):
        early < 1  # noqa: B015


def test_sleepers_wake_in_order(run):
    async def main():
        seen = []

        async def sleeper(number):
            await asyncio.sleep(number / 1000)
            seen.append(number)

        await asyncio.gather(*(sleeper(number) for number in (5, 2, 8, 1)))
        return seen

    assert run(main()) == [1, 2, 5, 8]


def test_timeout_ends_a_wait(run):
    async def main():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await asyncio.Event().wait()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 0.001)
        async with asyncio.timeout(60) as timeout:
            timeout.reschedule(asyncio.get_running_loop().time() + 120)
            await asyncio.sleep(0)
        return timeout.expired()

    assert run(main()) is False
