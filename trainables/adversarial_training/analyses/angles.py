"""Angles between perturbations and images (S3, Table 5).

S3 doesn't define them. Here each sample is one long vector, in float64, and an angle is between two such vectors, in
degrees; η₀ + η_m is unweighted, as the table's head has it. On [0, 1] an image is far from 0, so its angle with
anything depends on its brightness: `centred` images have their own mean subtracted. Independent random starts push
two perturbations towards 90°: `shared` ones begin at the same point.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

from trainables.adversarial_training.analysis import (
    MOST_TASKS,
    PERTURBATIONS,
    SHARED_STARTS,
    PerturbedBatch,
    TestedBatch,
)
from trainables.contract import Metric
from trainables.evaluation.analysis import Analysis, Findings

if TYPE_CHECKING:
    from torch import Tensor

ANGLE = "angle."

STATISTICS = ("mean", "std", "q05", "q50", "q95", "skipped")
"""Statistics of an analysis' angles; `skipped` counts images whose angle is undefined, because a vector is zero."""


def angle_names(tasks: int) -> list[str]:
    """The angles of the analysis `angles`; `shared` starts don't change the main task's own η₀."""
    names = ["x_eta0", "x_eta0_centred"]
    for task, start in product(range(1, 1 + tasks), ("", "_shared")):
        names.append(f"eta0_eta{task}{start}")
        for pair, images in product((f"x_eta{task}", f"x_eta0_eta{task}"), ("", "_centred")):
            names.append(f"{pair}{start}{images}")
    return names


def increase_names(tasks: int) -> list[str]:
    """Table 5's last column: how much adding η_m to η₀ widens the spread of their angle with the image."""
    return [name for name in angle_names(tasks) if name.startswith("x_eta0_eta")]


def angle_between(first: Tensor, second: Tensor) -> Tensor:
    """Angles in degrees, (N,) float64, between the samples of two (N, …) tensors; NaN if one of them is zero."""
    import torch

    first, second = first.to(torch.float64).flatten(1), second.to(torch.float64).flatten(1)
    cosine = (first * second).sum(1) / (first.norm(dim=1) * second.norm(dim=1))
    return torch.rad2deg(torch.acos(cosine.clamp(-1, 1)))


def measure_angles(batch: PerturbedBatch) -> dict[str, Tensor]:
    """The angles of a batch by their names (see `angle_names`), (B,) float64 each."""
    import torch

    images = batch.images.to(torch.float64)
    views = {"": images, "_centred": images - images.flatten(1).mean(1).reshape(-1, 1, 1, 1)}
    arrays: dict[str, Tensor] = {}
    for start, etas in (("", batch.etas), ("_shared", batch.shared)):
        arrays |= {f"eta0_eta{m}{start}": angle_between(etas[0], eta) for m, eta in _auxiliary(etas)}
        for view, pixels in views.items():
            if not start:
                arrays[f"x_eta0{view}"] = angle_between(pixels, etas[0])
            for m, eta in _auxiliary(etas):
                arrays[f"x_eta{m}{start}{view}"] = angle_between(pixels, eta)
                arrays[f"x_eta0_eta{m}{start}{view}"] = angle_between(pixels, etas[0] + eta)
    return {ANGLE + name: angles for name, angles in arrays.items()}


def summarise_angles(arrays: Mapping[str, Tensor]) -> dict[str, float]:
    """Mean, standard deviation and quantiles over samples, how many had no angle, and Table 5's increases."""
    metrics: dict[str, float] = {}
    spreads: dict[str, float] = {}
    for name, angles in ((name.removeprefix(ANGLE), angles) for name, angles in arrays.items()):
        known = angles[~angles.isnan()]
        metrics[f"angle_skipped.{name}"] = float(len(angles) - len(known))
        if len(known) < 2:
            continue
        spreads[name] = float(known.std())
        metrics[f"angle_mean.{name}"] = float(known.mean())
        metrics[f"angle_std.{name}"] = spreads[name]
        for share in (5, 50, 95):
            metrics[f"angle_q{share:02}.{name}"] = float(known.quantile(share / 100))
    for name, spread in spreads.items():
        alone = "x_eta0_centred" if name.endswith("_centred") else "x_eta0"
        if name.startswith("x_eta0_eta") and alone in spreads:
            metrics[f"angle_std_increase.{name}"] = spread - spreads[alone]
    return metrics


def _auxiliary(etas: Sequence[Tensor]) -> list[tuple[int, Tensor]]:
    return list(enumerate(etas))[1:]


def measure(batch: TestedBatch) -> Findings:
    """The angles of every image."""
    return Findings(arrays={**measure_angles(batch.perturbations)})


def summarise(config: Any, arrays: Mapping[str, Tensor]) -> Findings:
    """The angles, and their statistics over images."""
    return Findings(summarise_angles(arrays), arrays={**arrays})


def declared() -> dict[str, Metric]:
    """All metrics; their better direction is by convention."""
    angle, count = Metric("maximize", unit="degrees", low=0.0, high=180.0), Metric("minimize", low=0.0)
    metrics: dict[str, Metric] = {
        f"angle_{statistic}.{name}": count if statistic == "skipped" else angle
        for statistic, name in product(STATISTICS, angle_names(MOST_TASKS))
    }
    increase = Metric("maximize", unit="degrees")
    return metrics | {f"angle_std_increase.{name}": increase for name in increase_names(MOST_TASKS)}


ANGLES = Analysis(
    name="angles",
    says="between perturbations and images (S3, Table 5)",
    metrics=declared(),
    measure=measure,
    summarise=summarise,
    needs=frozenset({PERTURBATIONS, SHARED_STARTS}),
)
