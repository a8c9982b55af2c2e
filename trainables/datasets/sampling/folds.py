"""Folds of a training split for cross-validation: every image is held out once."""

from __future__ import annotations

import torch
from torch import Tensor

from trainables.datasets.dataset import Split, stratified_order
from trainables.datasets.errors import DataError


def cut_fold(train: Split, folds: int, fold: int, seed: int, size: int | None = None) -> tuple[Tensor, Tensor]:
    """Indices of fold number `fold` (H,) int64, and of the other folds (M,), of `size` images or all.

    The same seed gives the same folds, which share no image. Each keeps the classes' proportions, or, if images
    have groups, is about as large as the others and splits no group. Both are in random stratified order. Raises
    `DataError` for fewer images or groups than folds.
    """
    pool = stratified_order(train.labels, seed)[:size]
    if len(pool) < folds:
        raise DataError(f"{len(pool)} training images can't be cut into {folds} folds; ask for {len(pool)} at most")
    place = _by_class(train.labels[pool], folds) if train.groups is None else _by_group(train.groups[pool], folds, seed)
    return pool[place == fold], pool[place != fold]


def _by_class(labels: Tensor, folds: int) -> Tensor:
    """The fold of each sample, (N,): the samples of each class are dealt out in turn."""
    place = torch.empty(len(labels), dtype=torch.int64)
    place[labels.argsort(stable=True)] = torch.arange(len(labels)) % folds
    return place


def _by_group(groups: Tensor, folds: int, seed: int) -> Tensor:
    """The fold of each sample, (N,): groups, the largest first, go to the fold that has the fewest samples so far."""
    names, of_sample, sizes = torch.unique(groups, return_inverse=True, return_counts=True)
    if len(names) < folds:
        raise DataError(f"the training images come in {len(names)} groups, too few for {folds} folds")
    order = torch.randperm(len(names), generator=torch.Generator().manual_seed(seed))
    order = order[sizes[order].argsort(descending=True, stable=True)]
    filled, fold_of = torch.zeros(folds, dtype=torch.int64), torch.zeros(len(names), dtype=torch.int64)
    for group in order.tolist():
        fold_of[group] = filled.argmin()
        filled[fold_of[group]] += sizes[group]
    return fold_of[of_sample]
