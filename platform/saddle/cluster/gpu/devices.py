"""The GPUs of a machine as its driver names them, and whether processes share them through NVIDIA's MPS."""

from __future__ import annotations

import ctypes
import os
import subprocess
from pathlib import Path
from typing import NamedTuple

import psutil

MPS_VARIABLE = "CUDA_MPS_PIPE_DIRECTORY"
MPS_FOLDER = "/tmp/nvidia-mps"
"""Where processes look for MPS if the variable names no other folder (NVIDIA, Multi-Process Service)."""
MPS_PROCESS = "nvidia-cuda-mps-control.pid"
AMD_DEVICE = Path("/dev/kfd")
"""What every process uses that computes on AMD's GPUs."""
ASK_SECONDS = 20.0
MIB = 2**20


class Gpu(NamedTuple):
    """A GPU by its name, and its memory in bytes."""

    name: str
    memory: int


def has_driver() -> bool:
    """Whether a driver of NVIDIA's or AMD's GPUs is on this machine, without which torch sees no GPU."""
    if AMD_DEVICE.exists():
        return True
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    return True


def list_gpus() -> list[Gpu]:
    """The GPUs of this machine, used or not; none without a driver, or if it does not answer.

    Asked of `nvidia-smi`: CUDA itself would take memory of each.
    """
    question = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(question, capture_output=True, text=True, timeout=ASK_SECONDS, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return parse_gpus(answer)


def parse_gpus(answer: str) -> list[Gpu]:
    """The lines `NAME, MEBIBYTES` of nvidia-smi; what says no number, such as `[N/A]` of a shared memory, is left out.

    GPUs that are split into instances (MIG) are named as a whole.
    """
    fields = [line.rpartition(",") for line in answer.splitlines()]
    return [Gpu(name.strip(), int(amount) * MIB) for name, _, amount in fields if amount.strip().isdigit()]


def own_gpu() -> str:
    """The machine and the GPU that this process has of Ray; all of them if it has several."""
    import ray

    context = ray.get_runtime_context()
    return f"{context.get_node_id()}/{','.join(map(str, context.get_accelerator_ids().get('GPU', ())))}"


def mps_folder() -> str | None:
    """The folder by which the processes of this machine reach a running MPS daemon; None where there is none.

    CUDA uses it without being asked to (`saddle doctor` says so): all its clients on a GPU then fail together.
    """
    named = os.environ.get(MPS_VARIABLE)
    folder = Path(named or MPS_FOLDER)
    try:
        process = int((folder / MPS_PROCESS).read_text())
    except (OSError, ValueError):
        return None
    # in a container the daemon is a process of another number space: a folder that was named for it counts
    alive = psutil.pid_exists(process) or (named is not None and (folder / "control").exists())
    return str(folder) if alive else None
