"""How a worker process ended, noted in a separate file next to Ray's logs: Ray says only that it is gone.

`faulthandler` writes a fatal signal there, and what ends a process without a handler is noted beforehand (`os._exit`)
or concluded: only SIGKILL leaves no trace at all. Not in the process's standard error: where Ray rotates its logs that
is a pipe which the process itself empties, and what was written last is lost with it.
"""

from __future__ import annotations

import faulthandler
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from saddle.cluster.ray_internals import logs_folder

EXITED = re.compile(rb"saddle: os\._exit\((-?\d+)\) was called")
KILLS = re.compile(rb"saddle: (\d+) OOM kills on this machine so far")
SIGNALLED = re.compile(rb"Fatal Python error: ([A-Za-z -]+)")
SIGNALS = {
    b"Segmentation fault": signal.SIGSEGV, b"Bus error": signal.SIGBUS, b"Aborted": signal.SIGABRT,
    b"Floating-point exception": signal.SIGFPE, b"Floating point exception": signal.SIGFPE,
    b"Illegal instruction": signal.SIGILL,
}  # fmt: skip
"""What `faulthandler` calls the signals that it handles."""

KERNEL_COUNTERS = (Path("/sys/fs/cgroup/memory.events"), Path("/proc/vmstat"))


def note_exits() -> None:
    """Have this process note what ends it, as far as it can; once per process is enough."""
    if getattr(os._exit, "noted", False):
        return
    exit_now: Callable[[int], NoReturn] = os._exit
    process = os.getpid()
    note = os.open(note_path(logs_folder(), process), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def noted_exit(status: int) -> NoReturn:
        if os.getpid() == process:  # a forked child ends this way as a matter of course
            _say(note, f"saddle: os._exit({status}) was called")
        exit_now(status)

    noted_exit.__dict__["noted"] = True
    os._exit = noted_exit
    faulthandler.enable(note, all_threads=False)
    _say(note, f"saddle: {oom_kills()} OOM kills on this machine so far")


def note_path(logs: str, process: int) -> Path:
    """Where a process notes what ends it."""
    return Path(logs, f"saddle-exit-{process}.err")


def _say(note: int, line: str) -> None:
    os.write(note, f"{line}\n".encode())


def oom_kills() -> int:
    """How many processes of this machine, or container, the kernel has killed for want of memory."""
    for counters in KERNEL_COUNTERS:
        try:
            lines = counters.read_text().splitlines()
        except OSError:
            continue
        for line in lines:
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0


def cause_of_death(logs: str, process: int) -> str:
    """What ended a process of this machine, as its note says: a signal, an exit code, or the OOM killer."""
    path = note_path(logs, process)
    return conclude(path.read_bytes() if path.exists() else b"", oom_kills())


def conclude(note: bytes, kills_now: int) -> str:
    """What ended a process with this note, on a machine whose kernel has made `kills_now` OOM kills so far."""
    exited = EXITED.findall(note)
    if exited:
        return f"exit code {exited[-1].decode()} (os._exit)"
    signalled = [SIGNALS[words] for words in SIGNALLED.findall(note) if words in SIGNALS]
    if signalled:
        return f"signal {signalled[-1]:d} ({signalled[-1].name})"
    kills_before = KILLS.findall(note)
    if kills_before and kills_now > int(kills_before[-1]):
        return "signal 9 (SIGKILL) by the kernel's OOM killer: the machine's memory was used up"
    return "signal 9 (SIGKILL), as by kill -9 or a batch system"
