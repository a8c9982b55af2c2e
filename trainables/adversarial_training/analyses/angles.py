"""Angles between perturbations and images (S3, Table 5).

S3 doesn't define them. Here each sample is one long vector, in float64, and an angle is between two such vectors, in
degrees; η₀ + η_m is unweighted, as the table's head has it. On [0, 1] an image is far from 0, so its angle with
anything hangs on its brightness: `centred` images have their own mean taken off. Independent random starts alone push
two perturbations towards 90°: `shared` ones begin at the same point.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from trainables.adversarial_training.analyses.task_attacks import PerturbedBatch

ANGLE = "angle."


def angle_between(one: Tensor, other: Tensor) -> Tensor:
    """Angles in degrees, (N,) float64, between the samples of two (N, …) tensors; NaN where one of them is zero."""
    one, other = one.to(torch.float64).flatten(1), other.to(torch.float64).flatten(1)
    cosine = (one * other).sum(1) / (one.norm(dim=1) * other.norm(dim=1))
    return torch.rad2deg(torch.acos(cosine.clamp(-1, 1)))


def measure_angles(model: nn.Module, batch: PerturbedBatch) -> dict[str, Tensor]:
    """The angles of a batch by their names (see `metrics.angle_names`), (B,) float64 each."""
    images = batch.images.to(torch.float64)
    views = {"": images, "_centred": images - images.flatten(1).mean(1).reshape(-1, 1, 1, 1)}
    found: dict[str, Tensor] = {}
    for start, etas in (("", batch.etas), ("_shared", batch.shared)):
        found |= {f"eta0_eta{m}{start}": angle_between(etas[0], eta) for m, eta in _auxiliary(etas)}
        for view, pixels in views.items():
            if not start:
                found[f"x_eta0{view}"] = angle_between(pixels, etas[0])
            for m, eta in _auxiliary(etas):
                found[f"x_eta{m}{start}{view}"] = angle_between(pixels, eta)
                found[f"x_eta0_eta{m}{start}{view}"] = angle_between(pixels, etas[0] + eta)
    return {ANGLE + name: angles for name, angles in found.items()}


def summarise_angles(found: Mapping[str, Tensor], epsilon: float) -> dict[str, float]:
    """Mean, standard deviation and quantiles over samples, how many had no angle, and Table 5's increases."""
    metrics: dict[str, float] = {}
    spreads: dict[str, float] = {}
    for name, angles in ((name.removeprefix(ANGLE), angles) for name, angles in found.items()):
        known = angles[~angles.isnan()]
        metrics[f"test/angle_skipped.{name}"] = float(len(angles) - len(known))
        if len(known) < 2:
            continue
        spreads[name] = float(known.std())
        metrics[f"test/angle_mean.{name}"] = float(known.mean())
        metrics[f"test/angle_std.{name}"] = spreads[name]
        for share in (5, 50, 95):
            metrics[f"test/angle_q{share:02}.{name}"] = float(known.quantile(share / 100))
    for name, spread in spreads.items():
        alone = "x_eta0_centred" if name.endswith("_centred") else "x_eta0"
        if name.startswith("x_eta0_eta") and alone in spreads:
            metrics[f"test/angle_std_increase.{name}"] = spread - spreads[alone]
    return metrics


def _auxiliary(etas: Sequence[Tensor]) -> list[tuple[int, Tensor]]:
    return list(enumerate(etas))[1:]
