"""Temporary folders go with their process, also with one that was killed, and with nobody else's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from saddle.errors import InfrastructureError
from saddle.store.scratch import LOCK, remove_abandoned, scratch_folder
from tests.support.waiting import PROCESS_SECONDS

HOLDER = """
import sys, time
from pathlib import Path
from saddle.store.scratch import scratch_folder
with scratch_folder(Path({base!r})) as folder:
    (folder / "deep").mkdir()
    (folder / "deep/content").write_text("x")
    print(folder, flush=True)
    time.sleep(60)
"""


@pytest.mark.fault("what killed drivers leave behind")
def test_a_killed_process_folder_is_removed_by_the_next_and_a_living_one_stays(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER.format(base=str(tmp_path))]
    holders = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    try:
        killed, living = (Path((process.stdout or sys.stdin).readline().strip()) for process in holders)
        holders[0].kill()
        holders[0].wait(PROCESS_SECONDS)
        with scratch_folder(tmp_path) as own:
            assert not killed.exists(), "what the killed process left"
            assert (living / "deep/content").exists(), "its process lives"
            assert own.stat().st_mode & 0o777 == 0o700
        assert not own.exists()
    finally:
        for process in holders:
            process.kill()
            process.communicate(timeout=PROCESS_SECONDS)
    assert remove_abandoned(tmp_path) == 1
    assert list(tmp_path.iterdir()) == []


def test_nothing_without_our_lock_is_removed_whatever_its_name(tmp_path: Path) -> None:
    foreign = tmp_path / "saddle-notes"
    foreign.mkdir()
    (foreign / "thesis.tex").write_text("x")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / LOCK).touch()
    (tmp_path / "saddle-link").symlink_to(elsewhere)
    (tmp_path / "saddle-file").touch()
    assert remove_abandoned(tmp_path) == 0
    assert (foreign / "thesis.tex").exists()
    assert (elsewhere / LOCK).exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another user's folder")
def test_another_users_folder_stays(tmp_path: Path) -> None:
    folder = tmp_path / "saddle-theirs"
    folder.mkdir()
    (folder / LOCK).touch()
    os.chown(folder, 12345, 12345)
    assert remove_abandoned(tmp_path) == 0
    assert folder.exists()


def test_what_links_point_to_stays(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "content").touch()
    with scratch_folder(tmp_path) as folder:
        (folder / "link").symlink_to(kept)
    assert (kept / "content").exists()
    assert not folder.exists()


def test_after_an_error_it_may_stay_until_the_next_one(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), scratch_folder(tmp_path, keep_after_error=True) as kept:
        raise ZeroDivisionError
    assert kept.exists()
    with scratch_folder(tmp_path):
        assert not kept.exists()


def test_one_that_can_not_be_made_is_said_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(InfrastructureError, match=r"temporary files can't be used: .*file.*TMPDIR"),
        scratch_folder(tmp_path / "file/below"),
    ):
        pass
