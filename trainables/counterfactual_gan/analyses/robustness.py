"""F1 of D, of G's class branch and of their conventional twins over attacks and noise (S1, 4.5 and Figure 3)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from trainables.contract import Metric
from trainables.counterfactual_gan.scores import CLASSIFIERS, share, within_one
from trainables.counterfactual_gan.trained_gan import TrainedGAN
from trainables.evaluation.analysis import Analysis, Findings

if TYPE_CHECKING:
    from torch import Tensor, nn

    from trainables.evaluation.bootstrap import Interval, Resamples
    from trainables.evaluation.perturbation_curves import Point

    Logits = Callable[[Tensor], Tensor]

AT_EPSILON, AT_SIGMA = 8 / 255, 0.1
"""The point at which a single number stands for a curve; assumed."""

AXES = {
    "pgd_step_size": ("F1 over step size", "PGD step size (ε 0.1, 10 steps)"),
    "pgd_epsilon": ("F1 over ε", "PGD ε (10 steps of 2.5 ε / 10)"),
    "noise": ("F1 over noise", "σ of Gaussian noise"),
}
"""The title of each kind of curve, and its x axis."""


def robustness(tested: TrainedGAN) -> Findings:
    """Curves over PGD's step size (ε 0.1, 10 steps, towards the other class), over ε, and over the noise's σ.

    D is attacked on all three logits, on the two of its verdict, and adaptively, lowering p_fake, too. G's branch is
    attacked through the expectation over its noise and dropout. Every F1 has a bootstrap interval over source images.
    """
    from trainables.attacks.frozen import frozen
    from trainables.evaluation.bootstrap import Resamples

    images, labels = _analysed(tested)
    groups = tested.data.test.groups
    findings = Findings()
    resamples = Resamples.draw(len(labels), None if groups is None else groups[: len(labels)].cpu())
    curves = Curves(labels.cpu(), resamples)
    for who, model, logits in _classifiers(tested):
        with frozen(model):
            _attack(findings, curves, who, logits, images, labels)
            if who == "d":
                _attack_adaptively(findings, curves, logits, images, labels)
    findings.arrays |= curves.arrays
    damaged = float(labels.double().mean())
    findings.images |= curves.drawn(always_damaged=2 * damaged / (1 + damaged))
    return findings


def _analysed(tested: TrainedGAN) -> tuple[Tensor, Tensor]:
    """The test images of the curves, the first ones, and their labels."""
    test = tested.data.test
    images, labels = test.__getitems__(list(range(min(len(test), tested.config.curve_size))))
    return images, labels


def _attack(findings: Findings, curves: Curves, who: str, logits: Logits, images: Tensor, labels: Tensor) -> None:
    """The three curves of one classifier."""
    from trainables.evaluation.perturbation_curves import (
        EPSILONS,
        SIGMAS,
        gaussian_noise,
        pgd_over_epsilons,
        pgd_over_step_sizes,
    )

    curves.add("pgd_step_size", who, pgd_over_step_sizes(logits, images, labels))
    over_epsilon, noisy = pgd_over_epsilons(logits, images, labels), gaussian_noise(logits, images, labels)
    curves.add("pgd_epsilon", who, over_epsilon)
    curves.add("noise", who, noisy)
    at = over_epsilon[EPSILONS.index(AT_EPSILON)]
    findings.metrics |= curves.f1_of(at, "f1_under_pgd", who)
    findings.metrics |= curves.f1_of(noisy[SIGMAS.index(AT_SIGMA)], "f1_under_noise", who)
    if who == "d":
        findings.metrics["unnoticed_errors.pgd"] = float(at.unnoticed_errors or 0.0)


def _attack_adaptively(findings: Findings, curves: Curves, logits: Logits, images: Tensor, labels: Tensor) -> None:
    """D against attacks on its verdict alone, and against those that also evade its third class."""
    from trainables.evaluation.perturbation_curves import EPSILONS, pgd_over_epsilons

    on_verdict = pgd_over_epsilons(logits, images, labels, objective="two_logits")
    curves.add("pgd_epsilon", "d, two_logits", on_verdict)
    adaptive = pgd_over_epsilons(logits, images, labels, objective="adaptive")
    curves.add("pgd_epsilon", "d, adaptive", adaptive)
    at = adaptive[EPSILONS.index(AT_EPSILON)]
    findings.metrics |= curves.f1_of(at, "f1_under_adaptive_pgd", "d")
    findings.metrics["unnoticed_errors.adaptive_pgd"] = float(at.unnoticed_errors or 0.0)


@dataclass
class Curves:
    """Scores over strengths, by kind of perturbation and by classifier, of images with `labels` (N,)."""

    labels: Tensor
    resamples: Resamples
    arrays: dict[str, Any] = field(default_factory=dict)
    lines: dict[str, dict[str, tuple[list[float], list[float]]]] = field(default_factory=dict)
    bands: dict[str, dict[str, tuple[list[float], list[float]]]] = field(default_factory=dict)

    def interval(self, point: Point) -> Interval:
        """The bootstrap interval of the F1 at a point."""
        return self.resamples.f1_interval(point.predicted, self.labels)

    def f1_of(self, point: Point, name: str, who: str) -> dict[str, float]:
        """The F1 at a point as a metric, with both ends of its interval if it has one."""
        interval = self.interval(point)
        ends = {f"{name}.{who}_low": interval.low, f"{name}.{who}_high": interval.high}
        return {f"{name}.{who}": point.f1} | {end: value for end, value in ends.items() if math.isfinite(value)}

    def add(self, kind: str, who: str, points: Sequence[Point]) -> None:
        """Add the curve of a classifier under a kind of perturbation."""
        import numpy as np

        strengths = [point.strength for point in points]
        rows = {"f1": [point.f1 for point in points], "accuracy": [point.accuracy for point in points]}
        if points[0].fake is not None:
            rows["p_fake"] = [float(point.fake or 0.0) for point in points]
        self.arrays[f"{kind}.strength"] = np.array(strengths)
        intervals = [self.interval(point) for point in points]
        rows |= {"f1_low": [each.low for each in intervals], "f1_high": [each.high for each in intervals]}
        self.arrays |= {f"{kind}.{who}.{score}": np.array(values) for score, values in rows.items()}
        lines = self.lines.setdefault(kind, {})
        lines[f"{who}, F1"] = (strengths, rows["f1"])
        self.bands.setdefault(kind, {})[f"{who}, F1"] = (rows["f1_low"], rows["f1_high"])
        if "p_fake" in rows and who == "d":
            lines["d, mean p_fake"] = (strengths, rows["p_fake"])

    def drawn(self, always_damaged: float) -> dict[str, Any]:
        """A picture of each kind, with the F1 of calling everything damaged: a curve that ends there shows nothing."""
        from trainables.counterfactual_gan.evaluation.figures import plot_curves

        pictures = {}
        for kind, lines in self.lines.items():
            title, axis = AXES[kind]
            strengths = self.arrays[f"{kind}.strength"].tolist()
            constant = {"always damaged, F1": (strengths, [always_damaged] * len(strengths))}
            pictures[title] = plot_curves({**lines, **constant}, axis, "share", bands=self.bands[kind])
        return pictures


def _classifiers(tested: TrainedGAN) -> list[tuple[str, nn.Module, Callable[[Tensor], Tensor]]]:
    """Name, network and logits of every classifier in Figure 3."""
    from trainables.evaluation.perturbation_curves import expectation

    draws = tested.config.attack_draws
    generator, discriminator = tested.model.generator, tested.model.discriminator
    networks: list[tuple[str, nn.Module, Callable[[Tensor], Tensor]]] = [
        ("d", discriminator, discriminator),
        ("g", generator, expectation(generator.classify, draws)),
    ]
    if tested.d_twin is not None:
        networks.append(("d_twin", tested.d_twin, tested.d_twin))
    if tested.g_twin is not None:
        networks.append(("g_twin", tested.g_twin, expectation(tested.g_twin.classify, draws)))
    return networks


CURVE_POINTS = (7 + 6) * 10 * 2
"""Passes of an image in the curves over attacks: points × steps × forward and backward."""


def cost(config: Any, tested: int) -> Mapping[str, float]:
    """The curves of D and its twin, and those of G's branch and its twin, over the noise that G draws.

    G's forward passes are made again for their backward passes.
    """
    passes = CURVE_POINTS * min(config.curve_size, tested)
    return {"discriminator": 2 * passes, "generator": 3 * config.attack_draws * passes}


def declared() -> dict[str, Metric]:
    """All metrics; the ends of intervals are for programs."""
    metrics: dict[str, Metric] = {}
    for end in ("", "_low", "_high"):
        shown = not end
        for who in CLASSIFIERS:
            metrics[f"f1_under_pgd.{who}{end}"] = share(attack="pgd", clean=f"test/f1.{who}", shown=shown)
            metrics[f"f1_under_noise.{who}{end}"] = share(clean=f"test/f1.{who}", shown=shown)
        adaptive = share(attack="adaptive_pgd", clean="test/f1.d", shown=shown)
        metrics[f"f1_under_adaptive_pgd.d{end}"] = adaptive
    for attack in ("pgd", "adaptive_pgd"):
        metrics[f"unnoticed_errors.{attack}"] = within_one("minimize", attack=attack)
    return metrics


ROBUSTNESS = Analysis(
    name="robustness",
    says="scores over attacks and noise (S1, Figure 3)",
    metrics=declared(),
    measure=robustness,
    cost=cost,
)
