"""Sign ascent that records its iterates: the trace that most items use."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.evaluation.checklist.losses import Loss
from trainables.evaluation.checklist.network import Network

BATCH = 250
"""Images attacked together; a WRN-32-10 needs about 40 MB for each on 32 × 32 pixels."""


@dataclass(frozen=True, eq=False)
class Trace:
    """The result of an ascent on N images.

    `images`: a fooling iterate if there was one, else the last. `last`: the last iterates. `fooled`, `last_fooled`
    (N,) bool: whether any iterate was misclassified, and the last one. `losses`: mean loss at each iterate, `zero`
    (N,) bool: whether the gradient at the start was zero everywhere.
    """

    images: Tensor
    last: Tensor
    fooled: Tensor
    last_fooled: Tensor
    losses: Tensor
    zero: Tensor


def ascend(
    network: Network,
    images: Tensor,
    labels: Tensor,
    loss: Loss,
    *,
    epsilon: float,
    steps: int,
    noise: Tensor | None = None,
    first_step: float | None = None,
    decay: bool = False,
) -> Trace:
    """Raise `loss` by `steps` sign steps within ε of `images` (N, C, H, W) and in [0, 1]; `labels` (N, heads).

    `noise` (N, C, H, W) in [-1, 1] spans the box for random starts; without it an ascent starts at the images. Steps
    are 2.5 ε / `steps` long, or begin at `first_step`; with `decay` they fall to a tenth by a cosine.
    """
    parts = []
    for first in range(0, len(images), BATCH):
        here = slice(first, first + BATCH)
        start = images[here] if noise is None else images[here] + epsilon * noise[here].to(images.device)
        parts.append(_ascend(network, images[here], start, labels[here], loss, epsilon, steps, first_step, decay))
    weights = torch.tensor([len(part.images) / max(len(images), 1) for part in parts])
    losses = (torch.stack([part.losses for part in parts]) * weights.unsqueeze(1)).sum(0)
    met, last, fooled, last_fooled, zero = (
        torch.cat(tensors)
        for tensors in zip(*((p.images, p.last, p.fooled, p.last_fooled, p.zero) for p in parts), strict=True)
    )
    return Trace(met, last, fooled, last_fooled, losses, zero)


def _ascend(
    network: Network,
    images: Tensor,
    start: Tensor,
    labels: Tensor,
    loss: Loss,
    epsilon: float,
    steps: int,
    first_step: float | None,
    decay: bool,
) -> Trace:
    lowest, highest = (images - epsilon).clamp(0, 1), (images + epsilon).clamp(0, 1)
    point, met = start.clamp(lowest, highest), images.clone()
    fooled = torch.zeros(len(images), dtype=torch.bool, device=images.device)
    zero, losses = fooled.clone(), []
    size = first_step if first_step is not None else 2.5 * epsilon / max(steps, 1)
    for step in range(steps):
        gradient, value, wrong = step_gradient(network, point, labels, loss)
        losses.append(value.mean())
        if step == 0:
            zero = (gradient == 0).flatten(1).all(1)
        met[wrong & ~fooled] = point[wrong & ~fooled]
        fooled |= wrong
        length = size * (0.55 + 0.45 * torch.cos(torch.tensor(torch.pi * step / steps)).item()) if decay else size
        point = (point + length * gradient.sign()).clamp(lowest, highest)
    with torch.no_grad():
        heads, finite = network.attacked(point)
        wrong = (heads[0].argmax(1) != labels[:, 0]) | ~finite
        losses.append(loss(heads, labels).mean())
    met = torch.where(fooled.view(-1, 1, 1, 1), met, point)
    return Trace(met, point, fooled | wrong, wrong, torch.stack(losses).cpu(), zero)


def step_gradient(network: Network, point: Tensor, labels: Tensor, loss: Loss) -> tuple[Tensor, Tensor, Tensor]:
    """The gradient of the loss at each image, the losses (n,), and which images are misclassified, (n,) bool."""
    with torch.enable_grad():
        variable = point.detach().clone().requires_grad_()
        heads, finite = network.attacked(variable)
        value = loss(heads, labels)
        (gradient,) = torch.autograd.grad(value.sum(), variable)
    with torch.no_grad():
        wrong = (heads[0].argmax(1) != labels[:, 0]) | ~finite
    return gradient, value.detach(), wrong
