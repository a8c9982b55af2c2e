"""Waiting returns what was waited for, and reports what did not happen."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from tests.support.waiting import PROCESS_SECONDS, join_all, wait_until


def test_the_value_is_returned_that_the_condition_comes_to() -> None:
    values = iter([0, "", 7])
    assert wait_until(lambda: next(values), "a seven", pause=0) == 7


def test_what_did_not_happen_is_said_with_what_is_known_of_it() -> None:
    with pytest.raises(AssertionError, match=r"^a miracle did not happen within 0\.1 s:\nof 3$"):
        wait_until(lambda: False, "a miracle", 0.1, show=lambda: "of 3")


def test_a_process_that_ends_ends_the_waiting_unless_it_did_what_was_waited_for() -> None:
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    process.wait(PROCESS_SECONDS)
    with pytest.raises(AssertionError, match=r"^the process ended before this: a line$"):
        wait_until(lambda: False, "a line", process=process)
    assert wait_until(lambda: True, "a line", process=process)


def test_a_thread_that_still_runs_is_named() -> None:
    end = threading.Event()
    threads = [threading.Thread(target=end.wait, args=(PROCESS_SECONDS,), name=f"thread {n}") for n in (1, 2)]
    threads[1].start()
    with pytest.raises(AssertionError, match=r"the end of every thread did not happen within 0\.1 s:\nthread 2$"):
        join_all(*threads, seconds=0.1)
    end.set()
    join_all(*threads)
