"""scikit-learn's bundled digits, which are on every machine."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from trainables.datasets.attack_budget import AttackBudget
from trainables.datasets.auxiliary_tasks.digits import DIGITS as TASKS
from trainables.datasets.formats.found import Found
from trainables.datasets.formats.tensors import TensorSource
from trainables.datasets.known_dataset import Facts, KnownDataset

if TYPE_CHECKING:
    from trainables.datasets.dataset import Dataset

SPLIT_SEED = 20261121
"""Seed of the fixed train/test split; changing it changes the dataset."""
TRAIN, TEST = 1_397, 400


def find_digits(root: Path) -> Found:
    """They need no files."""
    source = TensorSource("digits", (), lambda: load_digits(root), {"train": TRAIN, "test": TEST})
    return Found(source, "scikit-learn", source.count)


def load_digits(root: Path | None = None) -> Dataset:
    """The 1,797 digits of 8×8 pixels (16 levels, stretched to 0–255), 400 of them for testing, stratified."""
    import torch

    from trainables.datasets.dataset import Dataset, Split, stratified_order

    table = read_table()
    images = torch.from_numpy(table[:, :-1].reshape(-1, 8, 8) * (255 / 16)).round().to(torch.uint8).unsqueeze(1)
    labels = torch.from_numpy(table[:, -1]).to(torch.int64)
    everything = Split(images, labels)
    order = stratified_order(labels, SPLIT_SEED)
    test, train = order[:TEST].sort().values, order[TEST:].sort().values
    return Dataset("digits", TASKS.classes, everything.subset(train), everything.subset(test))


def read_table() -> npt.NDArray[np.float64]:
    """The 64 pixels (0–16) and the label of each image, (1797, 65).

    Read from scikit-learn's own file: importing scikit-learn takes a second in every process. If another version
    keeps it elsewhere, scikit-learn reads it.
    """
    package = find_spec("sklearn")
    places = [] if package is None else package.submodule_search_locations or []
    files = [file for place in places if (file := Path(place, "datasets", "data", "digits.csv.gz")).is_file()]
    if files:
        return np.loadtxt(files[0], delimiter=",")
    from sklearn.datasets import load_digits as load_bundle

    bundle = load_bundle()
    return np.column_stack([bundle.data, bundle.target])


DIGITS = KnownDataset(
    name="digits",
    facts=Facts(
        title="scikit-learn's handwritten digits (UCI optdigits, test part)",
        shape=(1, 8, 8),
        classes=TASKS.classes,
        train=TRAIN,
        test=TEST,
    ),
    find=find_digits,
    load=load_digits,
    bundled=True,
    tasks=TASKS,
    attack=AttackBudget(
        0.15,
        0.03,
        10,
        20,
        "assumed",
        "two and a half of sixteen grey levels: at 0.125 a warm-up changes nothing, at 0.25 nothing is learnt",
    ),
    quick={
        "train_size": None,
        "test_size": None,
        "validation_fraction": 0.2,
        "batch_size": 64,
        "epochs": 12,
        "epsilon_warmup": 4,
        "adam_lr": 4e-3,
    },
)
