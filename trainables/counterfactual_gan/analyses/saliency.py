"""Whether what G changes is what is damaged (S1, 4.6, Table 5 and Figures 4 and 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainables.contract import Metric
from trainables.counterfactual_gan.scores import MAPS, share
from trainables.counterfactual_gan.trained_gan import TrainedGAN
from trainables.evaluation.analysis import Analysis, Findings

if TYPE_CHECKING:
    from torch import Tensor

    from trainables.datasets.sampling.samples import Samples

SHOWN = 8
DAMAGED = 1


def saliency(tested: TrainedGAN) -> Findings:
    """Mask scores of |G(x) - x|, of the judges' last-stage class activation maps, and of mere darkness.

    They are about the pixels of damaged images: into an undamaged one G is to put damage, where no mask marks any.
    `iou_of_all` counts those, too. Thresholds are chosen on validation images; S1 takes the test's own best,
    which is given as well. The maps of the judges are scored one by one and averaged. Without marked pixels it
    gives nothing.
    """
    from trainables.counterfactual_gan.evaluation.figures import plot_curves
    from trainables.evaluation.masks import choose_threshold, mask_curve, regions

    validation, test = tested.data.validation, tested.data.test
    if validation.masks is None or test.masks is None:
        return Findings()
    findings = Findings()
    marked = regions(validation.masks.cpu()), regions(test.masks.cpu())
    damaged = validation.labels.cpu() == DAMAGED, test.labels.cpu() == DAMAGED
    if not all(bool(of.positive[which].any()) for of, which in zip(marked, damaged, strict=True)):
        return Findings()
    maps = {"difference": [_differences(tested)], "gradcam": _activations(tested), "darkness": [_darkness(tested)]}
    curves: dict[str, tuple[list[float], list[float]]] = {}
    for name, pairs in maps.items():
        of_all = [choose_threshold(on_validation, marked[0], on_test, marked[1]) for on_validation, on_test in pairs]
        choices = [
            choose_threshold(
                on_validation[damaged[0]], marked[0].of(damaged[0]), on_test[damaged[1]], marked[1].of(damaged[1])
            )
            for on_validation, on_test in pairs
        ]
        n = len(choices)
        findings.metrics |= {
            f"iou.{name}": sum(choice.chosen.iou for choice in choices) / n,
            f"mask_f1.{name}": sum(choice.chosen.f1 for choice in choices) / n,
            f"mask_accuracy.{name}": sum(choice.chosen.accuracy for choice in choices) / n,
            f"iou_test_chosen.{name}": sum(choice.test_chosen.iou for choice in choices) / n,
            f"iou_of_all.{name}": sum(choice.chosen.iou for choice in of_all) / n,
        }
        curve = mask_curve(pairs[0][1][damaged[1]], *marked[1].of(damaged[1]))
        curves[name] = (curve.quantiles.tolist(), curve.iou.tolist())
        findings.arrays |= {
            f"iou_curve.{name}": curve.iou.numpy(),
            f"iou_curve.{name}.quantiles": curve.quantiles.numpy(),
        }
    findings.images["IoU over thresholds"] = plot_curves(curves, "threshold, as a quantile of each map", "IoU")
    findings.images["maps of damage"] = _compared(test, maps)
    return findings


def _differences(tested: TrainedGAN) -> tuple[Tensor, Tensor]:
    from trainables.interpretability.difference import difference

    def generate(images: Tensor) -> Tensor:
        made: Tensor = tested.model.generator(images).images
        return made

    maps = [
        difference(generate, part.pixels, draws=tested.config.draws).cpu()
        for part in (tested.data.validation, tested.data.test)
    ]
    return maps[0], maps[1]


def _activations(tested: TrainedGAN) -> list[tuple[Tensor, Tensor]]:
    """Every judge's maps for the class "damaged", of its last stage."""
    from trainables.interpretability.gradcam import gradcam

    rows = []
    for judge in tested.panel:
        name, stage = list(judge.stages.items())[-1]
        last = name in judge.channels_last_stages
        maps = [
            gradcam(judge, stage, part.pixels, DAMAGED, channels_last=last).cpu()
            for part in (tested.data.validation, tested.data.test)
        ]
        rows.append((maps[0], maps[1]))
    return rows


def _darkness(tested: TrainedGAN) -> tuple[Tensor, Tensor]:
    from trainables.evaluation.masks import darkness

    return darkness(tested.data.validation.pixels).cpu(), darkness(tested.data.test.pixels).cpu()


def _compared(test: Samples, maps: dict[str, list[tuple[Tensor, Tensor]]]) -> object:
    """S1's Figure 4 for this model: damaged images, each map stretched, and the mask."""
    import torch

    from trainables.pictures import columns

    index = (test.labels.cpu() == DAMAGED).nonzero().squeeze(1)[:SHOWN]
    images, _ = test.__getitems__(index.tolist())
    shown = [images.cpu()]
    for name in ("difference", "gradcam"):
        chosen = maps[name][0][1][index][:, None]
        largest = chosen.flatten(1).quantile(0.999, dim=1).clamp(min=1e-6)[:, None, None, None]
        shown.append((chosen / largest).clamp(0, 1))
    assert test.masks is not None
    shown.append(test.masks.cpu()[index][:, None].to(torch.float32) / 255)
    return columns(shown, ("x", "|G(x) - x|", "GradCAM", "mask"))


def declared() -> dict[str, Metric]:
    """All metrics."""
    scores = ("iou", "mask_f1", "mask_accuracy", "iou_test_chosen", "iou_of_all")
    return {f"{score}.{name}": share() for name in MAPS for score in scores}


SALIENCY = Analysis(
    name="saliency",
    says="whether what G changes is what is damaged (S1, Table 5)",
    metrics=declared(),
    measure=saliency,
)
