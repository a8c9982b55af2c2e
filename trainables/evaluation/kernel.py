"""The kernel distance between features (KID, Bińkowski et al. 2018), which is unbiased at any number of images."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

SUBSETS = 100
LARGEST_SUBSET = 1000
"""Both customary: torchmetrics' and torch-fidelity's."""


@dataclass(frozen=True)
class KernelDistance:
    """The mean over subsets, an unbiased estimate that may be negative, and the standard deviation among subsets.

    The deviation shows how precise one subset is, not how precise the mean is: subsets share images.
    """

    mean: float
    std: float
    subsets: int
    subset_size: int
    n_real: int
    n_generated: int
    dimensions: int


def kernel_distance(
    real: Tensor, generated: Tensor, *, subsets: int = SUBSETS, subset_size: int | None = None, seed: int = 0
) -> KernelDistance:
    """The squared maximum mean discrepancy under the kernel (x·y / F + 1)³, averaged over random subsets, in float64.

    `real`: (N, F), `generated`: (M, F). `subset_size`: half of the smaller set where not given, 1000 at most.
    Raises `ValueError` for sets or subsets below two images, or subsets larger than a set.
    """
    from torchmetrics.image.kid import poly_mmd  # here, because it takes seconds

    if real.ndim != 2 or generated.ndim != 2 or real.shape[1] != generated.shape[1]:
        raise ValueError(f"features are {tuple(real.shape)} and {tuple(generated.shape)}, not (N, F) and (M, F)")
    fewest = min(len(real), len(generated))
    if fewest < 2:
        raise ValueError(
            f"it needs at least two images in each set; there are {len(real)} real and {len(generated)} generated ones"
        )
    size = subset_size if subset_size is not None else min(LARGEST_SUBSET, max(2, fewest // 2))
    if not 2 <= size <= fewest or subsets < 1:
        raise ValueError(f"{subsets} subsets of {size} images can't be drawn; of {fewest} images 2 to {fewest} can")
    generator = torch.Generator().manual_seed(seed)
    real, generated = real.double().cpu(), generated.double().cpu()
    values = []
    for _ in range(subsets):
        real_block = real[torch.randperm(len(real), generator=generator)[:size]]
        generated_block = generated[torch.randperm(len(generated), generator=generator)[:size]]
        values.append(poly_mmd(real_block, generated_block))
    drawn = torch.stack(values)
    return KernelDistance(
        mean=float(drawn.mean()),
        std=float(drawn.std(correction=0)),
        subsets=subsets,
        subset_size=size,
        n_real=len(real),
        n_generated=len(generated),
        dimensions=real.shape[1],
    )
