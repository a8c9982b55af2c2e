"""scikit-learn's bundled digits, which are everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

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
    from sklearn import datasets as sklearn_datasets  # takes a second, and only this dataset needs it

    from trainables.datasets.dataset import Dataset, Split, stratified_order

    bundle = sklearn_datasets.load_digits()
    images = torch.from_numpy(bundle.images * (255 / 16)).round().to(torch.uint8).unsqueeze(1)
    labels = torch.from_numpy(bundle.target).to(torch.int64)
    everything = Split(images, labels)
    order = stratified_order(labels, SPLIT_SEED)
    test, train = order[:TEST].sort().values, order[TEST:].sort().values
    return Dataset("digits", TASKS.classes, everything.subset(train), everything.subset(test))


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
