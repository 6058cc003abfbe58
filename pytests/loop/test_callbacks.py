"""call_soon and its kin: order, contexts, arguments, exceptions, and what the handles are like."""

import asyncio
import contextvars
import functools
import gc
import socket
import sys
import threading
import weakref

import pytest

variable = contextvars.ContextVar("variable", default="outside")


def turn(loop):
    """One turn: what is ready now runs, and nothing else."""
    loop.call_soon(loop.stop)
    loop.run_forever()


def test_callbacks_run_in_the_order_of_their_calls(loop):
    seen = []
    for number in range(1000):
        loop.call_soon(seen.append, number)
    turn(loop)
    assert seen == list(range(1000))


def test_what_a_callback_schedules_waits_for_the_next_turn(loop):
    seen = []

    def first():
        seen.append("first")
        loop.call_soon(seen.append, "next turn")

    loop.call_soon(first)
    loop.call_soon(seen.append, "second")
    turn(loop)
    assert seen == ["first", "second"]
    turn(loop)
    assert seen == ["first", "second", "next turn"]


class Noting(asyncio.Protocol):
    def __init__(self, note):
        self.note = note

    def data_received(self, data):
        self.note("data")


def note_a_busy_turn(loop):
    """What is seen in which order when a callback, a protocol, a descriptor and a timer have all
    got something to do, and each schedules something more."""
    seen = []

    def note(name):
        seen.append(name)
        loop.call_soon(seen.append, f"after {name}")

    ours, far = socket.socketpair()
    watched, other = socket.socketpair()
    transport, _ = loop.run_until_complete(loop.create_connection(lambda: Noting(note), sock=ours))
    loop.add_reader(watched, lambda: (loop.remove_reader(watched), note("descriptor")))
    for _ in range(3):
        turn(loop)  # the transport reads, and both are known to the kernel
    assert seen == []
    loop.call_soon(note, "ready")
    loop.call_soon(lambda: loop.call_soon(loop.call_soon, loop.stop))
    loop.call_at(loop.time(), note, "timer")
    far.send(b"x")
    other.send(b"x")
    loop.run_forever()
    transport.close()
    turn(loop)
    for each in (far, watched, other):
        each.close()
    return seen


def test_order_of_a_turn_is_asyncios(loop):
    theirs = asyncio.new_event_loop()
    seen, expected = note_a_busy_turn(loop), note_a_busy_turn(theirs)
    theirs.close()
    # What the kernel reports at once has no order.
    for each in (seen, expected):
        each[1:3] = sorted(each[1:3])
        each[5:7] = sorted(each[5:7])
    assert seen == expected
    assert seen[:4] == ["ready", "data", "descriptor", "timer"]


def test_timer_of_a_long_turn_does_not_overtake_what_that_turn_scheduled(loop):
    seen = []

    def long():
        loop.call_later(0, seen.append, "timer")
        loop.call_soon(seen.append, "ready")
        loop.call_soon(loop.call_soon, loop.stop)
        begin = loop.time()
        while loop.time() < begin + 0.001:
            pass

    loop.call_soon(long)
    loop.run_forever()
    assert seen == ["ready", "timer"]


def test_stop_before_run_ends_it_after_what_is_ready(loop):
    seen = []
    loop.call_soon(seen.append, 1)
    loop.stop()
    loop.run_forever()
    assert seen == [1]
    assert not loop.is_running()


def test_stop_lets_the_turn_finish(loop):
    seen = []
    loop.call_soon(loop.stop)
    loop.call_soon(seen.append, "same turn")
    loop.run_forever()
    assert seen == ["same turn"]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 10])
def test_arguments_arrive_whatever_their_number(loop, count):
    seen = []
    arguments = tuple(range(count))
    handle = loop.call_soon(lambda *args: seen.append(args), *arguments)
    assert handle._args == arguments
    turn(loop)
    assert seen == [arguments]


def test_methods_take_arguments_by_name(loop):
    seen = []
    loop.call_soon(callback=lambda: seen.append("soon"))
    loop.call_soon_threadsafe(callback=lambda: seen.append("threadsafe"))
    loop.call_later(delay=0, callback=lambda: seen.append("later"))
    loop.call_at(when=0, callback=loop.stop)
    loop.call_later(0.5, loop.stop)
    loop.run_forever()
    assert set(seen) <= {"soon", "threadsafe", "later"} and seen[:2] == ["soon", "threadsafe"]


@pytest.mark.parametrize("name", ["call_soon", "call_soon_threadsafe", "call_later", "call_at"])
def test_wrong_arguments_are_type_errors_that_name_them(loop, name):
    method = getattr(loop, name)
    with pytest.raises(TypeError, match="missing"):
        method()
    with pytest.raises(TypeError, match="unexpected keyword argument 'nonsense'"):
        method(0, print, nonsense=1)


