"""Outputs of D, G and the judges on a split's images and their counterfactuals; every metric is a function of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.attacks.frozen import frozen
from trainables.contract import Run
from trainables.counterfactual_gan.evaluation.judges import panel_logits
from trainables.counterfactual_gan.model import CounterfactualModel
from trainables.counterfactual_gan.sameness import sameness
from trainables.datasets.sampling.samples import Samples
from trainables.evaluation.classification import classification_scores, fake_probability, predicted_class
from trainables.evaluation.features import FeatureExtractor
from trainables.evaluation.frechet import compared_sets, frechet_distance
from trainables.evaluation.graph_size import images_at_once
from trainables.evaluation.kernel import kernel_distance
from trainables.evaluation.shared_blocks import MOST_IMAGES, Block, Look, blocks_of, measure_blocks
from trainables.models.discriminators.discriminator import Discriminator
from trainables.models.generators.generator import Generated, Generator

SHOWN = 8
"""Images of each class that galleries show."""
EXTREME = 1.5 / 255
"""A pixel nearer to black or white than this counts as driven there, if it wasn't before."""
DRAWING_SEED = 20261121
"""Seed of G's noise and dropout in measurements, for the first block: the same for every epoch, seed and arm."""


@dataclass(frozen=True, eq=False)
class Measured:
    """N images, on the CPU: labels, logits, features, and how G changes them.

    `real`, `fake`: D's logits (N, 3) on images and counterfactuals; `branch`: G's (N, 2) on images;
    `judged`, `judged_fake`: the judges' (J, N, 2). `changes`: |G(x) - x| (N, H, W), mean over channels, of one draw.
    `features`, `fake_features`: (N, F). `diversity`: the counterfactuals' spread over images as a share of theirs.
    `sameness`, of undamaged and of damaged images: how similarly they change, the squared norm of their mean change as
    a share of the mean squared norm; 1 if G does the same to every image, about 1/N if no two changes agree.
    """

    labels: Tensor
    real: Tensor
    fake: Tensor
    branch: Tensor
    judged: Tensor
    judged_fake: Tensor
    changes: Tensor
    features: Tensor
    fake_features: Tensor
    saturation: float
    diversity: float
    sameness: tuple[float, float]
    perplexity: float
    masks: Tensor | None

    def valid(self) -> Tensor:
        """Which judges take which counterfactuals for the other class, (J, N) bool."""
        return self.judged_fake.argmax(2) == 1 - self.labels

    def validity(self) -> dict[str, float]:
        """The share of counterfactuals that judges, and that D, take for the other class, by direction."""
        valid, damaged = self.valid().double().mean(0), self.labels == 1
        directions = {"to_damaged": float(valid[~damaged].mean()), "to_undamaged": float(valid[damaged].mean())}
        other = 1 - self.labels
        return {
            "validity": sum(directions.values()) / 2,
            **{f"validity.{name}": value for name, value in directions.items()},
            "validity.worst_direction": min(directions.values()),
            "validity_by_d.three_way": _balanced(self.fake.argmax(1) == other, self.labels),
            "validity_by_d.two_way": _balanced(predicted_class(self.fake) == other, self.labels),
        }

    def classification(self, *, whole: bool = False) -> dict[str, float]:
        """Scores of D, of G's class branch and of the judges; `whole` with precision and recall."""
        by_judge: dict[str, float] = {}
        rows = {"d": predicted_class(self.real), "g": self.branch.argmax(1)}
        for name, predicted in rows.items():
            scores = classification_scores(predicted, self.labels)
            by_judge |= {f"accuracy.{name}": scores.accuracy, f"f1.{name}": scores.f1}
            if whole:
                by_judge |= {f"precision.{name}": scores.precision, f"recall.{name}": scores.recall}
        right = (self.judged.argmax(2) == self.labels).double()
        return by_judge | {"accuracy.judges": float(right.mean())}

    def scores(self, *, whole: bool = False) -> dict[str, float]:
        """`classification` and `validity`, and the mean of the two networks' goals.

        `accuracy_and_validity`: the mean of D's accuracy and the validity of the worse direction.
        """
        scores = self.classification(whole=whole) | self.validity()
        return scores | {"accuracy_and_validity": (scores["accuracy.d"] + scores["validity.worst_direction"]) / 2}

    def changed(self) -> dict[str, float]:
        """Statistics of G's images that need no judge."""
        scores = {
            "p_fake.real": float(fake_probability(self.real).mean()),
            "p_fake.generated": float(fake_probability(self.fake).mean()),
            "saturation": self.saturation,
            "diversity": self.diversity,
            "sameness.to_damaged": self.sameness[0],
            "sameness.to_undamaged": self.sameness[1],
            "change": float(self.changes.double().mean()),
            "codes_used": self.perplexity,
        }
        if self.masks is not None and bool((inside := self.masks > 127).any()):
            outside = self.masks == 0
            within = self.changes[inside].double().mean()
            scores["change_inside_over_outside"] = float(
                within / self.changes[outside].double().mean().clamp(min=1e-12)
            )
        return scores

    def distances(self, kind: str, *, kernel: bool = False) -> dict[str, float]:
        """Fréchet distances of S1's three sets, called `kind`, and the mean of the two without near-copies."""
        scores: dict[str, float] = {}
        for name, pair in compared_sets(self.features, self.labels, self.fake_features).items():
            scores[f"{kind}.{name}"] = frechet_distance(pair.real, pair.generated).value
            if kernel:
                scores[f"kernel_distance.{name}"] = kernel_distance(pair.real, pair.generated).mean
        return scores | {kind: (scores[f"{kind}.undamaged"] + scores[f"{kind}.damaged"]) / 2}


