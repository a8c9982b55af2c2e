"""Whether attacks return what they find and end where they should. Indicators 3 and 4."""

from __future__ import annotations

import torch
from torch import Tensor

from trainables.contract import CheckItem, CheckVerdict
from trainables.evaluation.checklist.bounds import at_most, worst
from trainables.evaluation.checklist.evidence import Evidence

SILENT = 0.005
"""Share of images that an attack may fool on its way without returning the fooling image."""
BETTER = 0.02
"""Share of images that the claimed attack may leave standing although a simple one fools them."""
STILL_RISING = 0.2
"""Share of the whole rise of the loss that the last fifth of 100 steps may still add."""


def silent_success(evidence: Evidence) -> CheckItem:
    """An attack that found a fooling image returns it, and not a later one that doesn't fool (indicator 3)."""
    n = evidence.n
    lost = int((evidence.pgd.fooled & ~evidence.pgd.last_fooled & evidence.right).sum())
    numbers = {"n": float(n), "lost_by_pgds_last_iterate": float(lost)}
    if evidence.context.attack is None:
        says = f"PGD's last iterate loses {lost} images that an earlier one fooled; the checklist keeps any"
        return CheckItem("silent_success", "pass", numbers, says)
    met, reported = _met(evidence)
    silent = int((evidence.right & met & ~reported).sum())
    numbers["met_and_not_given"] = float(silent)
    says = f"the claimed attack met {silent} fooling images that it does not give"
    return CheckItem("silent_success", at_most(silent, n, SILENT), numbers, says)


def _met(evidence: Evidence) -> tuple[Tensor, Tensor]:
    """Which images the claimed attack saw misclassified in a pass over all of them, and which it returns, (N,) bool."""
    met = torch.zeros_like(evidence.right)

    def watched(points: Tensor) -> object:
        output = evidence.subject.forward(points)
        logits = output if isinstance(output, Tensor) else output[0]
        # passes over some of the images only can't be distinguished
        if len(points) == evidence.n:
            size = (points.detach() - evidence.images).abs().flatten(1).amax(1)
            met.logical_or_((logits.detach().argmax(1) != evidence.main) & (size <= evidence.epsilon + 1e-6))
        return output

    attack = evidence.context.attack
    assert attack is not None
    attack(watched, evidence.images, evidence.main, evidence.epsilon)
    assert evidence.claimed_images is not None
    return met, evidence.network.fooled(evidence.claimed_images, evidence.main)


def incomplete_optimisation(evidence: Evidence) -> CheckItem:
    """The loss no longer rises when an attack ends, and the claimed attack raises it as a simple one does."""
    losses = evidence.pgd_long.losses.double()
    rise, late = float(losses[-1] - losses[0]), float(losses[-1] - losses[len(losses) * 4 // 5])
    numbers = {"n": float(evidence.n), "rise": rise, "rise_in_last_fifth": late}
    problems = []
    verdict: CheckVerdict = "pass"
    if rise > 0 and late > STILL_RISING * rise:
        verdict = "warn"
        problems.append(
            f"the loss of PGD with 100 steps still rises: {100 * late / rise:.0f} % of it in the last fifth"
        )
    if rise <= 0 and bool(evidence.right.any()):
        verdict = "fail"
        problems.append("100 steps along the gradient do not raise the loss")
    if evidence.claimed_images is not None:
        clean, ended = evidence.margins(evidence.images), evidence.margins(evidence.claimed_images)
        reported = evidence.network.fooled(evidence.claimed_images, evidence.main)
        # with the same loss: an attack on another one, such as a margin, may correctly fool other images
        missed = int((evidence.right & ~reported & evidence.pgd_long.last_fooled).sum())
        lowered = int((evidence.right & (ended < clean)).sum())
        numbers |= {"missed_by_claimed_attack": float(missed), "lowered_by_claimed_attack": float(lowered)}
        of_missed = at_most(missed, evidence.n, BETTER)
        verdict = worst(verdict, of_missed)
        if of_missed != "pass":
            problems.append(f"the claimed attack misses {missed} images that plain PGD fools")
        of_lowered = at_most(lowered, int(evidence.right.sum()), 0.5)
        verdict = worst(verdict, of_lowered)
        if of_lowered != "pass":
            problems.append(f"it lowers the loss of {lowered} images: its sign is wrong")
    return CheckItem("incomplete_optimisation", verdict, numbers, "; ".join(problems) or "the loss has stopped rising")
