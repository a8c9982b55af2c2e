"""What is read off a look at images and counterfactuals, on numbers that can be checked by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from trainables import counterfactual_gan as method
from trainables.counterfactual_gan.evaluation import measurements as measuring
from trainables.counterfactual_gan.evaluation.measurements import Measured, measure
from trainables.datasets.dataset import Split
from trainables.datasets.sampling.samples import Samples, samples_of
from trainables.models.generators.generator import Generated

LABELS = torch.tensor([0, 0, 0, 0, 1, 1])


def certain(classes: list[int], count: int) -> Tensor:
    """Logits (N, `count`) of someone who is sure of `classes`."""
    return 20.0 * torch.nn.functional.one_hot(torch.tensor(classes), count).float()


def measured(**given: Any) -> Measured:
    values: dict[str, Any] = {
        "labels": LABELS,
        "real": certain([0, 0, 0, 2, 1, 0], 3),
        "fake": certain([1, 1, 2, 2, 0, 2], 3),
        "branch": certain([0, 0, 1, 1, 1, 1], 2),
        "judged": torch.stack([certain([0, 0, 0, 0, 1, 1], 2), certain([0, 1, 0, 0, 1, 0], 2)]),
        "judged_fake": torch.stack([certain([1, 1, 1, 0, 0, 0], 2), certain([1, 1, 0, 0, 0, 1], 2)]),
        "changes": torch.zeros(6, 2, 2),
        "features": torch.zeros(6, 3),
        "fake_features": torch.zeros(6, 3),
        "saturation": 0.25,
        "diversity": 0.5,
        "sameness": (0.0, 0.0),
        "perplexity": 0.0,
        "masks": None,
    }
    return Measured(**{**values, **given})


def test_validity_is_the_judges_mean_and_of_both_directions_alike() -> None:
    found = measured().validity()
    assert found["validity.to_damaged"] == pytest.approx((3 / 4 + 2 / 4) / 2)
    assert found["validity.to_undamaged"] == pytest.approx((2 / 2 + 1 / 2) / 2)
    assert found["validity"] == pytest.approx((0.625 + 0.75) / 2), "not the mean over images, of which four are clean"
    assert found["validity.worst_direction"] == pytest.approx(0.625)


def test_what_d_takes_for_generated_is_not_valid_to_it() -> None:
    found = measured().validity()
    assert found["validity_by_d.three_way"] == pytest.approx((2 / 4 + 1 / 2) / 2)
    # without the third logit the last three are ties of the other two, which fall to class 0
    assert found["validity_by_d.two_way"] == pytest.approx((2 / 4 + 2 / 2) / 2)


def test_d_classifies_by_two_of_its_logits_and_g_by_its_branch() -> None:
    found = measured().classification(whole=True)
    assert found["accuracy.d"] == pytest.approx(5 / 6)  # the fourth: fake, but of the other two class 0
    assert (found["precision.d"], found["recall.d"]) == (1.0, 0.5)
    assert found["f1.d"] == pytest.approx(2 / 3)
    assert found["accuracy.g"] == pytest.approx(4 / 6)
    assert (found["precision.g"], found["recall.g"]) == (0.5, 1.0)
    assert found["accuracy.judges"] == pytest.approx((6 + 4) / 12)


def test_a_checkpoint_is_chosen_for_both_of_its_networks() -> None:
    found = measured().scores()
    assert found["accuracy_and_validity"] == pytest.approx((5 / 6 + 0.625) / 2)
    blind = measured(judged_fake=measured().judged)  # nobody takes a counterfactual for the other class
    assert blind.scores()["accuracy_and_validity"] < found["accuracy_and_validity"]
    assert method.SELECTION == "validation/accuracy_and_validity"


def test_changes_inside_the_mask_are_set_against_those_outside() -> None:
    masks = torch.tensor([[[255, 0], [0, 100]]], dtype=torch.uint8).repeat(6, 1, 1)  # 100: neither in nor out
    changes = torch.tensor([[[0.6, 0.1], [0.3, 0.9]]]).repeat(6, 1, 1)
    found = measured(masks=masks, changes=changes).changed()
    assert found["change_inside_over_outside"] == pytest.approx(0.6 / 0.2)
    assert found["change"] == pytest.approx(1.9 / 4)
    assert found["p_fake.generated"] == pytest.approx(3 / 6, abs=1e-6)
    assert found["p_fake.real"] == pytest.approx(1 / 6, abs=1e-6)
    assert "change_inside_over_outside" not in measured(masks=torch.zeros_like(masks)).changed()


class Halving(torch.nn.Module):
    """A generator of half the contrast that drives what is above .9 to white."""

    def forward(self, images: Tensor) -> Generated:
        made = torch.where(images > 0.9, torch.ones(()), 0.5 * images)
        return Generated(made, torch.zeros(len(images), 2), torch.zeros(()), torch.tensor(3.0))


class Model(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.generator = Halving()

    def discriminator(self, images: Tensor) -> Tensor:
        return images.mean((1, 2, 3))[:, None] * torch.tensor([1.0, 2.0, 3.0])


def samples(pixels: Tensor) -> Samples:
    labels = torch.arange(len(pixels)) % 2
    split = Split((255 * pixels).round().to(torch.uint8), labels)
    return samples_of(split, torch.arange(len(pixels)), labels, torch.device("cpu"), grey=False)


def look(pixels: Tensor) -> Measured:
    judge: Any = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 2))
    return measure(Model(), samples(pixels), [judge, judge, judge], lambda images: images.flatten(1))  # type: ignore[arg-type]


def test_spread_and_saturation_are_those_of_the_generators_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "MOST_IMAGES", 4)  # several blocks, the last one short
    pixels = torch.full((10, 1, 2, 2), 0.2)
    pixels[::2] = 0.6
    found = look(pixels)
    assert found.diversity == pytest.approx(0.5, abs=1e-6)
    assert found.saturation == 0.0
    assert found.perplexity == pytest.approx(3.0)
    assert found.sameness == (pytest.approx(1.0), pytest.approx(1.0)), "every image of a class is changed alike"
    assert found.judged.shape == found.judged_fake.shape == (3, 10, 2)
    assert torch.allclose(found.changes[:2, 0, 0], torch.tensor([0.3, 0.1]), atol=1e-6)
    pixels[0, 0, 0] = 0.95  # two of forty pixels are driven to white
    pixels[1, 0, 1] = 1.0  # white before: nothing is driven there
    assert look(pixels).saturation == pytest.approx(2 / 40)


def test_sameness_is_how_far_changes_of_one_class_agree() -> None:
    pixels = torch.full((8, 1, 2, 2), 0.4)
    for index in range(4):  # every second image has its bright pixel somewhere else, where it is changed most
        pixels[2 * index, 0, index // 2, index % 2] = 1.0
    found = look(pixels)
    base, most = 0.2, 0.0  # halved, or driven to white where it is white
    norm = 3 * base**2 + most**2
    mean = 4 * (0.75 * base + 0.25 * most) ** 2
    assert found.sameness == (pytest.approx(mean / norm, rel=1e-3), pytest.approx(1.0))
