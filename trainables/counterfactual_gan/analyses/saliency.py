"""Whether what G changes is what is damaged (S1, 4.6, Table 5 and Figures 4 and 5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from trainables.contract import Metric
from trainables.counterfactual_gan.scores import MAPS, share
from trainables.counterfactual_gan.trained_gan import TrainedGAN
from trainables.evaluation.analysis import Analysis, Findings

if TYPE_CHECKING:
    from torch import Tensor

    from trainables.datasets.sampling.samples import Samples
    from trainables.evaluation.masks import MaskCurve, Regions
    from trainables.models.discriminators.discriminator import Discriminator

SHOWN = 8
DAMAGED = 1
GRADCAM_IMAGES = 64
"""Images together, at most."""


def saliency(tested: TrainedGAN) -> Findings:
    """Mask scores of |G(x) - x|, of the judges' class activation maps, and of mere darkness.

    They are about the pixels of damaged images: G must add damage to an undamaged one, where no mask marks any.
    `iou_of_all` counts those, too. Thresholds are chosen on validation images; S1 takes the test's own best,
    which is also given. Class activation maps are of each judge's last stage, and of the stage whose maps mark
    validation images best; those of the judges are scored individually and averaged. Without marked pixels it gives
    nothing.
    """
    from trainables.counterfactual_gan.evaluation.figures import plot_curves
    from trainables.evaluation.side_by_side import iou_curve, map_arrays

    marked = _marked(tested)
    if marked is None:
        return Findings()
    findings = Findings()
    by_stage = _activations(tested)
    best = [best_stage(stages, marked) for stages in by_stage]
    maps = {
        "difference": [_differences(tested)],
        "gradcam": [list(stages.values())[-1] for stages in by_stage],
        "gradcam_best_stage": [stages[name] for stages, name in zip(by_stage, best, strict=True)],
        "darkness": [_darkness(tested)],
    }
    curves: dict[str, tuple[list[float], list[float]]] = {}
    for name, pairs in maps.items():
        findings.metrics |= _scores(name, pairs, marked)
        curve = mark_curve(pairs[0].test, marked.test)
        curves[name] = (curve.quantiles.tolist(), curve.iou.tolist())
        findings.arrays |= iou_curve(name, curve)
    findings.images["IoU over thresholds"] = plot_curves(curves, "threshold, as a quantile of each map", "IoU")
    findings.images["maps of damage"] = _compared(tested.data.test, maps)
    places = marked.test.damaged.nonzero().squeeze(1)
    drawn = {name: pairs[0].test for name, pairs in maps.items() if name != "darkness"}
    findings.arrays |= map_arrays(tested.data.test, places, drawn)
    findings.fingerprints["class activation maps"] = {"best stage, by validation": ", ".join(best)}
    return findings


class Maps(NamedTuple):
    """One map for each image of a part, (N, H, W), on the CPU."""

    validation: Tensor
    test: Tensor


class Marked(NamedTuple):
    """The images of a part that count."""

    regions: Regions
    damaged: Tensor
    """(N,) bool, which of them are damaged."""


class Parts(NamedTuple):
    """The marked pixels of both parts that thresholds are chosen and tested on."""

    validation: Marked
    test: Marked


def best_stage(stages: Mapping[str, Maps], parts: Parts) -> str:
    """The name of the stage whose maps reach the highest IoU on damaged validation images; of equal ones the later."""
    reached = {name: float(mark_curve(maps.validation, parts.validation).iou.max()) for name, maps in stages.items()}
    return max(reversed(reached), key=reached.__getitem__)


def mark_curve(maps: Tensor, part: Marked) -> MaskCurve:
    """The scores over thresholds of maps (N, H, W), on damaged images alone."""
    from trainables.evaluation.masks import mask_curve

    return mask_curve(maps[part.damaged], *part.regions.of(part.damaged))


def _marked(tested: TrainedGAN) -> Parts | None:
    """None if the damaged images of a part have no marked pixel."""
    from trainables.evaluation.masks import regions

    parts = []
    for samples in (tested.data.validation, tested.data.test):
        if samples.masks is None:
            return None
        part = Marked(regions(samples.masks.cpu()), samples.labels.cpu() == DAMAGED)
        if not bool(part.regions.positive[part.damaged].any()):
            return None
        parts.append(part)
    return Parts(*parts)


def _scores(name: str, pairs: Sequence[Maps], parts: Parts) -> dict[str, float]:
    """The scores of one kind of map, means over the networks that it was made with."""
    from trainables.evaluation.masks import choose_threshold

    (on_validation, damaged_validation), (on_test, damaged_test) = parts
    of_all = [choose_threshold(maps.validation, on_validation, maps.test, on_test) for maps in pairs]
    choices = [
        choose_threshold(
            maps.validation[damaged_validation],
            on_validation.of(damaged_validation),
            maps.test[damaged_test],
            on_test.of(damaged_test),
        )
        for maps in pairs
    ]
    n = len(pairs)
    return {
        f"iou.{name}": sum(choice.chosen.iou for choice in choices) / n,
        f"mask_f1.{name}": sum(choice.chosen.f1 for choice in choices) / n,
        f"mask_accuracy.{name}": sum(choice.chosen.accuracy for choice in choices) / n,
        f"iou_test_chosen.{name}": sum(choice.test_chosen.iou for choice in choices) / n,
        f"iou_of_all.{name}": sum(choice.chosen.iou for choice in of_all) / n,
    }


def _differences(tested: TrainedGAN) -> Maps:
    from trainables.evaluation.graph_size import images_at_once
    from trainables.interpretability.difference import difference

    def generate(images: Tensor) -> Tensor:
        counterfactuals: Tensor = tested.model.generator(images).images
        return counterfactuals

    size = images_at_once(generate, tested.data.test.pixels[:1])

    def maps(samples: Samples) -> Tensor:
        return difference(generate, samples.pixels, draws=tested.config.draws, batch=size).cpu()

    return Maps(maps(tested.data.validation), maps(tested.data.test))


def _activations(tested: TrainedGAN) -> list[dict[str, Maps]]:
    """Every judge's maps for the class "damaged", by stage, early to late."""
    from trainables.evaluation.graph_size import images_at_once
    from trainables.interpretability.gradcam import gradcam

    def maps(judge: Discriminator, name: str, samples: Samples) -> Tensor:
        last = name in judge.channels_last_stages
        size = min(GRADCAM_IMAGES, images_at_once(judge, samples.pixels[:1]))
        return gradcam(judge, judge.stages[name], samples.pixels, DAMAGED, channels_last=last, batch=size).cpu()

    validation, test = tested.data.validation, tested.data.test
    return [
        {name: Maps(maps(judge, name, validation), maps(judge, name, test)) for name in judge.stages}
        for judge in tested.panel
    ]


