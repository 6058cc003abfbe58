"""A wall clock of the server's own, that the proof sets: a day forth, a day back.

A library that is loaded first adds an offset to what the C library says of the wall clock. The
monotonic clocks are left alone, as a real step of the clock leaves them. The offset lies in a
file that every process of the server has mapped.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

DAY = 86400
_SOURCE = """
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile long* offset;

__attribute__((constructor)) static void map_offset(void) {
  int file = open(getenv("PROOF_CLOCK"), O_RDONLY | O_CLOEXEC);
  if (file < 0) abort();
  offset = mmap(NULL, sizeof *offset, PROT_READ, MAP_SHARED, file, 0);
  close(file);
  if (offset == MAP_FAILED) abort();
}

int clock_gettime(clockid_t id, struct timespec* now) {
  long status = syscall(SYS_clock_gettime, id, now);
  int wall = id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE;
  if (status == 0 && wall && offset) now->tv_sec += *offset;
  return (int)status;
}

int gettimeofday(struct timeval* restrict now, void* restrict zone) {
  struct timespec exact;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &exact);
  now->tv_sec = exact.tv_sec;
  now->tv_usec = exact.tv_nsec / 1000;
  return 0;
}

time_t time(time_t* result) {
  struct timespec exact;
  clock_gettime(CLOCK_REALTIME, &exact);
  if (result) *result = exact.tv_sec;
  return exact.tv_sec;
}
"""


def available() -> bool:
    return shutil.which("cc") is not None


def environment(folder: Path) -> dict[str, str]:
    """Of a server whose wall clock `set_offset` can set."""
    library = folder / "clock.so"
    command = ["cc", "-shared", "-fPIC", "-O2", "-o", library, "-x", "c", "-"]
    subprocess.run(command, input=_SOURCE, text=True, check=True)
    set_offset(folder, 0)
    return {"LD_PRELOAD": str(library), "PROOF_CLOCK": str(folder / "clock")}


def set_offset(folder: Path, seconds: int) -> None:
    """In place: the file is mapped."""
    with (folder / "clock").open("r+b" if (folder / "clock").exists() else "wb") as file:
        file.write(struct.pack("l", seconds))
