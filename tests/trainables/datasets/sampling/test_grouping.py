"""Draws: whole groups, one class against the rest, classes equally often."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from trainables.datasets import DataError, Dataset, Split, balanced_epoch, cut_by_group
from trainables.datasets.dataset import stratified_order
from trainables.datasets.sampling.one_vs_rest import one_vs_rest

SIZES = st.lists(st.integers(1, 12), min_size=2, max_size=30)


def grouped(sizes: list[int], seed: int) -> tuple[Tensor, Tensor]:
    """Labels of two classes and groups of these sizes, in no order."""
    generator = torch.Generator().manual_seed(seed)
    groups = torch.repeat_interleave(3 * torch.arange(len(sizes)), torch.tensor(sizes))
    shuffled = torch.randperm(len(groups), generator=generator)
    return torch.randint(0, 2, (len(groups),), generator=generator), groups[shuffled]


@settings(max_examples=100)
@given(SIZES, st.floats(0.05, 0.95), st.integers(0, 50))
def test_a_cut_holds_out_whole_groups_and_as_near_as_they_allow(sizes: list[int], share: float, seed: int) -> None:
    labels, groups = grouped(sizes, seed)
    held, rest = cut_by_group(labels, groups, share, seed)
    assert sorted([*held.tolist(), *rest.tolist()]) == list(range(len(labels)))
    inside, outside = set(groups[held].tolist()), set(groups[rest].tolist())
    assert not inside & outside
    assert inside
    assert outside
    missed = len(held) - share * len(labels)
    if len(outside) > 1:
        assert all(abs(missed + sizes[group // 3]) >= abs(missed) - 1e-9 for group in outside)
    if len(inside) > 1:
        assert all(abs(missed - sizes[group // 3]) >= abs(missed) - 1e-9 for group in inside)
    assert all(torch.equal(*pair) for pair in zip((held, rest), cut_by_group(labels, groups, share, seed), strict=True))


def test_without_groups_both_are_stratified() -> None:
    labels = torch.arange(100) % 5
    order = stratified_order(labels, 7)
    held, rest = cut_by_group(labels, None, 0.15, 7)
    assert torch.equal(held, order[:15])
    assert torch.equal(rest, order[15:])


def test_another_seed_is_another_cut_and_classes_are_kept_in_proportion() -> None:
    generator = torch.Generator().manual_seed(0)
    groups = torch.arange(1000) // 10
    labels = (torch.rand(1000, generator=generator) < 0.05 + 0.9 * (groups % 4 == 0)).long()
    cuts = [cut_by_group(labels, groups, 0.1, seed)[0] for seed in range(8)]
    assert len({tuple(sorted(cut.tolist())) for cut in cuts}) == 8
    for cut in cuts:
        assert len(cut) == 100
        assert abs(labels[cut].float().mean() - labels.float().mean()) < 0.06
        first = labels[cut[:20]].float().mean()
        assert abs(first - labels[cut].float().mean()) < 0.06, "both parts are in stratified order"
    with pytest.raises(DataError, match="cut from one image"):
        cut_by_group(labels, torch.zeros(1000, dtype=torch.int64), 0.1, 0)
    with pytest.raises(ValueError, match="between 0 and 1, not 1"):
        cut_by_group(labels, groups, 1.0, 0)


def many_classes() -> Dataset:
    labels = torch.tensor([0, 1, 2, 3, 3, 0])
    images = torch.arange(6, dtype=torch.uint8)[:, None, None, None].expand(6, 1, 4, 4).contiguous()
    split = Split(images, labels, images[:, 0].contiguous(), torch.arange(6))
    return Dataset("tiles", ("free", "blowhole", "break", "crack"), split, split.subset(torch.arange(4)))


def test_some_classes_are_told_from_the_rest() -> None:
    binary = one_vs_rest(many_classes(), ["crack", "blowhole"])
    assert (binary.name, binary.classes) == ("tiles: blowhole+crack", ("rest", "blowhole+crack"))
    assert binary.train.labels.tolist() == [0, 1, 0, 1, 1, 0]
    assert binary.test.labels.tolist() == [0, 1, 0, 1]
    assert torch.equal(binary.train.masks, many_classes().train.masks)  # type: ignore[arg-type]
    assert binary.train.groups.tolist() == [0, 1, 2, 3, 4, 5]  # type: ignore[union-attr]
    assert one_vs_rest(many_classes(), ["blowhole", "break", "crack"]).classes == ("free", "blowhole+break+crack")


@pytest.mark.parametrize(
    ("positive", "message"),
    [
        (["crak"], "tiles has no class 'crak'; did you mean 'crack'"),
        ([], "no class of tiles is named positive; name some of free, blowhole"),
        (["free", "blowhole", "break", "crack"], "every class of tiles is named positive"),
    ],
)
def test_a_wrong_choice_of_classes_is_explained(positive: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        one_vs_rest(many_classes(), positive)


@settings(max_examples=60)
@given(st.lists(st.sampled_from([0, 1, 1, 1, 1, 4]), min_size=1, max_size=60), st.integers(0, 20))
def test_a_balanced_epoch_has_every_class_and_its_samples_equally_often(values: list[int], seed: int) -> None:
    labels = torch.tensor(values)
    indices = balanced_epoch(labels, torch.Generator().manual_seed(seed))
    assert len(indices) == len(labels)
    counts = torch.bincount(labels[indices], minlength=5)[sorted(set(values))]
    assert counts.max() - counts.min() <= 1
    for label in set(values):
        often = torch.bincount(indices, minlength=len(labels))[labels == label]
        assert often.max() - often.min() <= 1
    assert torch.equal(indices, balanced_epoch(labels, torch.Generator().manual_seed(seed)))


def test_a_balanced_epoch_is_in_random_order() -> None:
    labels = (torch.arange(400) < 40).long()
    generator = torch.Generator().manual_seed(0)
    first, second = balanced_epoch(labels, generator), balanced_epoch(labels, generator)
    assert not torch.equal(first, second)
    assert 60 < int(labels[first[:200]].sum()) < 140
