"""Whether gradients exist, and whether they show where the loss rises. Item 7 and indicator 1."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from trainables.contract import CheckItem
from trainables.evaluation.checklist import losses
from trainables.evaluation.checklist.bounds import at_least, at_most, worst
from trainables.evaluation.checklist.evidence import Evidence

MOST_ZERO = 0.02
"""Share of images whose gradient may be zero; ReLU networks trained here had none of 1,000."""
STEP = 1 / 8
"""Step along the gradient's sign, in units of ε: nearly linear, but long enough to cross a quantiser's steps."""
RISING = 0.8
"""Share of images whose loss rises along the gradient's sign, and by more than along random signs."""
NEAR = 1 / 50
"""Distance, in units of ε, of two points whose gradients should point in the same direction for any curvature."""
LEAST_COSINE = 0.3
"""Mean cosine of gradients at this distance; shattered ones are orthogonal."""
SINGLE_STEP_GAP = 0.7
"""Share of the images that withstand FGSM but not PGD: networks that overfitted to single steps
(Andriushchenko and Flammarion, 2020) were at .89 and 1.0, those of STA at .12 to .35."""
WITHSTAND = 0.4
"""Share of the right images that must withstand FGSM for the rest to be informative."""
TURNED = 0.75
"""Mean cosine of the gradients at an image and at a random point within ε: .47 and .64 after overfitting to single
steps, .69 to .98 in all others."""
TRAINING_GAP = 0.3
"""Accuracy under the training's own attack minus that under PGD; a generalisation gap is smaller at these sizes."""


def unavailable_gradients(evidence: Evidence) -> CheckItem:
    """Gradients exist, and those of right images are not zero, of the cross-entropy and of the margin (indicator 1)."""
    right, n = evidence.right, int(evidence.right.sum())
    entropy, margins = (zero_rows(gradient)[right] for gradient in evidence.gradients)
    noise = evidence.noise("unavailable").to(evidence.images)
    nearby = (evidence.images + evidence.epsilon * noise).clamp(0, 1)
    near = zero_rows(evidence.gradient(nearby, losses.main_margin))[right]
    nowhere, saturated = max(int(margins.sum()), int(near.sum())), int((entropy & ~margins).sum())
    raised = evidence.network.raised
    numbers = {
        "n": float(n),
        "zero_cross_entropy": float(entropy.sum()),
        "zero_margin": float(margins.sum()),
        "zero_margin_within_epsilon": float(near.sum()),
        "raised": float(bool(raised)),
    }
    if raised:
        says = f"the model raises an error when a gradient is computed: {raised[0]}"
        return CheckItem("unavailable_gradients", "fail", numbers, says)
    verdict = at_most(max(nowhere, saturated), n, MOST_ZERO)
    if verdict == "pass":
        return CheckItem("unavailable_gradients", verdict, numbers, "gradients exist and are not zero")
    if saturated > nowhere:
        says = (
            f"the gradient of the cross-entropy is zero on {saturated} of {n} images, and that of the margin is not: "
        )
        says += "the logits saturate it (they explode, or a loss is saturated)"
    else:
        where = "" if int(margins.sum()) == nowhere else " at random points within ε"
        says = f"the gradient is zero on {nowhere} of {n} images{where}: a part of the model has no gradient"
        says += " (a quantiser, a threshold, a detached or non-differentiable part)"
    return CheckItem("unavailable_gradients", verdict, numbers, says)


