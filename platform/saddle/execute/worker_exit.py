"""How a worker process ended, read from its own log: Ray says only that it is gone.

Ray's handler writes a fatal signal into that log. What ends a process without a handler is noted beforehand
(`os._exit`) or concluded: only SIGKILL leaves no trace at all.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

TAIL_BYTES = 64 * 1024
EXITED = re.compile(rb"saddle: os\._exit\((-?\d+)\) was called")
KILLS = re.compile(rb"saddle: (\d+) OOM kills on this machine so far")
SIGNALLED = re.compile(rb"\*\*\* (SIG[A-Z0-9]+) received")
KERNEL_COUNTERS = (Path("/sys/fs/cgroup/memory.events"), Path("/proc/vmstat"))


def note_exits() -> None:
    """Have this process say in its log when the code in it calls `os._exit`; once per process is enough."""
    if getattr(os._exit, "noted", False):
        return
    exit_now: Callable[[int], NoReturn] = os._exit
    process = os.getpid()

    def noted_exit(status: int) -> NoReturn:
        if os.getpid() == process:  # a forked child ends this way as a matter of course
            _say(f"saddle: os._exit({status}) was called")
        exit_now(status)

    noted_exit.__dict__["noted"] = True
    os._exit = noted_exit
    _say(f"saddle: {oom_kills()} OOM kills on this machine so far")


def _say(line: str) -> None:
    os.write(2, f"\n{line}\n".encode())


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
    """What the log of a dead process of this machine says of its end: a signal, an exit code, or the OOM killer."""
    return conclude(read_tail(logs, process), oom_kills())


def read_tail(logs: str, process: int) -> bytes:
    """The end of what a worker process of this machine wrote to its standard error."""
    for log in Path(logs).glob(f"worker-*-{process}.err"):
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL_BYTES))
            return file.read()
    return b""


def conclude(tail: bytes, kills_now: int) -> str:
    """What ended a process whose log ends so, on a machine whose kernel has made `kills_now` OOM kills by now."""
    exited = EXITED.findall(tail)
    if exited:
        return f"exit code {exited[-1].decode()} (os._exit)"
    signalled = SIGNALLED.findall(tail)
    if signalled:
        name = signalled[-1].decode()
        return f"signal {getattr(signal, name, 0):d} ({name})"
    kills_before = KILLS.findall(tail)
    if kills_before and kills_now > int(kills_before[-1]):
        return "signal 9 (SIGKILL) by the kernel's OOM killer: the machine's memory was used up"
    return "signal 9 (SIGKILL), as by kill -9 or a batch system"
