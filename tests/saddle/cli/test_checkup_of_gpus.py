"""`saddle doctor` says that MPS runs, which changes how trials on one GPU fail."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from saddle.cli.checkup import find_processors


def test_a_running_daemon_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_MPS_PIPE_DIRECTORY", str(tmp_path))
    assert "MPS" not in find_processors()
    (tmp_path / "nvidia-cuda-mps-control.pid").write_text(str(os.getpid()))
    assert f"MPS runs ({tmp_path})" in find_processors()
