"""Transformations of a dataset: each does what it says to distances and pixels, alike in all splits."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trainables.datasets import DataError, Dataset, Split, inter_class_variance, load
from trainables.datasets.config import NamedDataset, parse_spec, with_transformation
from trainables.datasets.stats import measure_separation
from trainables.datasets.transformations.class_choice import choose_classes
from trainables.datasets.transformations.pixels import saturated
from trainables.datasets.transformations.transformation import Transformation
from trainables.datasets.transformations.transformed_dataset import transformed


def changed(dataset: Dataset, **changes: Any) -> Dataset:
    return transformed(dataset, Transformation(**changes))


def spread(split: Split) -> float:
    variance = inter_class_variance(split, 50)
    assert variance is not None
    return variance


def class_distance(images: np.ndarray, labels: np.ndarray, left_class: int, right_class: int) -> float:
    left, right = (
        images[labels == label].reshape((labels == label).sum(), -1) / 255 for label in (left_class, right_class)
    )
    return float(np.sqrt(((left[:, None] - right[None]) ** 2).sum(2)).mean())


def test_without_changes_it_is_the_same_dataset(digits: Dataset) -> None:
    assert changed(digits) is digits
    assert changed(digits, class_distance="high") is digits, "a distance chooses nothing without a count"
    assert with_transformation("digits", Transformation()) == "digits"


@settings(max_examples=12, deadline=None)
@given(contrast=st.floats(0.2, 1.0))
def test_contrast_scales_all_distances_and_keeps_the_mean(contrast: float) -> None:
    digits = load("digits")
    paler = changed(digits, contrast=contrast)
    # whole grey levels: each pixel of a pair is off by half of one at most
    rounding = 64**0.5 / 255
    assert spread(paler.train) == pytest.approx(contrast * spread(digits.train), abs=rounding)
    assert spread(paler.test) == pytest.approx(contrast * spread(digits.test), abs=rounding)
    means = [split.images.to(torch.float64).mean() for split in (paler.train, digits.train)]
    assert float(means[0]) == pytest.approx(float(means[1]), abs=0.5)
    expected = means[1] + contrast * (digits.test.images.to(torch.float64) - means[1])
    assert float((paler.test.images - expected).abs().max()) <= 0.5 + 1e-3, "the test split has the training mean"


def test_of_pixels_of_all_levels_contrast_scales_distances_to_a_thousandth() -> None:
    draw = torch.Generator().manual_seed(0)
    split = Split(torch.randint(256, (40, 3, 9, 9), generator=draw, dtype=torch.uint8), torch.arange(40) % 4)
    noise = Dataset("noise", tuple("abcd"), split, split)
    for contrast in (0.2, 0.3, 0.7):
        paler = changed(noise, contrast=contrast)
        assert spread(paler.train) == pytest.approx(contrast * spread(split), rel=1e-3)


def test_every_transformation_keeps_labels_and_shape(digits: Dataset) -> None:
    for changes in ({"contrast": 0.5}, {"smoothing": 1.0}, {"saturation": 8.0}):
        other = changed(digits, **changes)
        for name, split in digits.splits.items():
            assert torch.equal(other.splits[name].labels, split.labels)
            assert other.splits[name].images.shape == split.images.shape
            assert not torch.equal(other.splits[name].images, split.images)
        assert (other.classes, other.chosen) == (digits.classes, ())
        assert other.fingerprint != digits.fingerprint
        assert other.name == f"digits ({', '.join(f'{k} {v}' for k, v in changes.items())})"


def test_a_resized_dataset_keeps_its_labels_up_and_down(digits: Dataset) -> None:
    for size in (4, 12, 24):
        resized = load({"known": "digits", "size": size})
        assert resized.shape == (1, size, size)
        for name, split in digits.splits.items():
            assert torch.equal(resized.splits[name].labels, split.labels)
            means = [images_of.images.to(torch.float64).mean() for images_of in (resized.splits[name], split)]
            assert float(means[0]) == pytest.approx(float(means[1]), rel=0.03)


@pytest.mark.parametrize("p", [1.0, 1.5, 2.0, 4.0, 1000.0])
def test_saturation_is_that_of_ding_et_al(p: float) -> None:
    pixels = torch.linspace(0, 1, 101, dtype=torch.float64)
    x = pixels.numpy()
    expected = np.sign(2 * x - 1) * np.abs(2 * x - 1) ** (2 / p) / 2 + 0.5
    np.testing.assert_allclose(saturated(pixels, p).numpy(), expected, atol=1e-12)
    assert (saturated(pixels, p).diff() >= 0).all(), "brighter stays brighter"
    if p == 1000:
        assert float((saturated(pixels, p) - pixels.round()).abs()[pixels != 0.5].max()) < 0.01


def test_smoothing_narrows_what_differs_between_neighbours_and_keeps_the_mean(digits: Dataset) -> None:
    smooth = changed(digits, smoothing=1.0).train.images.to(torch.float64)
    before = digits.train.images.to(torch.float64)
    assert float(smooth.diff(dim=3).abs().mean()) < 0.5 * float(before.diff(dim=3).abs().mean())
    assert float(smooth.mean()) == pytest.approx(float(before.mean()), rel=0.1)
    impulse = torch.zeros((2, 1, 9, 9), dtype=torch.uint8)
    impulse[:, 0, 4, 4] = 255
    lone = Split(impulse, torch.tensor([0, 1]))
    spot = changed(Dataset("spot", ("a", "b"), lone, lone), smoothing=1.0).train.images[0, 0, 4].to(torch.float64)
    kernel = np.exp(-0.5 * np.arange(-3, 4) ** 2.0)
    kernel /= kernel.sum()
    np.testing.assert_allclose(spot[1:8].numpy(), 255 * kernel[3] * kernel, atol=0.51)


@pytest.mark.parametrize("count", [2, 4, 7])
@pytest.mark.parametrize("distance", ["low", "high"])
def test_the_chosen_classes_are_the_best_of_all_subsets(digits: Dataset, count: int, distance: str) -> None:
    choice = choose_classes(digits.train, count, distance)  # type: ignore[arg-type]
    assert choice == choose_classes(digits.train, count, distance)  # type: ignore[arg-type]
    # the same 100 images of a class, but for the order in which they are drawn
    sample = {label: torch.nonzero(digits.train.labels == label).squeeze(1) for label in range(10)}
    generator = torch.Generator().manual_seed(0)
    drawn = torch.cat([members[torch.randperm(len(members), generator=generator)][:100] for members in sample.values()])
    images, labels = digits.train.images[drawn].numpy().astype(np.float64), digits.train.labels[drawn].numpy()
    distances = {pair: class_distance(images, labels, *pair) for pair in combinations(range(10), 2)}
    of = {
        subset: np.mean([distances[pair] for pair in combinations(subset, 2)])
        for subset in combinations(range(10), count)
    }
    best = (min if distance == "low" else max)(of, key=lambda subset: of[subset])
    assert choice.labels == best
    assert choice.distance == pytest.approx(of[best], rel=1e-9)
    assert choice.of_all == pytest.approx(np.mean([*distances.values()]), rel=1e-9)


def test_subsets_have_equal_numbers_of_classes_and_images(digits: Dataset) -> None:
    low, high = (changed(digits, class_count=4, class_distance=distance) for distance in ("low", "high"))
    smallest = int(torch.bincount(digits.train.labels).min())
    for subset in (low, high):
        assert len(subset.classes) == 4
        assert torch.bincount(subset.train.labels).tolist() == [smallest] * 4
        assert len(set(torch.bincount(subset.test.labels).tolist())) == 1
        assert tuple(digits.classes[label] for label in subset.chosen) == subset.classes
        assert any(f"chose classes {', '.join(subset.classes)}, " in remark for remark in subset.remarks)
        for number, label in enumerate(subset.chosen):
            images = {image.numpy().tobytes() for image in subset.test.images[subset.test.labels == number]}
            assert images <= {image.numpy().tobytes() for image in digits.test.images[digits.test.labels == label]}
    assert len(low.train) == len(high.train)
    assert spread(low.train) < spread(digits.train) < spread(high.train)


def test_more_classes_than_there_are_is_a_mistake_of_the_data(digits: Dataset) -> None:
    with pytest.raises(DataError, match=r"class_count 11 is too large for dataset digits: 11 of 10 classes"):
        changed(digits, class_count=11)


def test_shapes_stand_out_as_far_as_is_asked_for_on_the_same_ground() -> None:
    drawn = {
        s: load({"known": "synthetic_shapes", "transformation": {"separation": s}}) for s in (0.0, 0.25, 0.5, 0.75)
    }
    drawn[1.0] = load("synthetic_shapes")
    separations = [measure_separation(dataset.train, 60) for dataset in drawn.values()]
    fisher = [of.fisher for of in separations if of is not None and of.fisher is not None]
    assert len(fisher) == 5
    assert fisher == sorted(fisher)
    by_chance = 7 / (8 * 60 - 8)  # of eight classes of nothing but noise, (K - 1) / (n - K)
    assert fisher[0] == pytest.approx(by_chance, rel=0.5)
    assert fisher[-1] > 10 * fisher[0]
    ground, half, full = (drawn[s].train.images.to(torch.float64) for s in (0.0, 0.5, 1.0))
    clear = (full < 255) & (ground > 0)
    assert float(((half - ground) - (full - ground) / 2)[clear].abs().max()) <= 1, "half as deep at half the dose"
    assert torch.equal(drawn[0.5].train.labels, drawn[1.0].train.labels)


def test_separation_is_refused_for_what_is_not_drawn() -> None:
    for spec in (
        {"known": "digits", "transformation": {"separation": 0.5}},
        {"known": "synthetic_shapes", "size": 8, "transformation": {"separation": 0.5}},
    ):
        with pytest.raises(DataError, match="separation is only for synthetic_shapes in their own size"):
            load(spec)


def test_a_description_keeps_its_transformation_and_one_without_is_stored_as_before() -> None:
    spec = parse_spec({"known": "digits", "size": 12, "transformation": {"contrast": 0.5}})
    assert parse_spec(spec.model_dump(mode="json")) == spec  # type: ignore[union-attr]
    assert "transformation" not in NamedDataset(known="digits", size=12).model_dump()
    with pytest.raises(DataError, match="contrast"):
        parse_spec({"known": "digits", "transformation": {"contrast": 0}})
