"""The wall clock of single processes, set as an administrator or a time service would: at once, in either direction.

    clocks = ShiftedClocks(tmp_path)                 `calve run` with clocks.environ() in its environment
    clocks.shift(pid, timedelta(hours=1))            what that process takes for the time of day; its other clocks go on

A library of forty lines of C between the processes and the system's clock does that, so it holds for whatever they are
written in; the machine's own clock is left alone. Linux only, and it needs a C compiler.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from .postgres import Missing

SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile long long *shift_seconds;
static int (*real)(clockid_t, struct timespec *);

__attribute__((constructor)) static void begin(void) {
    char path[4096];
    real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    snprintf(path, sizeof path, "%s/%d", getenv("CALVE_TEST_CLOCKS"), (int)getpid());
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0 || ftruncate(file, sizeof *shift_seconds)) return;
    void *mapped = mmap(0, sizeof *shift_seconds, PROT_READ, MAP_SHARED, file, 0);
    if (mapped != MAP_FAILED) shift_seconds = mapped;
    close(file);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = real ? real(clock, now) : -1;
    if (!failed && shift_seconds && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += *shift_seconds;
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec exact;
    if (clock_gettime(CLOCK_REALTIME, &exact)) return -1;
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *where) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (where) *where = exact.tv_sec;
    return exact.tv_sec;
}
"""


class ShiftedClocks:
    """Clocks that can be set, of processes that are started with `environ`.

    Args:
        folder: For the library and one small file for each process.
    Raises: Missing: not here.
    """

    def __init__(self, folder: Path) -> None:
        compiler = shutil.which("cc")
        if not sys.platform.startswith("linux") or compiler is None:
            raise Missing("needs Linux and a C compiler: apt-get install gcc")
        self._folder, self._library = folder, folder / "clocks.so"
        source = folder / "clocks.c"
        source.write_text(SOURCE)
        command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(self._library), str(source), "-ldl"]
        subprocess.run(command, check=True, capture_output=True)

    def environ(self) -> dict[str, str]:
        """What the processes need in their environment."""
        return {"LD_PRELOAD": str(self._library), "CALVE_TEST_CLOCKS": str(self._folder)}

    def shift(self, pid: int, by: timedelta) -> None:
        """Set the clock of a process: so far from the machine's."""
        with (self._folder / str(pid)).open("r+b") as file:
            file.write(struct.pack("=q", int(by.total_seconds())))
