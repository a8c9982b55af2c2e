"""Ctrl-C while Ray starts is heard once it has started."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from saddle.cluster.late_interrupt import interrupts_afterwards


def press_ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def start_after(events: list[str], fails: bool = False) -> None:
    with interrupts_afterwards():
        press_ctrl_c()
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