def _darkness(tested: TrainedGAN) -> Maps:
    from trainables.evaluation.masks import darkness

    return Maps(darkness(tested.data.validation.pixels).cpu(), darkness(tested.data.test.pixels).cpu())


def _compared(test: Samples, maps: Mapping[str, Sequence[Maps]]) -> object:
    """S1's Figure 4 for this model: damaged images, each map stretched, and the mask."""
    import torch

    from trainables.evaluation.side_by_side import stretched
    from trainables.pictures import columns

    index = (test.labels.cpu() == DAMAGED).nonzero().squeeze(1)[:SHOWN]
    images, _ = test.__getitems__(index.tolist())
    shown = [images.cpu()]
    for name in ("difference", "gradcam", "gradcam_best_stage"):
        shown.append(stretched(maps[name][0].test[index])[:, None])
    assert test.masks is not None
    shown.append(test.masks.cpu()[index][:, None].to(torch.float32) / 255)
    return columns(shown, ("x", "|G(x) - x|", "GradCAM", "best stage", "mask"))


def declared() -> dict[str, Metric]:
    """All metrics."""
    scores = ("iou", "mask_f1", "mask_accuracy", "iou_test_chosen", "iou_of_all")
    return {f"{score}.{name}": share() for name in MAPS for score in scores}


SALIENCY = Analysis(
    name="saliency",
    says="whether G changes the damaged area (S1, Table 5)",
    metrics=declared(),
    measure=saliency,
)
