"""AugMix: an image mixed with chains of random operations on it (Hendrycks et al., 2020)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.datasets.augmentation.levels import autocontrast, equalize, posterize, solarize
from trainables.datasets.augmentation.shifts import SHIFTS, shifted
from trainables.device.transfer import to_device, to_like

LEAST_LEVEL = 0.1
"""The least strength of an operation; the greatest is `severity`."""
STRONGEST = 10.0
"""The level that the authors' ranges belong to."""
MOST_OPERATIONS = 3
"""The longest chain, if lengths are drawn."""
POINTWISE = ("autocontrast", "equalize", "posterize", "solarize")
"""The operations that don't move pixels. Neither these nor those of `SHIFTS` are among the C-style corruptions."""
OPERATIONS = (*POINTWISE, *SHIFTS)


@dataclass(frozen=True)
class AugMix:
    """`width` chains of `depth` operations (0: one to three), each of at most `severity`, of 10."""

    severity: float = 3.0
    width: int = 3
    depth: int = 0

    @property
    def longest(self) -> int:
        """The most operations of a chain."""
        return self.depth or MOST_OPERATIONS

    def draw(self, count: int, generator: torch.Generator) -> MixDraws:
        """All random numbers of a mix of `count` images; how many depends only on `count` and the sizes."""
        steps = (count, self.width, self.longest)
        operation = torch.randint(len(OPERATIONS), steps, generator=generator)
        level = LEAST_LEVEL + (self.severity - LEAST_LEVEL) * torch.rand(steps, generator=generator)
        negative = torch.rand(steps, generator=generator) < 0.5
        length = torch.randint(1, MOST_OPERATIONS + 1, (count, self.width), generator=generator)
        exponentials = -torch.log1p(-torch.rand(count, self.width, generator=generator, dtype=torch.float64))
        shares = exponentials / exponentials.sum(1, keepdim=True)  # Dirichlet(1, …, 1)
        mixed = torch.rand(count, generator=generator, dtype=torch.float64)  # Beta(1, 1)
        if self.depth:
            length = torch.full_like(length, self.depth)
        return MixDraws(operation, level.clamp(min=0.0), negative, length, shares, mixed)


@dataclass(frozen=True, eq=False)
class MixDraws:
    """The draws of N images: of each step (N, width, depth), each chain (N, width) and each image (N,).

    `operation`: indices of `OPERATIONS`. `level`: strengths, of 10. `negative`: the direction of a shift. `length`: how
    many of a chain's steps are taken. `shares`: the weights of the chains, which sum to 1. `mixed`: the weight of the
    chains' sum, the image having the rest.
    """

    operation: Tensor
    level: Tensor
    negative: Tensor
    length: Tensor
    shares: Tensor
    mixed: Tensor

    def of(self, rows: slice) -> MixDraws:
        """The draws of some images."""
        return MixDraws(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


def mix(images: Tensor, draws: MixDraws) -> Tensor:
    """Images (N, C, H, W) in [0, 1] as m Σ wᵢ chainᵢ(image) + (1 - m) image, float, in [0, 1]."""
    total = torch.zeros_like(images)
    for chain in range(draws.shares.shape[1]):
        changed = images
        for step in range(draws.operation.shape[2]):
            applies = step < draws.length[:, chain]
            after = operate(
                changed, draws.operation[:, chain, step], draws.level[:, chain, step], draws.negative[:, chain, step]
            )
            changed = torch.where(_of_images(applies, images).bool(), after, changed)
        total += _of_images(draws.shares[:, chain], images) * changed
    share = _of_images(draws.mixed, images)
    return ((1 - share) * images + share * total).clamp(0, 1)


def operate(images: Tensor, operation: Tensor, level: Tensor, negative: Tensor) -> Tensor:
    """Each image (N, C, H, W) after its own operation, by index, (N,), at its own level, (N,) of 10."""
    drawn = level / STRONGEST
    strength = to_like(drawn, images)
    changed = shifted(images, operation - len(POINTWISE), torch.where(negative, -drawn, drawn))
    operations = {
        "autocontrast": lambda pixels, _: autocontrast(pixels),
        "equalize": lambda pixels, _: equalize(pixels),
        "posterize": posterize,
        "solarize": solarize,
    }
    for index, name in enumerate(POINTWISE):
        chosen = (operation == index).nonzero().squeeze(1)  # on the device of the draws: a GPU would make the host wait
        if len(chosen):
            own = to_device(chosen, images.device)
            changed[own] = operations[name](images[own], strength[own])
    return changed


def _of_images(values: Tensor, images: Tensor) -> Tensor:
    """A value of each image, (N,), to be multiplied with images."""
    return to_like(values, images)[:, None, None, None]
