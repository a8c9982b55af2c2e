"""What a machine says of its GPUs, and of MPS, by stand-ins for the driver's program and the daemon's folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from saddle.cluster.gpu.devices import Gpu, list_gpus, mps_folder, parse_gpus

ANSWER = "NVIDIA H200, 143771\nTesla T4, 15360\n"


def test_names_and_memory_are_read() -> None:
    assert parse_gpus(ANSWER) == [Gpu("NVIDIA H200", 143771 * 2**20), Gpu("Tesla T4", 15360 * 2**20)]
    assert parse_gpus("NVIDIA GB10, [N/A]\n") == []
    assert parse_gpus("No devices were found\n") == []


def test_the_drivers_program_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n[ \"$1\" = --query-gpu=name,memory.total ] && printf '{ANSWER}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert [gpu.name for gpu in list_gpus()] == ["NVIDIA H200", "Tesla T4"]
    program.write_text("#!/bin/sh\nexit 9\n")
    assert list_gpus() == []
    program.unlink()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert list_gpus() == []


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("saddle.cluster.gpu.devices.MPS_FOLDER", str(tmp_path))
    monkeypatch.delenv("CUDA_MPS_PIPE_DIRECTORY", raising=False)
    return tmp_path


def test_a_daemon_that_runs_is_known(folder: Path) -> None:
    assert mps_folder() is None
    (folder / "nvidia-cuda-mps-control.pid").write_text(f"{os.getpid()}\n")
    assert mps_folder() == str(folder)


def test_what_a_dead_daemon_left_counts_for_none(folder: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait(60)
    (folder / "nvidia-cuda-mps-control.pid").write_text(str(ended.pid))
    (folder / "control").touch()
    assert mps_folder() is None


def test_in_a_container_the_folder_that_was_named_counts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "nvidia-cuda-mps-control.pid").write_text("4194305")  # beyond the numbers of this machine
    (folder / "control").touch()
    monkeypatch.setenv("CUDA_MPS_PIPE_DIRECTORY", str(folder))
    assert mps_folder() == str(folder)
    (folder / "control").unlink()
    assert mps_folder() is None
