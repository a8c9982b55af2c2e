from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from saddle.errors import StorageError
from saddle.store.ownership.lock import hold_lock, holder
from tests.support.waiting import PROCESS_SECONDS, join_all

HOLD = """
import sys, time
from pathlib import Path
from saddle.store.ownership.lock import hold_lock
with hold_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_second_driver_is_told_who_holds_the_study_and_a_killed_one_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "digits.lock"
    other = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    try:
        assert other.stdout.readline() == "held\n"
        assert holder(path) == other.pid
        expected = pytest.raises(StorageError, match=rf"process {other.pid}\) is running digits.*saddle stop digits")
        with expected, hold_lock(path):
            pass
    finally:
        other.kill()
        other.wait(PROCESS_SECONDS)
        other.stdout.close()
    assert holder(path) is None
    with hold_lock(path):
        pass


def test_a_link_in_the_lock_s_place_is_refused_and_its_target_stays(tmp_path: Path) -> None:
    foreign, path = tmp_path / "foreign", tmp_path / "digits.lock"
    foreign.write_text("precious")
    path.symlink_to(foreign)
    for use in (hold_lock(path).__enter__, lambda: holder(path)):
        with pytest.raises(StorageError, match=r"digits\.lock is a link, which is not followed"):
            use()
    assert foreign.read_text() == "precious"


def test_asking_who_holds_it_all_the_time_keeps_no_driver_out(tmp_path: Path) -> None:
    path = tmp_path / "digits.lock"
    asking = threading.Event()

    def ask() -> None:
        while not asking.is_set():
            holder(path)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(50):
            with hold_lock(path):
                pass
    finally:
        asking.set()
        join_all(*threads)
