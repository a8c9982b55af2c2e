"""Folds: every image is held out once, classes and groups are kept together."""

from __future__ import annotations

import pytest
import torch

from trainables.datasets import DataError
from trainables.datasets.dataset import Split
from trainables.datasets.sampling.folds import cut_fold


def split_of(labels: list[int], groups: list[int] | None = None) -> Split:
    images = torch.zeros(len(labels), 1, 2, 2, dtype=torch.uint8)
    return Split(images, torch.tensor(labels), groups=None if groups is None else torch.tensor(groups))


@pytest.mark.parametrize("folds", [2, 3, 5])
def test_every_image_is_held_out_once(folds: int) -> None:
    split = split_of([index % 4 for index in range(83)])
    cuts = [cut_fold(split, folds, fold, seed=1) for fold in range(folds)]
    held = torch.cat([one for one, _ in cuts])
    assert sorted(held.tolist()) == list(range(83))
    for one, rest in cuts:
        assert not set(one.tolist()) & set(rest.tolist())
        assert len(one) + len(rest) == 83
        counts = torch.bincount(split.labels[one], minlength=4)
        assert int(counts.max() - counts.min()) <= 2, "classes keep their proportions"


def test_fewer_images_are_cut_among_themselves() -> None:
    split = split_of([index % 2 for index in range(40)])
    pools = [set(torch.cat(cut_fold(split, 4, fold, seed=3, size=12)).tolist()) for fold in range(4)]
    assert all(pool == pools[0] for pool in pools)
    assert len(pools[0]) == 12
    assert {len(cut_fold(split, 4, fold, seed=3, size=12)[0]) for fold in range(4)} == {3}


def test_no_group_is_parted() -> None:
    groups = [index // 3 for index in range(60)]
    split = split_of([index % 2 for index in range(60)], groups)
    sizes = []
    for fold in range(4):
        held, rest = cut_fold(split, 4, fold, seed=0)
        assert not {groups[i] for i in held.tolist()} & {groups[i] for i in rest.tolist()}
        sizes.append(len(held))
    assert sum(sizes) == 60
    assert max(sizes) - min(sizes) <= 3


def test_other_seeds_cut_otherwise_and_too_many_folds_are_refused() -> None:
    split = split_of([0, 1] * 20)
    assert cut_fold(split, 4, 0, seed=0)[0].tolist() != cut_fold(split, 4, 0, seed=1)[0].tolist()
    with pytest.raises(DataError, match="3 training images can't be cut into 4 folds"):
        cut_fold(split, 4, 0, seed=0, size=3)
    with pytest.raises(DataError, match="2 groups, too few for 3 folds"):
        cut_fold(split_of([0, 1] * 3, [0, 0, 0, 1, 1, 1]), 3, 0, seed=0)
