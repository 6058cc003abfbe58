"""Subprocesses, signals and interrupts."""

import asyncio
import contextlib
import os
import signal
import sys
import threading

import pytest


def kill_self(number):
    os.kill(os.getpid(), number)


def test_subprocess_speaks_and_ends(run):
    async def main():
        process = await asyncio.create_subprocess_exec(
            "cat", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate(b"x" * 200_000)
        assert out == b"x" * 200_000 and process.returncode == 0

    run(main())


def test_subprocess_status_and_kill(run):
    async def main():
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", "raise SystemExit(7)")
        assert await process.wait() == 7
        process = await asyncio.create_subprocess_exec("sleep", "1000")
        process.terminate()
        assert await process.wait() == -signal.SIGTERM

    run(main())


def test_many_subprocesses_at_once(run):
    async def one(number):
        process = await asyncio.create_subprocess_shell(
            f"echo {number}", stdout=asyncio.subprocess.PIPE
        )
        return (await process.communicate())[0]

    async def main():
        return await asyncio.gather(*(one(number) for number in range(10)))

    assert run(main()) == [b"%d\n" % number for number in range(10)]


def test_signal_handler_wakes_a_loop_that_waits(loop):
    seen = []

    def on_signal(word):
        seen.append(word)
        loop.stop()

    loop.add_signal_handler(signal.SIGUSR1, on_signal, "signal")
    loop.call_soon(kill_self, signal.SIGUSR1)
    loop.run_forever()
    assert seen == ["signal"]
    assert loop.remove_signal_handler(signal.SIGUSR1) is True
    assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL


def test_signal_from_a_thread_while_the_loop_waits(loop):
    """The kernel breaks the wait: the handler runs at once."""
    loop.add_signal_handler(signal.SIGUSR1, loop.stop)
    asleep = threading.Event()
    thread = threading.Thread(target=lambda: (asleep.wait(), kill_self(signal.SIGUSR1)))
    thread.start()
    loop.call_soon(asleep.set)
    loop.run_forever()
    thread.join()
    loop.remove_signal_handler(signal.SIGUSR1)


def test_many_signals_in_a_row(loop):
    seen = []

    def on_signal():
        seen.append(1)
        if len(seen) == 100:
            loop.stop()
        else:
            kill_self(signal.SIGUSR2)

    loop.add_signal_handler(signal.SIGUSR2, on_signal)
    kill_self(signal.SIGUSR2)
    loop.run_forever()
    loop.remove_signal_handler(signal.SIGUSR2)
    assert len(seen) == 100


def test_plain_python_signal_handler_runs_while_the_loop_waits(loop):
    def handler(*_):
        loop.call_soon_threadsafe(loop.stop)

    previous = signal.signal(signal.SIGUSR1, handler)
    try:
        asleep = threading.Event()
        thread = threading.Thread(target=lambda: (asleep.wait(), kill_self(signal.SIGUSR1)))
        thread.start()
        loop.call_soon(asleep.set)
        loop.run_forever()
        thread.join()
    finally:
        signal.signal(signal.SIGUSR1, previous)


@contextlib.contextmanager
def default_interrupts():
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


def test_interrupt_leaves_run_forever(loop):
    with default_interrupts(), pytest.raises(KeyboardInterrupt):
        loop.call_soon(kill_self, signal.SIGINT)
        loop.run_forever()
    assert not loop.is_running()
    loop.run_until_complete(asyncio.sleep(0))


def test_interrupt_cancels_the_main_task_of_a_runner(native):
    seen = []

    async def main():
        try:
            asyncio.get_running_loop().call_soon(kill_self, signal.SIGINT)
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    with default_interrupts(), pytest.raises(KeyboardInterrupt):
        with asyncio.Runner(loop_factory=native.new_event_loop) as runner:
            runner.run(main())
    assert seen == ["cancelled"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_task_that_ends_the_program_ends_the_loop(loop, error):
    async def main():
        await asyncio.sleep(0)
        raise error

    with pytest.raises(error):
        loop.run_until_complete(main())
    assert not loop.is_running()


def test_fork_while_the_loop_runs_leaves_it_intact(loop):
    """The child has none of the ring: it may end, and the parent's loop goes on."""

    async def main():
        await asyncio.sleep(0.0005)
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        _, status = await asyncio.to_thread(os.waitpid, pid, 0)
        await asyncio.sleep(0.0005)
        return status

    assert loop.run_until_complete(main()) == 0