@contextmanager
def drawing(device: torch.device, first: int = 0) -> Iterator[None]:
    """Seed torch's global generators for the block of images that begins with `first`, and restore them afterwards."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(DRAWING_SEED + first)
        yield


def measure(
    model: CounterfactualModel,
    samples: Samples,
    panel: list[Discriminator],
    features: FeatureExtractor,
    run: Run | None = None,
) -> Measured:
    """Measure all images of `samples` once, block by block, with one draw of G's noise and dropout.

    With a `run` all its ranks share the blocks, must call this, and get the same.
    """

    def look(block: Block) -> Look:
        images, labels = samples.__getitems__(block.places)
        with drawing(images.device, block.first):
            generated = model.generator(images)
        rows = {
            "labels": labels,
            "real": model.discriminator(images),
            "fake": model.discriminator(generated.images),
            "branch": generated.logits,
            "judged": panel_logits(panel, images).transpose(0, 1),
            "judged_fake": panel_logits(panel, generated.images).transpose(0, 1),
            "changes": (generated.images - images).abs().mean(1),
            "features": features(images),
            "fake_features": features(generated.images),
        }
        return Look(rows, _sums(images, generated, labels))

    with frozen(model), torch.no_grad():
        measured = measure_blocks(blocks_of(len(samples), block_size(model, samples)), look, run)
    judged = {name: measured.rows[name].transpose(0, 1) for name in ("judged", "judged_fake")}
    return Measured(
        **{**measured.rows, **judged},
        saturation=float(measured.sums["driven"] / measured.sums["pixels"]),
        diversity=_spread_ratio(measured.sums["moments"], len(samples)),
        sameness=_sameness_by_class(measured.sums),
        perplexity=float(measured.sums["perplexity"]) / len(samples),
        masks=None if samples.masks is None else samples.masks.cpu(),
    )


def block_size(model: CounterfactualModel, samples: Samples) -> int:
    """How many images are measured together: as many as bytes allow, equal on all machines, as draws depend on it."""
    image, _ = samples.__getitems__([0])
    with drawing(image.device):
        return min(
            MOST_IMAGES, images_at_once(lambda images: model.discriminator(model.generator(images).images), image)
        )


def drawn_counterfactuals(generator: Generator, images: Tensor) -> Tensor:
    """Counterfactuals of images (N, C, H, W) with the measurements' first noise."""
    with frozen(generator), torch.no_grad(), drawing(images.device):
        counterfactuals: Tensor = generator(images).images
    return counterfactuals


def _sums(images: Tensor, generated: Generated, labels: Tensor) -> dict[str, Tensor]:
    """Sums over a block for spread, saturation and sameness; (2, …) are of both classes."""
    before, after = images.double(), generated.images.double()
    by_class = [(after - before)[labels == label] for label in (0, 1)]
    return {
        "moments": torch.stack([each.sum(0) for each in (before, before.square(), after, after.square())]),
        "changes": torch.stack([changes.sum(0) for changes in by_class]),
        "squares": torch.stack([changes.square().sum() for changes in by_class]),
        "counts": torch.stack([(labels == label).sum() for label in (0, 1)]),
        "driven": (_at_an_end(generated.images) & ~_at_an_end(images)).sum(),
        "pixels": torch.tensor(images.numel(), device=images.device),
        "perplexity": generated.perplexity.double() * len(images),
    }


def _spread_ratio(moments: Tensor, count: int) -> float:
    """The counterfactuals' standard deviation over `count` images as a share of theirs, each a mean over pixels.

    `moments`: (4, C, H, W), sums of the images' pixels and of their squares, and the same of counterfactuals.
    """
    spreads = [
        (square / count - (total / count).square()).clamp(min=0).sqrt().mean()
        for total, square in (moments[:2], moments[2:])
    ]
    return float(spreads[1] / spreads[0].clamp(min=1e-12))


def _sameness_by_class(sums: Mapping[str, Tensor]) -> tuple[float, float]:
    of_both = zip(sums["changes"], sums["squares"], sums["counts"], strict=True)
    undamaged, damaged = (float(sameness(total, squares, count)) for total, squares, count in of_both)
    return undamaged, damaged


def _at_an_end(pixels: Tensor) -> Tensor:
    return (pixels < EXTREME) | (pixels > 1 - EXTREME)


def _balanced(right: Tensor, labels: Tensor) -> float:
    """The mean over classes of the share of correct predictions."""
    return float(torch.stack([right[labels == label].double().mean() for label in (0, 1)]).mean())
