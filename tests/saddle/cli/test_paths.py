from __future__ import annotations

from pathlib import Path

import pytest

from saddle.cli.paths import short, storage_option
from saddle.trial.failure import failure_of


def test_a_study_outlives_the_working_directory_it_was_started_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ray removes that of a job as soon as its head is started again; what was trained is to be named even so."""
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    assert short("/data/runs/report.html") == "/data/runs/report.html"
    assert storage_option("/data/runs") == ["--storage", "/data/runs"]
    place = failure_of('  File "/home/me/code/train.py", line 12, in train\nValueError: no').place
    assert place == "code/train.py:12"
