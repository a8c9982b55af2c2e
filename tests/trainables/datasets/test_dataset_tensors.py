"""Splits, fingerprints, stratified draws, and the digits that need no download."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trainables.datasets import KNOWN, DataError, Dataset, Split, data_root, load
from trainables.datasets.dataset import stratified_order


def split(n: int = 4, value: int = 0) -> Split:
    return Split(torch.full((n, 1, 4, 4), value, dtype=torch.uint8), torch.zeros(n, dtype=torch.int64))


def test_digits_are_what_is_said_of_them(digits: Dataset) -> None:
    facts = KNOWN["digits"].facts
    assert (digits.name, digits.classes, digits.shape) == ("digits", facts.classes, facts.shape)
    assert (len(digits.train), len(digits.test)) == (facts.train, facts.test) == (1397, 400)
    assert digits.train.images.max() == 255
    assert digits.train.masks is None
    counts = torch.bincount(digits.test.labels)
    assert counts.max() - counts.min() <= 2


def test_the_split_of_digits_is_fixed(digits: Dataset) -> None:
    again = load("digits")
    assert again.fingerprint == digits.fingerprint
    # a golden value: whoever changes the split or the scaling changes every stored result on digits
    assert digits.fingerprint == "23067fd8e48302fd9e2a83647a88a62fb05e7425f1b6e9afdc43130fe9d7f45b"


def test_pixels_are_floats_between_0_and_1(digits: Dataset) -> None:
    pixels = digits.train.pixels(torch.tensor([3, 5]))
    assert pixels.shape == (2, 1, 8, 8)
    assert pixels.dtype == torch.float32
    assert torch.equal(pixels * 255, digits.train.images[[3, 5]].float())
    assert digits.test.pixels().max() == 1
    assert digits.test.pixels(slice(0, 7)).shape[0] == 7


def test_a_fingerprint_sees_pixels_labels_names_and_masks() -> None:
    base = Dataset("a", ("x", "y"), split(), split())
    assert Dataset("renamed", ("x", "y"), split(), split()).fingerprint == base.fingerprint
    labelled = Split(split().images, torch.tensor([0, 1, 0, 0]))
    masked = Split(split().images, split().labels, torch.zeros(4, 4, 4, dtype=torch.uint8))
    others = [
        Dataset("a", ("x", "z"), split(), split()),
        Dataset("a", ("x", "y"), split(value=1), split()),
        Dataset("a", ("x", "y"), split(), split(value=1)),
        Dataset("a", ("x", "y"), labelled, split()),
        Dataset("a", ("x", "y"), masked, split()),
    ]
    assert len({base.fingerprint, *(other.fingerprint for other in others)}) == 6


@pytest.mark.parametrize(
    ("images", "labels", "masks"),
    [
        (torch.zeros(2, 4, 4, dtype=torch.uint8), torch.zeros(2, dtype=torch.int64), None),
        (torch.zeros(2, 1, 4, 4), torch.zeros(2, dtype=torch.int64), None),
        (torch.zeros(2, 1, 4, 4, dtype=torch.uint8), torch.zeros(3, dtype=torch.int64), None),
        (torch.zeros(2, 1, 4, 4, dtype=torch.uint8), torch.zeros(2), None),
        (torch.zeros(2, 1, 4, 4, dtype=torch.uint8), torch.zeros(2, dtype=torch.int64), torch.zeros(2, 4, 5)),
    ],
)
def test_a_split_of_wrong_shape_is_refused(
    images: torch.Tensor, labels: torch.Tensor, masks: torch.Tensor | None
) -> None:
    with pytest.raises(ValueError, match="must be"):
        Split(images, labels, masks)


def test_a_subset_keeps_images_labels_and_masks_together() -> None:
    whole = Split(
        torch.arange(4, dtype=torch.uint8).reshape(4, 1, 1, 1).expand(4, 1, 4, 4),
        torch.arange(4),
        torch.arange(4, dtype=torch.uint8).reshape(4, 1, 1).expand(4, 4, 4),
    )
    chosen = whole.subset(torch.tensor([2, 0]))
    assert chosen.masks is not None
    assert chosen.labels.tolist() == chosen.images[:, 0, 0, 0].tolist() == chosen.masks[:, 0, 0].tolist() == [2, 0]


@settings(max_examples=50, deadline=None)
@given(counts=st.lists(st.integers(1, 30), min_size=1, max_size=6), seed=st.integers(0, 2**40), data=st.data())
def test_every_prefix_keeps_the_proportions(counts: list[int], seed: int, data: st.DataObject) -> None:
    labels = torch.cat([torch.full((count,), label) for label, count in enumerate(counts)])
    order = stratified_order(labels, seed)
    assert sorted(order.tolist()) == list(range(len(labels)))
    size = data.draw(st.integers(0, len(labels)))
    drawn = torch.bincount(labels[order[:size]], minlength=len(counts))
    for label, count in enumerate(counts):
        assert abs(int(drawn[label]) - size * count / len(labels)) <= len(counts)


def test_the_order_depends_on_its_seed() -> None:
    labels = torch.arange(100) % 3
    assert torch.equal(stratified_order(labels, 1), stratified_order(labels, 1))
    assert not torch.equal(stratified_order(labels, 1), stratified_order(labels, 2))


def test_the_data_root_is_argument_then_environment_then_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SADDLE_DATA", "/from/environment")
    assert str(data_root("/given")) == "/given"
    assert str(data_root()) == "/from/environment"
    monkeypatch.delenv("SADDLE_DATA")
    assert data_root().parts[-2:] == ("saddle", "data")
    monkeypatch.setenv("HOME", "/home/someone")
    assert str(data_root("~/data")) == "/home/someone/data"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("minst", "did you mean 'mnist'"),
        (7, "write a dataset as NAME"),
        ({}, "write a dataset as NAME"),
        ({"folder": ""}, "folder: String should have at least 1 character"),
        ({"parquet": {"train": "a"}}, "parquet.test: Field required"),
        ({"folder": "a", "size": "big"}, "size"),
    ],
)
def test_a_wrong_description_is_explained(spec: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load(spec)
