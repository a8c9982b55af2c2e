"""How large an epoch's perturbations are, and how their direction differs from STA's, summed up over its batches."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from trainables.adversarial_training.perturbations.matched_sizes import angles, rows


class PerturbationSizes:
    """Sums over images, on their device: reading them for every batch would stall a GPU."""

    def __init__(self) -> None:
        self.sums: Tensor | None = None
        self.with_angle = False

    def add(self, images: Tensor, eta: Tensor, sta: Tensor | None) -> None:
        """Count perturbations (N, C, H, W) of `images`, as they are after projection; `sta`: the main task's own."""
        flat = rows(eta)
        measured = [flat.abs().mean(1), flat.square().mean(1).sqrt(), torch.ones_like(flat[:, 0])]
        if sta is not None:
            self.with_angle = True
            apart = angles(flat, rows(sta)).rad2deg()
            measured += [apart.nan_to_num(0), (~apart.isnan()).to(apart.dtype), *_with_images(images, eta, sta)]
        sums = torch.stack(measured).sum(1)
        self.sums = sums if self.sums is None else self.sums + sums

    def metrics(self, mean: Callable[[float], float], epsilon: float) -> dict[str, float]:
        """Mean |η| (`l1`) and root mean square of η (`l2`) per image as shares of ε, and mean angle to STA in degrees.

        `angle_spread` is the standard deviation over images of the angle between image and η, less that of the angle
        between image and η₀, in degrees: the last column of S3's Table 5, with η as it was trained on. `mean`: over
        ranks. An angle is undefined, and left out, where one of the two is zero; 0 if none is defined.
        """
        if self.sums is None:
            return {}
        l1, l2, images, *angle = (mean(value) for value in self.sums.tolist())
        share = 1 / (images * epsilon) if epsilon else 0.0
        sizes = {
            "train/perturbation_size": l1 * share,  # the name of _l1 in studies of earlier versions
            "train/perturbation_l1": l1 * share,
            "train/perturbation_l2": l2 * share,
        }
        if self.with_angle:
            apart, defined, *of_images = angle
            sizes["train/perturbation_angle"] = apart / defined if defined else 0.0
            sizes["train/angle_spread"] = _deviation(*of_images[:3]) - _deviation(*of_images[3:])
        return sizes


def _with_images(images: Tensor, eta: Tensor, sta: Tensor) -> list[Tensor]:
    """The angles between images and η, then images and η₀: themselves, their squares, and whether they exist."""
    pixels = rows(images)
    sums: list[Tensor] = []
    for other in (eta, sta):
        degrees = angles(pixels, rows(other)).rad2deg()
        known = degrees.nan_to_num(0)
        sums += [known, known.square(), (~degrees.isnan()).to(known.dtype)]
    return sums


def _deviation(total: float, squares: float, count: float) -> float:
    """The standard deviation of so many values with these sums; 0 of none."""
    return math.sqrt(max(0.0, squares / count - (total / count) ** 2)) if count else 0.0
