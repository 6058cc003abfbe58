"""`import ringhorn`: the loop without the server, in any thread, as often as somebody likes."""

import ast
import asyncio
import importlib.metadata
import re
import signal
import sys
import threading
from pathlib import Path

import pytest
import ringhorn

since_3_12 = sys.version_info >= (3, 12)


def run(coroutine):
    """As a user writes it."""
    if since_3_12:
        return asyncio.run(coroutine, loop_factory=ringhorn.new_event_loop)
    with asyncio.Runner(loop_factory=ringhorn.new_event_loop) as runner:
        return runner.run(coroutine)


async def name_of_the_loop():
    await asyncio.sleep(0)
    return type(asyncio.get_running_loop()).__qualname__


def test_package_shows_what_the_module_has(native):
    assert ringhorn.new_event_loop is native.new_event_loop
    assert ringhorn.EventLoop is native.EventLoop
    assert re.fullmatch(r"\d+\.\d+\.\d+", ringhorn.__version__)
    assert set(ringhorn.__all__) <= set(dir(ringhorn))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = ringhorn.nothing


def test_version_is_that_of_the_distribution():
    try:
        distribution = importlib.metadata.version("ringhorn")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("not installed: it is built in, or in a build directory")
    assert ringhorn.__version__ == distribution


def test_stubs_declare_every_public_name():
    if not hasattr(ringhorn, "__file__"):
        pytest.skip("built into the executable: there are no files")
    folder = Path(ringhorn.__file__).parent
    assert (folder / "py.typed").exists()
    declared = set()
    for node in ast.parse((folder / "__init__.pyi").read_text()).body:
        declared |= {node.target.id} if isinstance(node, ast.AnnAssign) else set()
        declared |= {node.name} if isinstance(node, (ast.ClassDef, ast.FunctionDef)) else set()
    assert declared == set(ringhorn.__all__)


def test_asyncio_run_takes_the_factory():
    assert run(name_of_the_loop()) == "EventLoop"


def test_class_is_a_factory_too():
    with asyncio.Runner(loop_factory=ringhorn.EventLoop) as runner:
        assert runner.run(name_of_the_loop()) == "EventLoop"


def test_loops_one_after_another():
    assert {run(name_of_the_loop()) for _ in range(20)} == {"EventLoop"}


def test_loops_in_several_threads_at_once():
    results, together = [], threading.Barrier(4)

    async def main(number):
        together.wait()
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"%d\n" % number)
        results.append(await reader.readline())
        writer.close()
        await writer.wait_closed()

    async def echo(reader, writer):
        writer.write(await reader.readline())
        writer.close()

    async def serve():
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        address.extend(server.sockets[0].getsockname())
        async with server:
            threads = [threading.Thread(target=run, args=(main(n),)) for n in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                await asyncio.to_thread(thread.join)

    address = []
    run(serve())
    assert sorted(results) == [b"0\n", b"1\n", b"2\n", b"3\n"]


def test_closed_loop_stays_closed_and_a_new_one_opens():
    for _ in range(3):
        loop = ringhorn.new_event_loop()
        assert loop.run_until_complete(name_of_the_loop()) == "EventLoop"
        loop.close()
        loop.close()
        coroutine = name_of_the_loop()
        with pytest.raises(RuntimeError, match="Event loop is closed"):
            loop.run_until_complete(coroutine)
        coroutine.close()


def test_loop_that_never_ran_closes():
    ringhorn.new_event_loop().close()


def test_runs_of_one_loop_keep_what_waits_between_them():
    """Timers, descriptors and connections live on from one run to the next."""
    loop = ringhorn.new_event_loop()
    fired = []

    async def open_pair():
        accepted = loop.create_future()
        server = await asyncio.start_server(
            lambda *streams: accepted.set_result(streams), "127.0.0.1", 0
        )
        ours = await asyncio.open_connection(*server.sockets[0].getsockname())
        return server, ours, await accepted

    server, (reader, writer), (far_reader, far_writer) = loop.run_until_complete(open_pair())
    loop.call_later(0.001, fired.append, "timer")
    for number in range(5):
        far_writer.write(b"%d\n" % number)  # outside a run
        assert loop.run_until_complete(reader.readline()) == b"%d\n" % number
    loop.run_until_complete(asyncio.sleep(0.002))
    assert fired == ["timer"]
    for closing in (writer, far_writer, server):
        closing.close()
    loop.run_until_complete(writer.wait_closed())
    loop.run_until_complete(far_writer.wait_closed())
    loop.close()


def test_connection_survives_that_its_loop_changes_threads():
    loop = ringhorn.new_event_loop()

    async def echo(reader, writer):
        while line := await reader.readline():
            writer.write(line)
        writer.close()

    async def connect():
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        return server, *await asyncio.open_connection(*server.sockets[0].getsockname())

    async def ask(number):
        writer.write(b"%d\n" % number)
        return await reader.readline()

    server, reader, writer = loop.run_until_complete(connect())
    answers = []

    def in_a_thread(number):
        answers.append(loop.run_until_complete(ask(number)))

    for number in range(3):
        thread = threading.Thread(target=in_a_thread, args=(number,))
        thread.start()
        thread.join()
        in_a_thread(number + 10)
    assert answers == [b"0\n", b"10\n", b"1\n", b"11\n", b"2\n", b"12\n"]
    writer.close()
    loop.run_until_complete(writer.wait_closed())
    server.close()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


def test_subprocess_in_the_main_thread_and_in_others():
    async def main():
        process = await asyncio.create_subprocess_exec(
            "echo", "spoken", stdout=asyncio.subprocess.PIPE
        )
        return (await process.communicate())[0], process.returncode

    results = [run(main())]
    thread = threading.Thread(target=lambda: results.append(run(main())))
    thread.start()
    thread.join()
    assert results == [(b"spoken\n", 0)] * 2


def test_signal_handler_is_gone_with_its_loop():
    before = signal.getsignal(signal.SIGUSR1)

    async def main():
        loop, heard = asyncio.get_running_loop(), asyncio.Event()
        loop.add_signal_handler(signal.SIGUSR1, heard.set)
        signal.raise_signal(signal.SIGUSR1)
        await heard.wait()

    for _ in range(2):
        run(main())
        assert signal.getsignal(signal.SIGUSR1) == before
        assert signal.set_wakeup_fd(-1) == -1
