"""Exact PGD against several tasks together: all attacks share the passes of the trunk, each with its own heads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from trainables.device.transfer import to_device
from trainables.models.multi_task import MultiTaskNetwork

PASS_PIXELS = 1 << 16
"""Pixels (of all channels together) that a CPU attacks in one pass; a larger one exceeds its caches and is slower."""

Precision = Literal["float32", "bfloat16"]


def attack_tasks(
    model: MultiTaskNetwork,
    images: Tensor,
    labels: Tensor,
    attacks: Sequence[Sequence[int]],
    *,
    epsilon: float,
    step_size: float,
    steps: int,
    noise: Tensor | None = None,
    precision: Precision = "float32",
) -> Tensor:
    """The last iterates of K attacks, (K, N, C, H, W), within ε of `images` (N, C, H, W) and in [0, 1].

    Each of `attacks` is the tasks whose summed cross-entropy it raises by sign steps. `model` is frozen (see
    `frozen`), so that no image's gradient depends on another's; `labels`: (N, 1 + M). Attack k starts at `noise[k]`,
    (K, N, C, H, W) in [0, 1), which spans the ε-box, or at the images. The result is that of `pgd` for each attack;
    `precision` "float32" keeps the images' own precision, "bfloat16" changes the method. A network's own
    `attack_step` takes the steps, if it has one (see `compiled_step`).
    """
    images = images.detach()
    parts = []
    for here in _passes(images, len(attacks)):
        start = None if noise is None else noise[:, here]
        parts.append(_ascend(model, images[here], labels[here], attacks, epsilon, step_size, steps, start, precision))
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)


def input_gradient(
    model: MultiTaskNetwork,
    stacked: Tensor,
    labels: Tensor,
    attacks: Sequence[Sequence[int]],
    precision: Precision = "float32",
) -> Tensor:
    """The gradient of every attack's loss at its own images, (K · N, C, H, W), in one pass; see `attack_tasks`.

    `stacked`: the images of all attacks, (K · N, C, H, W), those of the first attack first.
    """
    point = stacked.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(losses_of(model, point, labels, attacks, precision), point)
    return gradient


def losses_of(
    model: MultiTaskNetwork,
    stacked: Tensor,
    labels: Tensor,
    attacks: Sequence[Sequence[int]],
    precision: Precision,
) -> list[Tensor]:
    """The cross-entropy of every task of every attack, each summed over the attack's images; see `input_gradient`."""
    with torch.autocast(stacked.device.type, torch.bfloat16, enabled=precision == "bfloat16"):
        features = torch.split(model.features(stacked), len(labels))
        return [
            F.cross_entropy(model.heads[task](own), labels[:, task], reduction="sum")
            for own, tasks in zip(features, attacks, strict=True)
            for task in tasks
        ]


def _ascend(
    model: MultiTaskNetwork,
    images: Tensor,
    labels: Tensor,
    attacks: Sequence[Sequence[int]],
    epsilon: float,
    step_size: float,
    steps: int,
    noise: Tensor | None,
    precision: Precision,
) -> Tensor:
    images = images.contiguous()
    lowest, highest = (images - epsilon).clamp_(0, 1), (images + epsilon).clamp_(0, 1)
    stacked = images.repeat(len(attacks), 1, 1, 1)
    points = stacked.view(len(attacks), *images.shape)  # the same memory, attack by attack
    if noise is not None:
        points.add_((2 * to_device(noise, images.device) - 1).mul_(epsilon))
        torch.clamp(points, lowest, highest, out=points)
    if model.attack_step is not None:
        for _ in range(steps):
            stacked = model.attack_step(model, stacked, lowest, highest, labels, attacks, step_size, precision)
        return stacked.view(points.shape)
    sign = torch.empty_like(stacked)
    for _ in range(steps):
        torch.sign(input_gradient(model, stacked, labels, attacks, precision), out=sign)
        stacked.add_(sign, alpha=step_size)
        torch.clamp(points, lowest, highest, out=points)
    return points


def _passes(images: Tensor, attacks: int) -> list[slice]:
    """Which images are attacked together: all, or on a CPU parts of nearly one size."""
    count, (n, _, height, breadth) = 1, images.shape
    if images.device.type == "cpu":
        count = max(1, min(n, math.ceil(attacks * n * height * breadth / PASS_PIXELS)))
    return [slice(part * n // count, (part + 1) * n // count) for part in range(count)]
