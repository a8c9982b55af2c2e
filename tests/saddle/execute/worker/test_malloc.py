"""What a process frees serves it again: counted in pages that the system had to give."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys, threading
import torch
from saddle.execute.worker.malloc import keep_freed_memory

def step():
    kept = [torch.ones(2**19) for _ in range(16)]  # as activations are: 2 MiB each, freed together

def train():
    for _ in range(5):
        step()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(50):
        step()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)

if sys.argv[1] == "kept":
    assert keep_freed_memory()
torch.set_num_threads(1)
thread = threading.Thread(target=train)  # as trials are trained
thread.start()
thread.join()
"""


def pages(mode: str) -> int:
    done = subprocess.run([sys.executable, "-c", PROGRAM, mode], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library than glibc")
def test_the_memory_of_a_freed_tensor_is_used_again() -> None:
    assert pages("given back") > 50 * 1000, "the default, that this is about"
    assert pages("kept") < 50 * 100
