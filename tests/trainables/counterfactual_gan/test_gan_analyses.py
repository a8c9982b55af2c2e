"""What a test measures, on planted models whose answers are known."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import scipy.stats
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn

from trainables.counterfactual_gan import METRICS
from trainables.counterfactual_gan.analyses.counterfactual_maps import measure as counterfactual_maps
from trainables.counterfactual_gan.analyses.quality import quality
from trainables.counterfactual_gan.analyses.robustness import AT_EPSILON, robustness
from trainables.counterfactual_gan.analyses.saliency import Maps, Marked, Parts, best_stage, saliency
from trainables.counterfactual_gan.analyses.uncertainty import uncertainty
from trainables.counterfactual_gan.evaluation.measurements import Measured
from trainables.counterfactual_gan.scores import MAPS
from trainables.counterfactual_gan.trained_gan import TrainedGAN
from trainables.datasets.dataset import Split
from trainables.datasets.sampling.samples import Samples, samples_of
from trainables.evaluation.analysis import Findings
from trainables.evaluation.features import of_classifier
from trainables.evaluation.masks import regions
from trainables.evaluation.perturbation_curves import EPSILONS
from trainables.models.generators.generator import Generated
from trainables.pictures import HEAD

SIDE = 8
BRIGHT, DARK = 204, 102
"""Of plain pixels and of marked ones."""


def given(**splits: Any) -> TrainedGAN:
    """What analyses are given, of which each looks at a part."""
    names = ("config", "data", "model", "measured", "panel", "features", "d_twin", "g_twin")
    return TrainedGAN(**{name: splits.get(name) for name in names})


def striped(count: int, seed: int) -> Samples:
    """Bright images; every second one has a dark stripe, which its mask marks."""
    pixels = torch.full((count, 1, SIDE, SIDE), BRIGHT, dtype=torch.uint8)
    masks = torch.zeros(count, SIDE, SIDE, dtype=torch.uint8)
    labels = torch.arange(count) % 2
    places = torch.randint(SIDE, (count,), generator=torch.Generator().manual_seed(seed))
    for index in range(1, count, 2):
        pixels[index, 0, places[index]] = DARK
        masks[index, places[index]] = 255
    return samples_of(Split(pixels, labels, masks), torch.arange(count), labels, torch.device("cpu"))


class StripeRemover(nn.Module):
    """G: takes stripes away, and adds one in the first row of images that have none."""

    def forward(self, images: Tensor) -> Generated:
        striped = (images < 0.6).flatten(1).any(1)[:, None, None, None]
        plain = torch.full_like(images, BRIGHT / 255)
        marked = plain.clone()
        marked[:, :, 0] = DARK / 255
        zero = torch.zeros(())
        return Generated(torch.where(striped, plain, marked), self.classify(images), zero, zero)

    def classify(self, images: Tensor) -> Tensor:
        return brightness_logits(images)


def brightness_logits(images: Tensor) -> Tensor:
    """(N, 2): sure of "damaged" where the darkest row is darker than .6."""
    darkest = images.mean((1, 3)).amin(1)
    return torch.stack([darkest - 0.6, 0.6 - darkest], 1) * 40


class RowJudge(nn.Module):
    """A judge that looks at one pixel in four, in `stages` as coarse as a last stage is."""

    def __init__(self) -> None:
        super().__init__()
        self.stage = nn.Conv2d(1, 1, 4, stride=4)
        nn.init.constant_(self.stage.weight, -1 / 16)
        nn.init.constant_(self.stage.bias, 0.9)  # type: ignore[arg-type]

    channels_last_stages: frozenset[str] = frozenset()

    @property
    def stages(self) -> dict[str, nn.Module]:
        return {"stage": self.stage}

    def features(self, images: Tensor) -> Tensor:
        return self.stage(images).flatten(1)  # type: ignore[no-any-return]

    def forward(self, images: Tensor) -> Tensor:
        damaged = self.features(images).amax(1)
        return torch.stack([0.15 - damaged, damaged - 0.15], 1) * 40


def test_a_generator_that_changes_what_is_marked_marks_it_perfectly() -> None:
    data = SimpleNamespace(validation=striped(20, 0), test=striped(30, 1))
    model = SimpleNamespace(generator=StripeRemover())
    found = saliency(given(config=SimpleNamespace(draws=2), data=data, model=model, panel=[RowJudge(), RowJudge()]))
    assert found.metrics["iou.difference"] == found.metrics["mask_f1.difference"] == pytest.approx(1.0)
    # of images without a stripe G changes the first row, which their masks don't mark: as many rows as are marked
    assert found.metrics["iou_of_all.difference"] == pytest.approx(0.5)
    assert found.metrics["iou_of_all.darkness"] == pytest.approx(1.0)
    assert found.metrics["iou.darkness"] == pytest.approx(1.0), "here darkness needs no learning"
    assert found.metrics["iou.gradcam"] < 0.3, "four rows share a cell of the last stage"
    for name in MAPS:
        assert found.metrics[f"iou.{name}"] <= found.metrics[f"iou_test_chosen.{name}"]
    curves, maps = (found.images[name] for name in ("IoU over thresholds", "maps of damage"))
    assert curves.shape[2] == 3
    assert maps.shape == (HEAD + 8 * (7 * SIDE + 4), 5 * (7 * SIDE + 4)), "eight rows of x, three maps and mask"


class TwoStageJudge(RowJudge):
    """Its first stage sees single pixels; its second one, the last, four rows at once."""

    def __init__(self) -> None:
        super().__init__()
        self.early = nn.Conv2d(1, 1, 1)
        nn.init.constant_(self.early.weight, -1.0)
        nn.init.constant_(self.early.bias, 0.8)  # type: ignore[arg-type]

    @property
    def stages(self) -> dict[str, nn.Module]:
        return {"early": self.early, "stage": self.stage}

    def features(self, images: Tensor) -> Tensor:
        return self.stage(1 - self.early(images)).flatten(1)  # type: ignore[no-any-return]


def test_class_activation_maps_are_of_the_last_stage_and_of_the_best_one_by_validation() -> None:
    data = SimpleNamespace(validation=striped(20, 0), test=striped(30, 1))
    model = SimpleNamespace(generator=StripeRemover())
    found = saliency(given(config=SimpleNamespace(draws=1), data=data, model=model, panel=[TwoStageJudge()]))
    assert found.fingerprints["class activation maps"] == {"best stage, by validation": "early"}
    assert found.metrics["iou.gradcam_best_stage"] > 0.9 > 0.3 > found.metrics["iou.gradcam"]


def test_the_best_stage_is_not_chosen_on_test_images() -> None:
    masks = striped(20, 0).masks
    assert masks is not None
    right, wrong = masks.float(), masks.float().flip(1)
    part = Marked(regions(masks), torch.arange(20) % 2 == 1)
    stages = {"early": Maps(right, wrong), "late": Maps(wrong, right)}
    assert best_stage(stages, Parts(part, part)) == "early"
    assert best_stage({"early": Maps(right, right), "late": Maps(right, wrong)}, Parts(part, part)) == "late"


def test_a_generator_that_changes_a_row_has_concise_stable_maps_on_the_damage() -> None:
    data, model = SimpleNamespace(test=striped(30, 1)), SimpleNamespace(generator=StripeRemover())
    found = counterfactual_maps(given(config=SimpleNamespace(draws=1), data=data, model=model)).metrics
    assert found["mask_rank.difference"] == found["mask_mass.difference"] == pytest.approx(1)
    assert found["pointing_game.difference"] == 1
    assert found["sparseness.difference"] == pytest.approx(1 - 1 / SIDE, abs=1e-4), "one row of as many as there are"
    assert found["complexity.difference"] == pytest.approx(math.log(SIDE), abs=1e-2)
    assert 0 < found["avg_sensitivity.difference"] <= found["max_sensitivity.difference"]
    assert {f"test/{name}" for name in found} <= METRICS.keys()
    unmarked = replace(striped(30, 1), masks=None)
    without = counterfactual_maps(
        given(config=SimpleNamespace(draws=1), data=SimpleNamespace(test=unmarked), model=model)
    )
    assert without.metrics.keys() == {name for name in found if not name.startswith(("mask_", "pointing_"))}


def test_without_masks_saliency_says_nothing() -> None:
    bare = samples_of(
        Split(torch.zeros(4, 1, 2, 2, dtype=torch.uint8), torch.arange(4) % 2),
        torch.arange(4), torch.arange(4) % 2, torch.device("cpu"),
    )  # fmt: skip
    assert saliency(given(data=SimpleNamespace(validation=bare, test=bare))) == Findings()
    marked = striped(6, 0)
    unmarked = replace(marked, masks=torch.zeros(6, SIDE, SIDE, dtype=torch.uint8))
    assert saliency(given(data=SimpleNamespace(validation=unmarked, test=marked))) == Findings()


def doubtful(count: int = 300) -> Measured:
    """A D whose p_fake is higher where it errs, and a branch that never errs."""
    generator = torch.Generator().manual_seed(3)
    labels = torch.arange(count) % 2
    between = (2 * labels - 1) + 1.2 * torch.randn(count, generator=generator)
    wrong = (between > 0) != labels.bool()
    fake = torch.randn(count, generator=generator) + wrong
    real = torch.stack([-between, between, fake], 1)
    branch = 10.0 * nn.functional.one_hot(labels, 2).float()
    rest = {name: torch.zeros(0) for name in ("judged", "judged_fake", "changes", "features", "fake_features")}
    return Measured(
        labels,
        real,
        real,
        branch,
        **rest,
        saturation=0.0,
        diversity=1.0,
        sameness=(0.0, 0.0),
        perplexity=0.0,
        masks=None,
    )


def test_p_fake_is_held_against_errors_with_intervals_and_beside_plain_confidence() -> None:
    measured = doubtful()
    data = SimpleNamespace(test=SimpleNamespace(groups=torch.arange(300) // 3))
    found = uncertainty(given(measured=measured, data=data))
    p = torch.softmax(measured.real.double(), 1)
    between = torch.softmax(measured.real[:, :2].double(), 1)
    wrong = between.argmax(1) != measured.labels
    nll = -between[torch.arange(300), measured.labels].log()
    assert found.metrics["p_fake_correlation.d"] == pytest.approx(scipy.stats.pearsonr(nll, p[:, 2]).statistic)
    assert found.metrics["p_fake_auroc.d"] == pytest.approx(roc_auc_score(wrong, p[:, 2]))
    assert found.metrics["confidence_auroc.d"] == pytest.approx(roc_auc_score(wrong, 1 - between.amax(1)))
    for name in ("p_fake_correlation.d", "p_fake_auroc.d", "risk_coverage.d"):
        low, value, high = (found.metrics[f"{name}{end}"] for end in ("_low", "", "_high"))
        assert low < value < high
        assert high - low < 0.5
    assert found.metrics["risk_coverage.d"] < wrong.double().mean(), "what p_fake orders first errs less"
    assert "p_fake_auroc.g" not in found.metrics, "a branch without a single error has no such figure"
    assert found.metrics["risk_coverage.g"] == 0.0
    [curves] = found.images.values()
    assert curves.shape[2] == 3


def test_distances_say_what_they_were_measured_with() -> None:
    generator = torch.Generator().manual_seed(0)
    judge = RowJudge()
    features = of_classifier(judge, (1, SIDE, SIDE), name="judge (rows)")
    real, fake = (torch.randn(12, 4, generator=generator, dtype=torch.float64) for _ in range(2))
    measured = Measured(**{**vars(doubtful(12)), "features": real, "fake_features": fake})
    found = quality(given(measured=measured, features=features))
    assert found.metrics["fd"] == pytest.approx((found.metrics["fd.undamaged"] + found.metrics["fd.damaged"]) / 2)
    said = found.fingerprints["distances"]
    assert (said["kind"], said["extractor"], said["dimensions"]) == ("fd", "judge (rows)", 4)
    assert "8×8" in said["resize"]
    nn.init.constant_(judge.stage.bias, 0.8)  # type: ignore[arg-type]
    other = quality(given(measured=measured, features=of_classifier(judge, (1, SIDE, SIDE), name="judge (rows)")))
    assert other.fingerprints["distances"]["weights"] != said["weights"], "another network's distances don't compare"


class Gap(nn.Module):
    """D: three logits of the mean brightness; `gap` is how far from the threshold of .5 images lie."""

    def forward(self, images: Tensor) -> Tensor:
        mean = images.mean((1, 2, 3))
        return torch.stack([mean - 0.5, 0.5 - mean, torch.full_like(mean, -1.0)], 1) * 30


class Blind(nn.Module):
    """A class branch that nothing moves."""

    def classify(self, images: Tensor) -> Tensor:
        return torch.zeros(len(images), 2) * images.sum()


def test_attacks_flip_exactly_what_lies_within_their_budget() -> None:
    gaps = torch.tensor([0.02, 0.05, 0.09, 0.15]).repeat(2)
    labels = torch.tensor([0, 0, 0, 0, 1, 1, 1, 1])
    bright = 0.5 + torch.where(labels == 0, gaps, -gaps)
    pixels = (255 * bright).round().to(torch.uint8)[:, None, None, None].expand(-1, 1, SIDE, SIDE).contiguous()
    test = samples_of(Split(pixels, labels), torch.arange(8), labels, torch.device("cpu"))
    model = SimpleNamespace(generator=Blind(), discriminator=Gap())
    config = SimpleNamespace(curve_size=8, attack_draws=2)
    found = robustness(given(config=config, data=SimpleNamespace(test=test), model=model))
    accuracy = found.arrays["pgd_epsilon.d.accuracy"].tolist()
    within = [sum(gap > epsilon for gap in gaps.tolist()) / 8 for epsilon in EPSILONS]
    assert accuracy == pytest.approx(within), "a mean moves by ε at most, and by all of it"
    assert found.metrics["f1_under_pgd.d"] == pytest.approx(accuracy[EPSILONS.index(AT_EPSILON)])
    for name in ("f1_under_pgd.d", "f1_under_adaptive_pgd.d", "f1_under_noise.g"):
        low, value, high = (found.metrics[f"{name}{end}"] for end in ("_low", "", "_high"))
        assert 0 <= low <= value <= high <= 1, name
    at = EPSILONS.index(AT_EPSILON)
    ends = [found.arrays[f"pgd_epsilon.d.f1_{end}"][at] for end in ("low", "high")]
    assert ends == [found.metrics[f"f1_under_pgd.d_{end}"] for end in ("low", "high")]
    assert ends[0] < ends[1]
    assert found.arrays["pgd_epsilon.g.accuracy"].tolist() == [0.5] * len(EPSILONS)
    assert not math.isclose(accuracy[0], accuracy[-1])
    assert set(found.arrays) >= {"pgd_epsilon.d, two_logits.f1", "pgd_epsilon.d, adaptive.f1", "noise.d.p_fake"}
    assert len(found.images) == 3
