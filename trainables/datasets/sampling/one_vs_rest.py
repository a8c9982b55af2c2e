"""A set of many classes as one of two: some of them against the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from trainables.datasets.dataset import Dataset, Split
from trainables.datasets.errors import DataError, nearest
from trainables.datasets.names import normal


def one_vs_rest(dataset: Dataset, positive: Sequence[str]) -> Dataset:
    """The dataset with label 1 for the classes named `positive` and 0 for all others.

    Its classes are named after them, such as "rest" and "blowhole+crack"; a rest of one class keeps its name.
    Raises `DataError` for a name that is not a class, for none, and for all of them.
    """
    positive = [normal(name) for name in positive]
    unknown = next((name for name in positive if name not in dataset.classes), None)
    if unknown is not None:
        raise DataError(f"{dataset.name} has no class {unknown!r}; {nearest(unknown, dataset.classes)}")
    rest = [name for name in dataset.classes if name not in positive]
    if not rest or not positive:
        what = "every class" if positive else "no class"
        raise DataError(f"{what} of {dataset.name} is named positive; name some of {', '.join(dataset.classes)}")
    table = torch.tensor([int(name in positive) for name in dataset.classes])

    def relabel(split: Split) -> Split:
        return replace(split, labels=table[split.labels])

    named = "+".join(name for name in dataset.classes if name in positive)
    classes = (rest[0] if len(rest) == 1 else "rest", named)
    validation = None if dataset.validation is None else relabel(dataset.validation)
    return Dataset(f"{dataset.name}: {named}", classes, relabel(dataset.train), relabel(dataset.test), validation)
