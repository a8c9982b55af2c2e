"""F1 of D, of G's class branch and of their conventional twins over attacks and noise (S1, 4.5 and Figure 3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from trainables.contract import Metric
from trainables.counterfactual_gan.scores import CLASSIFIERS, share, within_one
from trainables.counterfactual_gan.tested import Tested
from trainables.evaluation.analysis import Analysis, Findings

if TYPE_CHECKING:
    from torch import Tensor, nn

    from trainables.evaluation.perturbation_curves import Objective, Point

AT_EPSILON, AT_SIGMA = 8 / 255, 0.1
"""Where a single number stands for a curve; assumed."""


def robustness(tested: Tested) -> Findings:
    """Curves over PGD's step size (ε 0.1, 10 steps, towards the other class), over ε, and over the noise's σ.

    D is attacked on all three logits, on the two of its verdict, and adaptively, lowering p_fake, too. G's branch is
    attacked through the expectation over its noise and dropout.
    """
    from trainables.attacks.frozen import frozen
    from trainables.counterfactual_gan.evaluation.figures import plot_curves
    from trainables.evaluation.perturbation_curves import (
        EPSILONS,
        SIGMAS,
        gaussian_noise,
        pgd_over_epsilons,
        pgd_over_step_sizes,
    )

    test = tested.data.test
    count = min(len(test), tested.config.curve_size)
    images, labels = test.__getitems__(list(range(count)))
    found = Findings()
    drawn: dict[str, dict[str, tuple[list[float], list[float]]]] = {}

    def note(kind: str, who: str, points: tuple[Point, ...]) -> None:
        strengths = [point.strength for point in points]
        rows = {"f1": [point.f1 for point in points], "accuracy": [point.accuracy for point in points]}
        if points[0].fake is not None:
            rows["p_fake"] = [float(point.fake or 0.0) for point in points]
        import numpy as np

        found.arrays[f"{kind}.strength"] = np.array(strengths)
        for score, values in rows.items():
            found.arrays[f"{kind}.{who}.{score}"] = np.array(values)
        drawn.setdefault(kind, {})[f"{who}, F1"] = (strengths, rows["f1"])
        if "p_fake" in rows and who == "d":
            drawn[kind]["d, mean p_fake"] = (strengths, rows["p_fake"])

    for who, model, logits in _classifiers(tested):
        with frozen(model):
            note("pgd_step_size", who, pgd_over_step_sizes(logits, images, labels))
            over_epsilon = pgd_over_epsilons(logits, images, labels)
            note("pgd_epsilon", who, over_epsilon)
            noisy = gaussian_noise(logits, images, labels)
            note("noise", who, noisy)
            found.metrics[f"f1_under_pgd.{who}"] = over_epsilon[EPSILONS.index(AT_EPSILON)].f1
            found.metrics[f"f1_under_noise.{who}"] = noisy[SIGMAS.index(AT_SIGMA)].f1
            if who == "d":
                objectives: tuple[Objective, ...] = ("two_logits", "adaptive")
                for objective in objectives:
                    points = pgd_over_epsilons(logits, images, labels, objective=objective)
                    note("pgd_epsilon", f"d, {objective}", points)
                    if objective == "adaptive":
                        at = points[EPSILONS.index(AT_EPSILON)]
                        found.metrics["f1_under_adaptive_pgd.d"] = at.f1
                        found.metrics["unnoticed_errors.adaptive_pgd"] = float(at.unnoticed_errors or 0.0)
                plain = over_epsilon[EPSILONS.index(AT_EPSILON)]
                found.metrics["unnoticed_errors.pgd"] = float(plain.unnoticed_errors or 0.0)
    axes = {
        "pgd_step_size": ("F1 over step size", "PGD step size (ε 0.1, 10 steps)"),
        "pgd_epsilon": ("F1 over ε", "PGD ε (10 steps of 2.5 ε / 10)"),
        "noise": ("F1 over noise", "σ of Gaussian noise"),
    }
    damaged = float(labels.double().mean())
    constant = 2 * damaged / (1 + damaged)
    for kind, curves in drawn.items():
        name, axis = axes[kind]
        strengths = found.arrays[f"{kind}.strength"].tolist()
        curves["always damaged, F1"] = (strengths, [constant] * len(strengths))  # a curve that ends there says nothing
        found.images[name] = plot_curves(curves, axis, "share")
    return found


def _classifiers(tested: Tested) -> list[tuple[str, nn.Module, Callable[[Tensor], Tensor]]]:
    """Name, network and logits of everything that Figure 3 draws."""
    from trainables.evaluation.perturbation_curves import expectation

    draws = tested.config.attack_draws
    generator, discriminator = tested.model.generator, tested.model.discriminator
    found: list[tuple[str, nn.Module, Callable[[Tensor], Tensor]]] = [
        ("d", discriminator, discriminator),
        ("g", generator, expectation(generator.classify, draws)),
    ]
    if tested.d_twin is not None:
        found.append(("d_twin", tested.d_twin, tested.d_twin))
    if tested.g_twin is not None:
        found.append(("g_twin", tested.g_twin, expectation(tested.g_twin.classify, draws)))
    return found


CURVE_POINTS = (7 + 6) * 10 * 2
"""Passes that an image costs in the curves over attacks: points × steps × forward and backward."""


def cost(config: Any, tested: int) -> Mapping[str, float]:
    """The curves of D and its twin, and those of G's branch and its twin, over the noise that G draws."""
    passes = CURVE_POINTS * min(config.curve_size, tested)
    return {"discriminator": 2 * passes, "generator": 2 * config.attack_draws * passes}


def declared() -> dict[str, Metric]:
    """All metrics."""
    metrics: dict[str, Metric] = {}
    for who in CLASSIFIERS:
        metrics[f"f1_under_pgd.{who}"] = share(attack="pgd", clean=f"test/f1.{who}")
        metrics[f"f1_under_noise.{who}"] = share(clean=f"test/f1.{who}")
    metrics["f1_under_adaptive_pgd.d"] = share(attack="adaptive_pgd", clean="test/f1.d")
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
