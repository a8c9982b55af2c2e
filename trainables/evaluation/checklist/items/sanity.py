"""Whether the attacks work on this data at all: they fool a plain linear model and detect a masked one. Item 13."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trainables.contract import CheckItem
from trainables.evaluation.checklist import losses
from trainables.evaluation.checklist.ascent import ascend
from trainables.evaluation.checklist.bounds import at_most
from trainables.evaluation.checklist.evidence import Evidence
from trainables.evaluation.checklist.network import Network

RIDGE = 1e-2
LEAST_EPSILON = 0.25
"""A linear model falls within it for any images; within a smaller ε it may withstand."""


def sanity(evidence: Evidence) -> CheckItem:
    """An undefended linear model of the same images falls to chance; behind a quantiser its gradients are zero."""
    linear = _Linear(evidence.images, evidence.main, evidence.classes)
    epsilon = max(evidence.epsilon, LEAST_EPSILON)
    plain = ascend(Network(linear), evidence.images, evidence.labels, losses.main_margin, epsilon=epsilon, steps=20)
    right = linear(evidence.images).argmax(1) == evidence.main
    withstand = int((right & ~plain.fooled).sum())

    def masked(images: Tensor) -> Tensor:
        logits: Tensor = linear((7 * images).round() / 7)
        return logits

    hidden = ascend(Network(masked), evidence.images, evidence.labels, losses.main_margin, epsilon=epsilon, steps=1)
    numbers = {
        "n": float(evidence.n),
        "undefended_right": float(right.sum()),
        "undefended_withstand": float(withstand),
        "masked_with_zero_gradient": float(hidden.zero.sum()),
    }
    verdict = at_most(withstand, evidence.n, 1 / evidence.classes)
    if not bool(hidden.zero.all()):
        verdict = "fail"
    says = f"an undefended linear model keeps {withstand} of {int(right.sum())} images at ε = {epsilon:.3g}"
    return CheckItem("sanity", verdict, numbers, f"{says}; behind a quantiser its gradients are seen to be zero")


class _Linear(nn.Module):
    """Ridge regression of the classes on the pixels of these images."""

    def __init__(self, images: Tensor, labels: Tensor, classes: int) -> None:
        super().__init__()
        pixels = images.flatten(1).double()
        wanted = torch.nn.functional.one_hot(labels, classes).double()
        rows = torch.cat([pixels, torch.ones_like(pixels[:, :1])], dim=1)
        # in the space of images, as there are often fewer images than pixels
        kernel = rows @ rows.T + RIDGE * len(rows) * torch.eye(len(rows), dtype=rows.dtype, device=rows.device)
        self.weight = (rows.T @ torch.linalg.solve(kernel, wanted)).float()

    def forward(self, images: Tensor) -> Tensor:
        flat = images.flatten(1)
        logits: Tensor = flat @ self.weight[:-1] + self.weight[-1]
        return logits