def test_callback_runs_in_a_copy_of_the_context_of_its_call(loop):
    seen = []

    def callback():
        seen.append(variable.get())
        variable.set("changed")

    token = variable.set("inside")
    loop.call_soon(callback)
    loop.call_later(0, callback)
    variable.reset(token)
    loop.call_later(0, loop.stop)
    loop.run_forever()
    assert seen == ["inside", "inside"]
    assert variable.get() == "outside"


def test_given_context_is_used_and_kept(loop):
    context = contextvars.copy_context()
    handles = [
        loop.call_soon(variable.set, "soon", context=context),
        loop.call_soon_threadsafe(variable.set, "threadsafe", context=context),
        loop.call_later(0, variable.set, "later", context=context),
        loop.call_at(0, variable.set, "at", context=context),
    ]
    assert all(handle.get_context() is context for handle in handles)
    loop.call_later(0, loop.stop)
    loop.run_forever()
    assert context[variable] in ("later", "at")
    assert variable.get() == "outside"


def test_context_none_is_a_copy_of_the_current_one(loop):
    handle = loop.call_soon(print, context=None)
    assert isinstance(handle.get_context(), contextvars.Context)
    handle.cancel()


def test_context_that_is_entered_already_is_reported(loop, errors):
    loop.set_exception_handler(None)
    context = contextvars.copy_context()
    loop.call_soon(print, context=context)
    context.run(turn, loop)
    (text,) = errors()
    assert text.startswith("Exception in callback print()")


def test_exception_goes_to_the_handler_and_the_loop_goes_on(loop):
    seen = []
    error = ValueError("broken")

    def fail(_):
        raise error

    handle = loop.call_soon(fail, "argument")
    loop.call_soon(seen.append, "went on")
    turn(loop)
    (report,) = loop.reported
    assert report["exception"] is error
    assert report["handle"] is handle
    assert report["message"].startswith("Exception in callback ") and "fail" in report["message"]
    assert set(report) == {"message", "exception", "handle"}
    assert seen == ["went on"]
    loop.reported.clear()


def test_exception_is_logged_without_a_handler(loop, errors):
    loop.set_exception_handler(None)
    loop.call_soon(lambda: 1 / 0)
    turn(loop)
    (text,) = errors()
    assert text.startswith("Exception in callback ") and "handle: <Handle " in text


