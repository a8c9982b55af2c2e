"""The fifteen corruptions and the constants of their five severities. Imports neither torch nor numpy.

The constants are those that CIFAR-10-C was made with, for images of 32 pixels a side: Hendrycks and Dietterich (2019),
`ImageNet-C/create_c/make_cifar_c.py` of their repository hendrycks/robustness. The images are not theirs: random
numbers differ, ImageMagick's blur is reimplemented, and frost, which needs photographs of ice, lays a drawn texture of
ice over the image with the published weights. So these are called C-style, and accuracies on them are not accuracies on
CIFAR-10-C.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Family = Literal["noise", "blur", "weather", "digital"]
Level = float | tuple[float, ...]

SEVERITIES = 5
SIDE = 32
"""Pixels a side of the images that the constants are for."""
ALIKE = (24, 40)
"""Images from the first to the second side use the constants unchanged; for others those in pixels are scaled."""
LEAST_SIDE = 16
"""Below this a blur of the first severities would be less than a quarter of a pixel wide."""


@dataclass(frozen=True)
class Corruption:
    """A corruption, and its constants for the severities 1 to 5; `label` is its name in tables."""

    name: str
    family: Family
    levels: tuple[Level, Level, Level, Level, Level]
    label: str = ""


def scale_of(side: int) -> float:
    """The factor of constants in pixels for images whose shorter side has so many pixels."""
    return 1.0 if ALIKE[0] <= side <= ALIKE[1] else side / SIDE


def zoom_factors(percent: int) -> tuple[float, ...]:
    """The factors from 1 to 1 + `percent`/100 in steps of a hundredth."""
    return tuple(1 + step / 100 for step in range(percent + 1))


_ALL = (
    # the standard deviation
    Corruption("gaussian_noise", "noise", (0.04, 0.06, 0.08, 0.09, 0.10)),
    # photons per unit of brightness
    Corruption("shot_noise", "noise", (500, 250, 100, 75, 50)),
    # the share of values that turn black or white
    Corruption("impulse_noise", "noise", (0.01, 0.02, 0.03, 0.05, 0.07)),
    # radius in pixels, and the standard deviation that softens the disk's edge
    Corruption("defocus_blur", "blur", ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1, 0.2), (1.5, 0.1))),
    # standard deviation of the blur, the farthest swap in pixels, rounds of swaps
    Corruption("glass_blur", "blur", ((0.05, 1, 1), (0.25, 1, 1), (0.4, 1, 1), (0.25, 1, 2), (0.4, 1, 2))),
    # radius and standard deviation in pixels
    Corruption("motion_blur", "blur", ((6, 1), (6, 1.5), (6, 2), (8, 2), (9, 2.5))),
    # factors whose images are averaged
    Corruption("zoom_blur", "blur", tuple(zoom_factors(percent) for percent in (5, 10, 15, 20, 25))),  # type: ignore[arg-type]
    # mean and deviation of flakes, their zoom, threshold, radius and deviation of their motion, the image's share
    Corruption(
        "snow",
        "weather",
        (
            (0.1, 0.2, 1, 0.6, 8, 3, 0.95),
            (0.1, 0.2, 1, 0.5, 10, 4, 0.9),
            (0.15, 0.3, 1.75, 0.55, 10, 4, 0.9),
            (0.25, 0.3, 2.25, 0.6, 12, 6, 0.85),
            (0.3, 0.3, 1.25, 0.65, 14, 12, 0.8),
        ),
    ),
    # weights of image and ice
    Corruption(
        "drawn_frost",
        "weather",
        ((1, 0.2), (1, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45)),
        "drawn frost",
    ),
    # thickness, and how fast its structure fades towards small scales
    Corruption("fog", "weather", ((0.2, 3), (0.5, 3), (0.75, 2.5), (1, 2), (1.5, 1.75))),
    # added to the value of hue, saturation, value
    Corruption("brightness", "weather", (0.05, 0.1, 0.15, 0.2, 0.3)),
    # the remaining share of the distance to the image's mean
    Corruption("contrast", "digital", (0.75, 0.5, 0.4, 0.3, 0.15)),
    # size and smoothness of displacements, and how far corners move, as shares of the side
    Corruption(
        "elastic_transform",
        "digital",
        ((0, 0, 0.08), (0.05, 0.2, 0.07), (0.08, 0.06, 0.06), (0.1, 0.04, 0.05), (0.1, 0.03, 0.03)),
    ),
    # the remaining share of the side
    Corruption("pixelate", "digital", (0.95, 0.9, 0.85, 0.75, 0.65)),
    # the quality
    Corruption("jpeg_compression", "digital", (80, 65, 58, 50, 40)),
)

CORRUPTIONS: Mapping[str, Corruption] = {corruption.name: corruption for corruption in _ALL}
"""By name, in the order of the paper's tables."""