def gradients(evidence: Evidence) -> CheckItem:
    """Gradients are finite and repeatable, point uphill, and keep their direction nearby (item 7)."""
    right, n = evidence.right, int(evidence.right.sum())
    entropy, margins = evidence.gradients
    uphill = _uphill(evidence, margins)[right]
    near, far = _cosines(evidence, margins, NEAR)[right], _cosines(evidence, entropy, 1.0)[right]
    again = evidence.gradient(evidence.images, losses.main_margin)
    withstand = right & ~evidence.fgsm.last_fooled
    broken = int((withstand & evidence.pgd.fooled).sum())
    numbers = {
        "n": float(n),
        "zero": float(zero_rows(margins)[right].sum()),
        "norm_median": float(margins.flatten(1).norm(dim=1)[right].median()) if n else 0.0,
        "uphill": float(uphill.sum()),
        "cosine_near": _mean(near),
        "cosine_within_epsilon": _mean(far),
        "withstand_fgsm": float(withstand.sum()),
        "of_them_fooled_by_pgd": float(broken),
    }
    problems = []
    verdict = at_least(int(uphill.sum()), n, RISING)
    if verdict != "pass":
        problems.append(f"the loss rises along the gradient's sign on only {int(uphill.sum())} of {n} images")
    if not torch.allclose(again, margins, rtol=1e-2, atol=1e-3 * float(margins.abs().mean()) + 1e-30):
        verdict = worst(verdict, "fail")
        problems.append("the gradient of one image differs from pass to pass")
    if n and numbers["cosine_near"] < LEAST_COSINE:
        verdict = worst(verdict, "fail")
        problems.append(
            f"gradients {NEAR:.2g} ε apart have a cosine of {numbers['cosine_near']:.2f}: they are shattered"
        )
    turned = at_most(broken, int(withstand.sum()), SINGLE_STEP_GAP)
    if turned != "pass" and numbers["cosine_within_epsilon"] < TURNED and int(withstand.sum()) > WITHSTAND * n:
        verdict = worst(verdict, turned)
        problems.append(
            f"{int(withstand.sum())} of {n} images withstand FGSM, and PGD fools {broken} of them; gradients within ε "
            f"have a cosine of {numbers['cosine_within_epsilon']:.2f}: catastrophic overfitting to single steps"
        )
    gap = _training_gap(evidence)
    if gap is not None:
        numbers["training_gap"] = gap
        if gap > TRAINING_GAP:
            verdict = worst(verdict, "fail")
            problems.append(
                f"under its training's attack it is {100 * gap:.1f} points more accurate than under PGD: catastrophic "
                "overfitting"
            )
    return CheckItem("gradients", verdict, numbers, "; ".join(problems) or "gradients show where the loss rises")


def zero_rows(gradient: Tensor) -> Tensor:
    """Which images' gradients are zero in every pixel, (N,) bool."""
    return (gradient == 0).flatten(1).all(1)


def _uphill(evidence: Evidence, gradient: Tensor) -> Tensor:
    """Whether a short step along the gradient's sign raises the margin, and by more than one along random signs."""
    signs = {"gradient": gradient.sign(), "random": evidence.noise("signs").sign().to(gradient)}
    step = STEP * evidence.epsilon
    here = evidence.margins(evidence.images)
    rise = {name: evidence.margins((evidence.images + step * sign).clamp(0, 1)) - here for name, sign in signs.items()}
    return (rise["gradient"] > 0) & (rise["gradient"] > rise["random"])


def _cosines(evidence: Evidence, gradient: Tensor, share: float) -> Tensor:
    """Cosines of the gradients at the images and at random points within a share of ε, NaN if one is zero."""
    loss = losses.main_margin if share < 1 else losses.main_cross_entropy
    noise = evidence.noise(f"cosine {share}").to(evidence.images.device)
    other = evidence.gradient((evidence.images + share * evidence.epsilon * noise).clamp(0, 1), loss)
    cosine = F.cosine_similarity(_unit(gradient), _unit(other), dim=1)
    return torch.where(zero_rows(gradient) | zero_rows(other), torch.nan, cosine)


def _unit(gradient: Tensor) -> Tensor:
    """Each image's gradient as a long vector whose largest entry is 1: squares of tiny ones would be zero."""
    flat = gradient.flatten(1).double()
    return flat / flat.abs().amax(1, keepdim=True).clamp_min(1e-300)


def _mean(values: Tensor) -> float:
    known = values[~values.isnan()]
    return float(known.mean()) if len(known) else 0.0


def _training_gap(evidence: Evidence) -> float | None:
    """How much accuracy on training images under the training's attack exceeds that under PGD here."""
    trained = evidence.context.training_accuracy
    if trained is None:
        return None
    return trained - float((evidence.right & ~evidence.pgd.fooled).float().mean())
