"""What a forward pass returns: logits, of what kind, and for which pixels. Item 1."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from trainables.contract import CheckItem, CheckVerdict
from trainables.evaluation.checklist.bounds import more_often
from trainables.evaluation.checklist.evidence import Evidence
from trainables.evaluation.checklist.network import Network

LEAST_RANGE = 0.1
"""Pixels that span less are in other units than [0, 1], and so is ε."""
SHARE_OF_MIDDLE = 0.5
"""Share of the mean below which the middle class of probabilities stays, scaled and shifted or not. For centred logits,
whose rows also have one sum, it is about the mean."""
LEAST_SPREAD, LARGEST_SPREAD = 1e-4, 1e4
"""Standard deviations of logits: smaller differences are lost in a loss, larger ones saturate it."""
GAIN = 0.25
"""Share of images that are classified correctly only in the units that the model was trained with. An honest network of
MNIST that had hardly learnt (31 % clean) gained .13 by a higher contrast."""


def forward_pass(evidence: Evidence) -> CheckItem:
    """Raw floating-point logits of pixels in [0, 1], with all preprocessing inside the model."""
    logits = evidence.heads[0]
    low, high = float(evidence.images.min()), float(evidence.images.max())
    plain = logits.float()
    spread = float(plain[plain.isfinite().all(1)].std(1).median()) if plain.isfinite().all(1).any() else 0.0
    numbers = {
        "n": float(evidence.n),
        "pixel_min": low,
        "pixel_max": high,
        "logit_spread": spread,
        "not_finite": float((~logits.isfinite().all(1)).sum()),
        "distinct_rows": float(len(torch.unique(plain, dim=0))),
    }
    inner = gradients_taken(evidence)
    numbers["gradients_taken_inside"] = float(inner)
    problems = [
        *_pixels(low, high),
        *_kind(logits),
        *_scale(spread),
        *(
            [f"the forward pass takes {inner} gradients itself: an optimisation that attacks can't look into"]
            * bool(inner)
        ),
    ]
    better, units, verdict = best_units(evidence)
    numbers |= {"right": float(evidence.right.sum()), "right_in_other_units": float(better)}
    outside = (
        f"{better} images are classified correctly on pixels {units}, and {int(evidence.right.sum())} of {evidence.n} "
        "on those in [0, 1]: preprocessing is outside the model, so ε is in other units"
    )
    if problems or verdict == "fail":
        problems += [outside] * (verdict == "fail")
        return CheckItem("forward_pass", "fail", numbers, "; ".join(problems))
    if training := modules_in_training(evidence):
        says = f"{training} modules are in training mode; call eval() on the model"
        return CheckItem("forward_pass", "warn", numbers, says)
    return CheckItem(
        "forward_pass", verdict, numbers, outside if verdict == "warn" else "raw logits of pixels in [0, 1]"
    )


def _pixels(low: float, high: float) -> list[str]:
    if low < -1e-6 or high > 1 + 1e-6:
        return [f"pixels are from {low:.3g} to {high:.3g}, not in [0, 1]: preprocessing is outside the model"]
    if high - low < LEAST_RANGE:
        return [f"pixels span only {low:.3g} to {high:.3g} of [0, 1], so ε is in other units"]
    return []


def _kind(logits: Tensor) -> list[str]:
    """What the outputs are if they aren't logits."""
    if not logits.is_floating_point():
        return [f"the outputs are {_name(logits)}, which has no gradient, and not logits"]
    if logits.dtype not in (torch.float32, torch.float64):
        return [f"logits are {_name(logits)}, which rounds small differences away; give float32"]
    finite = logits.isfinite().all(1)
    if not finite.all():
        return [f"the logits of {int((~finite).sum())} images are NaN or infinite"]
    if _are_probabilities(logits):
        return ["the outputs are probabilities (softmax, or one-hot), and not logits"]
    if len(torch.unique(logits, dim=0)) == 1 and len(logits) > 1:
        return ["the logits are the same for every image"]
    return []


def _are_probabilities(logits: Tensor) -> bool:
    """Whether rows have the same sum, and their middle class is near their common least value."""
    logits = logits.double()
    if float(logits.min()) >= -1e-6 and float((logits.sum(1) - 1).abs().max()) < 1e-3:
        return True
    raised = logits - logits.min()
    sums = raised.sum(1)
    usual = float(sums.median())
    if usual == 0 or float((sums - usual).abs().max()) > 1e-3 * usual:
        return False
    return float(raised.median(1).values.median()) * logits.shape[1] < SHARE_OF_MIDDLE * usual


def _scale(spread: float) -> list[str]:
    if 0 < spread < LEAST_SPREAD:
        return [f"logits differ by {spread:.2g} only, and their losses by less than rounding; scale them up"]
    if spread > LARGEST_SPREAD:
        return [f"logits differ by {spread:.2g}, which saturates every loss"]
    return []


def best_units(evidence: Evidence) -> tuple[int, str, CheckVerdict]:
    """How many images are classified correctly in the best other units, these in words, and what that means for [0, 1].

    A model that classifies clearly more correctly in other units was trained on those; ε is about the pixels that it
    gets.
    """
    images = evidence.images
    mean, std = images.mean((0, 2, 3), keepdim=True), images.std((0, 2, 3), keepdim=True) + 1e-6
    units = {
        "normalised by mean and standard deviation": (images - mean) / std,
        "in [-1, 1]": 2 * images - 1,
        "in 0…255": 255 * images,
        "with their mean subtracted": images - mean,
    }
    network = Network(evidence.subject.forward)
    right = {name: ~network.fooled(pixels, evidence.main) for name, pixels in units.items()}
    name = max(right, key=lambda name: int(right[name].sum()))
    gained = int((right[name] & ~evidence.right).sum())
    lost = int((evidence.right & ~right[name]).sum())
    if not more_often(gained, lost):
        return int(right[name].sum()), name, "pass"
    return int(right[name].sum()), name, "fail" if gained - lost > GAIN * evidence.n else "warn"


def gradients_taken(evidence: Evidence) -> int:
    """How often a forward pass without gradients computes some, as optimisation inside the model does."""
    count = 0
    grad, backward = torch.autograd.grad, torch.autograd.backward

    def counting_grad(*args: Any, **named: Any) -> Any:
        nonlocal count
        count += 1
        return grad(*args, **named)

    def counting_backward(*args: Any, **named: Any) -> None:
        nonlocal count
        count += 1
        backward(*args, **named)

    torch.autograd.grad, torch.autograd.backward = counting_grad, counting_backward
    try:
        evidence.network.logits(evidence.images[:4])
    finally:
        torch.autograd.grad, torch.autograd.backward = grad, backward
    return count


def modules_in_training(evidence: Evidence) -> int:
    """Modules in training mode of a forward pass that is a module."""
    forward = evidence.subject.forward
    return sum(module.training for module in forward.modules()) if isinstance(forward, nn.Module) else 0


def _name(logits: Tensor) -> str:
    return str(logits.dtype).removeprefix("torch.")