def test_exception_handler_runs_in_the_context_of_the_handle(loop):
    seen = []
    loop.set_exception_handler(lambda *_: seen.append(variable.get()))
    context = contextvars.copy_context()
    context.run(variable.set, "of the handle")
    loop.call_soon(lambda: 1 / 0, context=context)
    turn(loop)
    # CPython 3.12 began to do so.
    assert seen == ["of the handle" if sys.version_info >= (3, 12) else "outside"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_exceptions_that_end_programs_leave_the_loop(loop, error):
    seen = []

    def leave():
        raise error

    loop.call_soon(leave)
    loop.call_soon(seen.append, "kept for later")
    with pytest.raises(error):
        loop.run_forever()
    assert seen == [] and not loop.is_running()
    turn(loop)
    assert seen == ["kept for later"]


def test_cancelled_callback_does_not_run(loop):
    seen = []
    handle = loop.call_soon(seen.append, 1)
    other = loop.call_soon(seen.append, 2)
    loop.call_soon(lambda: third.cancel())
    third = loop.call_soon(seen.append, 3)
    handle.cancel()
    handle.cancel()
    assert handle.cancelled() and not other.cancelled()
    assert handle._callback is None and handle._args is None
    turn(loop)
    assert seen == [2]


def test_callback_may_cancel_itself_while_it_runs(loop):
    class Loud:
        def __del__(self):
            seen.append("dropped")

    seen = []

    def callback(first, second, third):
        handle.cancel()
        gc.collect()
        seen.append((first, second, type(third)))

    handle = loop.call_soon(callback, 1, 2, Loud())
    turn(loop)
    assert seen == [(1, 2, Loud), "dropped"]


def test_handle_looks_like_asyncios(loop):
    def callback(_):
        pass

    handle = loop.call_soon(callback, 1)
    ours = asyncio.Handle(callback, (1,), loop)
    assert repr(handle) == repr(ours)
    assert handle._loop is loop and handle._callback is callback and handle._args == (1,)
    assert handle._cancelled is False and handle._source_traceback is None
    assert isinstance(handle._context, contextvars.Context)
    handle.cancel()
    ours.cancel()
    assert repr(handle) == repr(ours) == "<Handle cancelled>"
    reference = weakref.ref(handle)
    assert reference() is handle


def test_handle_can_be_run_by_hand(loop):
    seen = []
    handle = loop.call_soon(seen.append, 1)
    handle._run()
    assert seen == [1]
    handle.cancel()
    with pytest.raises(RuntimeError):
        handle._run()


def test_only_loops_make_handles(native):
    for kind in (native.Handle, native.TimerHandle):
        with pytest.raises(TypeError):
            kind()


def test_closed_loop_refuses(loop):
    loop.close()
    loop.close()
    assert loop.is_closed()
    for method in (loop.call_soon, loop.call_soon_threadsafe):
        with pytest.raises(RuntimeError, match="Event loop is closed"):
            method(print)
    with pytest.raises(RuntimeError, match="Event loop is closed"):
        loop.call_later(1, print)
    with pytest.raises(RuntimeError, match="Event loop is closed"):
        loop.add_reader(0, print)
    with pytest.raises(RuntimeError, match="Event loop is closed"):
        loop.run_forever()
    assert loop.remove_reader(0) is False


def test_running_loop_refuses_to_run_or_close(loop):
    async def main():
        with pytest.raises(RuntimeError, match="already running"):
            loop.run_forever()
        with pytest.raises(RuntimeError, match="already running"):
            loop._run()
        with pytest.raises(RuntimeError, match="Cannot close a running event loop"):
            loop.close()

    loop.run_until_complete(main())


def test_create_future_is_exact(loop):
    future = loop.create_future()
    assert type(future) is asyncio.Future and future.get_loop() is loop


def test_threads_schedule_and_wake(loop):
    """Each of many threads' callbacks arrives, and the waiting loop wakes for it."""
    seen = []
    threads = []

    def caller(number):
        for step in range(100):
            loop.call_soon_threadsafe(arrive, number, step)

    def arrive(number, step):
        seen.append((number, step))
        if len(seen) == 800:
            loop.stop()

    for number in range(8):
        threads.append(threading.Thread(target=caller, args=(number,)))
    loop.call_soon(lambda: [thread.start() for thread in threads])
    loop.run_forever()
    for thread in threads:
        thread.join()
    for number in range(8):
        assert [step for who, step in seen if who == number] == list(range(100))


def test_call_from_a_thread_wakes_a_loop_that_waits(loop):
    """Nothing else is due: without the wake this would hang."""
    asleep = threading.Event()

    def caller():
        asleep.wait()
        loop.call_soon_threadsafe(loop.stop)

    thread = threading.Thread(target=caller)
    thread.start()
    loop.call_soon(asleep.set)
    loop.run_forever()
    thread.join()


def test_busy_loop_lets_other_threads_run(loop):
    """A loop that never waits, its callbacks native: nothing checks for other threads but us."""
    done = threading.Event()
    thread = threading.Thread(target=done.set)

    def start():
        thread.start()
        schedule()

    def schedule():
        if done.is_set():
            loop.stop()
        else:
            loop.call_soon(functools.partial(loop.call_soon, schedule))

    loop.call_soon(start)
    loop.run_forever()
    thread.join()


def test_busy_loop_gives_way_to_threads_again_and_again(loop):
    """Beside a task that never rests, five hundred calls in threads: each thread gets the GIL once
    it has asked for it, and not only when it wins a race for it by chance."""
    turns = 0
    calls = list(range(500))

    async def never_rest():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def main():
        restless = loop.create_task(never_rest())
        answers = await asyncio.gather(*(loop.run_in_executor(None, int, n) for n in calls))
        restless.cancel()
        return answers

    assert loop.run_until_complete(main()) == calls
    # A few thousand as a rule: a second of them, where it were minutes.
    assert turns < 3_000_000


def test_loop_may_run_in_another_thread_than_it_was_made_in(loop):
    """A ring belongs to a thread: the loop gets one where it runs."""
    results = []
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    for number in range(3):
        future = asyncio.run_coroutine_threadsafe(asyncio.sleep(0, number), loop)
        results.append(future.result(10))
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    assert results == [0, 1, 2]
    assert loop.run_until_complete(asyncio.sleep(0, "here")) == "here"


def test_loops_of_several_threads_do_not_meet(native):
    results = []

    async def work(number):
        for _ in range(50):
            await asyncio.sleep(0.0001)
        results.append(number)

    def main(number):
        with asyncio.Runner(loop_factory=native.new_event_loop) as runner:
            runner.run(work(number))

    threads = [threading.Thread(target=main, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [0, 1, 2, 3]
