"""The CPUs and GPUs that a Ray started here would find, noted on this machine: asking Ray needs its import."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from saddle.cluster.ray_internals import machine_resources
from saddle.execute.plan.checked_data import read_note, write_note

FORMAT = 1
BOOT = Path("/proc/sys/kernel/random/boot_id")
LIMITS = tuple(
    Path("/sys/fs/cgroup") / name
    for name in (
        "cpu.max",
        "cpuset.cpus.effective",
        "cpu/cpu.cfs_quota_us",
        "cpu/cpu.cfs_period_us",
        "cpuset/cpuset.effective_cpus",
    )
)
"""What a container may use, by control groups of version 2 and 1."""
DEVICES = Path("/dev")
VARIABLES = ("RAY_", "CUDA_", "HIP_", "ROCR_", "NVIDIA_", "ONEAPI_")
"""Beginnings of variables by which Ray counts, or that hide devices."""


def local_resources() -> list[dict[str, float]]:
    """The resources Ray will find on this machine, as those of one node; in a container, what it may use."""
    if "ray" in sys.modules:
        return [machine_resources()]
    key = _key()
    note = read_note(key)
    if note and all(isinstance(amount, float) for amount in note.values()):
        return [note]
    resources = machine_resources()
    write_note(key, resources)
    return [resources]


def _key() -> str:
    """The name of the note on this machine; it changes with anything that Ray looks at."""
    allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    facts = [FORMAT, "resources", metadata.version("ray"), os.cpu_count(), allowed, *_facts()]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


def _facts() -> Iterator[str]:
    for path in (BOOT, *LIMITS):
        yield path.read_text() if path.is_file() else ""
    yield from sorted(path.name for path in DEVICES.glob("*") if not path.name.startswith(("pts", "shm", "tty")))
    yield from sorted(f"{name}={value}" for name, value in os.environ.items() if name.startswith(VARIABLES))
