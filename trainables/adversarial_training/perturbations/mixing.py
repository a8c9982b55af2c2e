"""The weights of a mixed perturbation (S3, eq. 2)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from trainables.adversarial_training.config import Config
from trainables.device.transfer import to_like


def mixing_weights(config: Config, auxiliary: int, generator: torch.Generator, draws: int = 1) -> Tensor:
    """α₀ … α_M, (draws, 1 + auxiliary) float64; each row sums to 1.

    α₀ is uniform between its bounds; the auxiliary tasks share the rest as `config.alpha_split` says.
    """
    low, high = config.alpha0_min, config.alpha0_max
    alpha0 = low + (high - low) * torch.rand(draws, 1, generator=generator, dtype=torch.float64)
    shares = torch.ones(draws, auxiliary, dtype=torch.float64)
    if config.alpha_split != "equal":
        # also drawn with one task, which gets all the rest, so that streams stay aligned
        uniform = torch.rand(draws, auxiliary, generator=generator, dtype=torch.float64)
        # normalised exponentials are uniform on the simplex
        shares = uniform if config.alpha_split == "uniform_split" else -torch.log1p(-uniform)
        shares = shares + torch.finfo(torch.float64).tiny
    return torch.cat([alpha0, (1 - alpha0) * shares / shares.sum(1, keepdim=True)], dim=1)


def mix(weights: Tensor, etas: Sequence[Tensor] | Tensor) -> Tensor:
    """Σ αₘ ηₘ, (N, C, H, W), of perturbations (N, C, H, W); `weights`: (N, tasks), or (1, tasks) for all samples."""
    mixed = torch.zeros_like(etas[0])
    for weight, eta in zip(to_like(weights, mixed).unbind(1), etas, strict=True):
        mixed.addcmul_(weight.reshape(-1, 1, 1, 1), eta)
    return mixed
