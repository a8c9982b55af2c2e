"""What the tests of training methods share: one thread, real data where this machine has it, a tiny network."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from trainables.datasets import Dataset, load

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> None:
    """Quick beside others, and the same sums everywhere; before what a module's own fixtures train."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with MNIST/raw and FashionMNIST/raw, or a skip that says how to give one."""
    folder = Path(os.environ.get("SADDLE_TEST_DATA") or ROOT.parent / "shared" / "data")
    if not (folder / "MNIST" / "raw").is_dir():
        pytest.skip(f"no MNIST in {folder}; set SADDLE_TEST_DATA to a folder with MNIST/raw and FashionMNIST/raw")
    return folder


@pytest.fixture(scope="session")
def known_data() -> Path:
    """A folder with some of the known datasets beside MNIST; tests ask for the one they need."""
    folder = Path(os.environ.get("SADDLE_TEST_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no {folder}; set SADDLE_TEST_DATA to a folder with datasets")
    return folder


@pytest.fixture(scope="session")
def digits() -> Dataset:
    return load("digits")
