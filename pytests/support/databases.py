"""PostgreSQL and Redis of Debian's packages, started for a run and gone with it."""

from __future__ import annotations

import contextlib
import glob
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from support.lines import Lines
from support.patience import seconds
from support.ports import free_port

TRIES = 3  # somebody else may take the port that was free


class Databases:
    """What a client needs to know: a directory of Unix sockets and a port of the loopback."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port


@contextlib.contextmanager
def postgresql() -> Iterator[Databases]:
    """A new cluster: user and database `postgres`, no password. It refuses to run as root."""
    programs = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
    assert programs, "PostgreSQL is missing: packaging/test installs Debian's postgresql"
    owner = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    with _folder_of(owner) as folder:
        data = str(folder / "data")
        subprocess.run(
            [f"{programs[-1]}/initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
             "--locale=C", "--no-sync"],
            **_as(owner), cwd=folder, check=True, capture_output=True, timeout=seconds(60),
        )  # fmt: skip

        def command(port: int) -> list[str]:
            settings = [
                "listen_addresses=127.0.0.1", f"unix_socket_directories={folder}", "fsync=off",
                "max_connections=100", "shared_buffers=16MB", "autovacuum=off", "jit=off",
            ]  # fmt: skip
            options = [word for setting in settings for word in ("-c", setting)]
            return [f"{programs[-1]}/postgres", "-D", data, "-p", str(port), *options]

        with _running(command, folder, owner, "ready to accept connections") as port:
            yield Databases(folder, port)


@contextlib.contextmanager
def redis() -> Iterator[Databases]:
    """Nothing is saved; the socket is `redis.sock`."""
    owner = pwd.getpwuid(os.geteuid()).pw_name
    with _folder_of(owner) as folder:

        def command(port: int) -> list[str]:
            return ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir",
                    str(folder), "--unixsocket", f"{folder}/redis.sock", "--save", ""]  # fmt: skip

        with _running(command, folder, owner, "eady to accept connections") as port:
            yield Databases(folder, port)


def _as(owner: str) -> dict:
    """Arguments of subprocess: this user, when it is another one, without our groups."""
    if os.geteuid() != 0 or owner == "root":
        return {}
    user = pwd.getpwnam(owner)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


@contextlib.contextmanager
def _folder_of(owner: str) -> Iterator[Path]:
    # Not pytest's own: nobody else may enter that, and its path is long for a Unix socket.
    folder = Path(tempfile.mkdtemp(prefix="ringhorn-"))
    try:
        shutil.chown(folder, owner)
        yield folder
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def _running(command, folder: Path, owner: str, ready: str) -> Iterator[int]:
    for attempt in range(TRIES):
        port = free_port()
        process = subprocess.Popen(
            command(port),
            **_as(owner),
            cwd=folder,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            lines = Lines(process.stdout)
            try:
                lines.wait_for(ready, 60)
            except AssertionError:
                if attempt + 1 == TRIES:
                    raise
                continue
            yield port
            return
        finally:
            process.send_signal(signal.SIGINT)  # PostgreSQL's fast shutdown
            try:
                process.wait(seconds(30))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            lines.join()
            process.stdout.close()
