"""What `saddle doctor` says of GPUs: those that torch sees, those that it does not see, and whether MPS runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from saddle.cli.checkup import find_processors
from saddle.cluster.gpu.devices import Gpu
from saddle.errors import ClusterError


def test_a_running_daemon_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_MPS_PIPE_DIRECTORY", str(tmp_path))
    assert "MPS" not in find_processors()
    (tmp_path / "nvidia-cuda-mps-control.pid").write_text(str(os.getpid()))
    assert f"MPS runs ({tmp_path})" in find_processors()


def test_gpus_that_torch_does_not_see_are_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("saddle.cli.checkup.torch_gpus", list)
    monkeypatch.setattr("saddle.cluster.gpu.devices.list_gpus", lambda: [Gpu("Tesla T4", 15360)])
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    with pytest.raises(ClusterError, match="lists Tesla T4, and torch sees no GPU"):
        find_processors()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert "no GPU" in find_processors(), "they are hidden on purpose"
    monkeypatch.setattr("saddle.cluster.gpu.devices.has_driver", lambda: True)
    monkeypatch.setattr("saddle.cli.checkup.torch_gpus", lambda: ["Tesla T4"])
    assert "Tesla T4" in find_processors()


def test_torch_is_not_imported_where_there_is_no_driver() -> None:
    code = (
        "import sys; from saddle.cluster.gpu import devices; devices.has_driver = lambda: False;"
        "from saddle.cli.checkup import find_processors; find_processors(); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
