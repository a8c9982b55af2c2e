"""scikit-learn's bundled digits, split once and for all."""

from __future__ import annotations

import torch

from trainables.datasets.config import KNOWN
from trainables.datasets.dataset import Dataset, Split, stratified_order

SPLIT_SEED = 20261121
"""Seed of the fixed train/test split; changing it changes the dataset."""


def load_digits() -> Dataset:
    """The 1,797 digits of 8×8 pixels (16 levels, stretched to 0–255), 400 of them for testing, stratified."""
    from sklearn import datasets as sklearn_datasets  # takes a second, and only this dataset needs it

    bundle = sklearn_datasets.load_digits()
    images = torch.from_numpy(bundle.images * (255 / 16)).round().to(torch.uint8).unsqueeze(1)
    labels = torch.from_numpy(bundle.target).to(torch.int64)
    everything = Split(images, labels)
    order = stratified_order(labels, SPLIT_SEED)
    facts = KNOWN["digits"]
    test, train = order[: facts.test].sort().values, order[facts.test :].sort().values
    return Dataset("digits", facts.classes, everything.subset(train), everything.subset(test))
