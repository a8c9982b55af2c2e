"""What a driver leaves in the folder for temporary files: nothing once it has ended, little while a trial is chatty."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.commands import Command
from tests.support.waiting import PROCESS_SECONDS, wait_until

CHATTY = """
study: chatty
trainable: parabola
fixed: {epochs: 4, chatter: 8, pause: 0.1}
search: {x: {float: [0.0, 1.0]}}
objective: {maximize: validation/score}
sampler: {random: {seed: 0}}
budget: {trials: 2}
"""


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A short path, for the path of a Unix socket has 107 bytes at most."""
    folder = Path(tempfile.mkdtemp(prefix="t-", dir="/tmp"))
    monkeypatch.setenv("TMPDIR", str(folder))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.fault("what killed drivers leave behind")
def test_a_killed_driver_leaves_little_and_the_next_run_nothing(tmp_path: Path, temporary: Path) -> None:
    (tmp_path / "chatty.yaml").write_text(CHATTY)
    command = Command(tmp_path)
    process = command.start("run", "chatty.yaml", "--no-mlflow")
    try:
        wait_until(lambda: command.entries("chatty"), "the end of a trial", 120)
    finally:
        process.kill()
        process.communicate(timeout=PROCESS_SECONDS)
        command.kill_leftovers()
    left = list(temporary.iterdir())
    printed = sum(path.stat().st_size for path in temporary.rglob("*.out*") if path.is_file())
    assert len(left) >= 2, "Ray's session and Tune's folder"
    assert printed < 36 * 2**20, "each of two workers printed 32 MiB and kept 16"
    assert command.run("run", "chatty.yaml", "--no-mlflow")
    wait_until(
        lambda: not list(temporary.glob("saddle-*")),
        "the removal of all folders",
        show=lambda: str(list(temporary.glob("saddle-*"))),
    )
