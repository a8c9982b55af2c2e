"""Ctrl-C while Ray starts is heard once it has started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import psutil
import pytest

from saddle.cluster.failures.late_interrupt import interrupts_afterwards
from tests.support.waiting import wait_until


def press_ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def start_after(events: list[str], fails: bool = False) -> None:
    with interrupts_afterwards():
        press_ctrl_c()
        events.append("started")
        if fails:
            raise RuntimeError("a process has ended")


@pytest.mark.parametrize("fails", [False, True])
def test_a_ctrl_c_is_raised_once_the_block_has_ended_also_where_that_failed(fails: bool) -> None:
    before, events = signal.getsignal(signal.SIGINT), list[str]()
    with pytest.raises(KeyboardInterrupt):
        start_after(events, fails)
    assert events == ["started"]
    assert signal.getsignal(signal.SIGINT) is before


HANGS = """
import os, signal, subprocess, sys, time
from saddle.cluster.failures import late_interrupt
late_interrupt.LONGEST_SECONDS = {longest}
child = subprocess.Popen(["sleep", "3600"])
print(child.pid, flush=True)
with late_interrupt.interrupts_afterwards():
    for _ in range({presses}):
        os.kill(os.getpid(), signal.SIGINT)
    time.sleep(3600)
"""


@pytest.mark.parametrize(("presses", "longest"), [(2, 3600), (1, 0.5)], ids=["pressed twice", "too long"])
def test_a_start_that_never_ends_is_left_with_all_it_started(presses: int, longest: float) -> None:
    code = HANGS.format(presses=presses, longest=longest)
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 130, ended.stderr
    assert "Traceback" not in ended.stderr
    child = int(ended.stdout)
    wait_until(lambda: not psutil.pid_exists(child), "the end of what it started", 30)


def test_without_a_ctrl_c_nothing_changes() -> None:
    with interrupts_afterwards():
        pass
    with pytest.raises(RuntimeError, match="of its own"), interrupts_afterwards():
        raise RuntimeError("of its own")


def test_in_another_thread_nothing_is_done() -> None:
    ended: list[bool] = []

    def start() -> None:
        with interrupts_afterwards():
            ended.append(True)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join(10)
    assert ended == [True]
