"""How far attacks go: to ε and not beyond, with almost no accuracy left for large ε. Items 2 and 6, indicator 6."""

from __future__ import annotations

from itertools import pairwise

from trainables.contract import CheckItem, CheckVerdict
from trainables.evaluation.checklist.bounds import at_most, worst
from trainables.evaluation.checklist.evidence import LARGEST, Evidence

REACHED = 0.95
"""Share of ε that the largest change of an image that the attack could not fool must reach."""
TOLERANCE = 1e-6
UNREACHED = 0.02
"""Share of images that may fall short of it, because their gradient is zero in every pixel that can still change."""
BACKWARDS = 0.01
"""Share of images that may withstand a larger ε and not a smaller one: an ascent is not an exact maximum."""
UNBROKEN = 0.05
"""Share of images that an attack without a bound may leave standing: ascents sometimes get stuck."""


def constraint(evidence: Evidence) -> CheckItem:
    """The attack changes images, by ε if needed but no more, and within [0, 1].

    This checks the attack by which robustness is claimed; without one, the checklist's own.
    """
    claimed = evidence.claimed_images
    whose = "the claimed attack" if claimed is not None else "the strongest attack"
    adversarial = evidence.adversarial if claimed is None else claimed
    if adversarial.shape != evidence.images.shape or adversarial.dtype != evidence.images.dtype:
        says = f"{whose} gives {tuple(adversarial.shape)} {adversarial.dtype}, and images are "
        says += f"{tuple(evidence.images.shape)} {evidence.images.dtype}"
        return CheckItem("constraint", "fail", {"n": float(evidence.n)}, says)
    size = (adversarial - evidence.images).abs().flatten(1).amax(1)
    fooled = evidence.network.fooled(adversarial, evidence.main)
    whole = evidence.right & ~fooled
    short = whole & (size < REACHED * evidence.epsilon)
    numbers = {
        "n": float(evidence.n),
        "largest_change": float(size.max()),
        "epsilon": evidence.epsilon,
        "withstand": float(whole.sum()),
        "short_of_epsilon": float(short.sum()),
        "unchanged": float((evidence.right & (size == 0)).sum()),
        "lowest_pixel": float(adversarial.min()),
        "highest_pixel": float(adversarial.max()),
    }
    problems: list[str] = []
    verdict: CheckVerdict = "pass"
    if not bool(adversarial.isfinite().all()):
        verdict = "fail"
        problems.append(f"{whose} returns pixels that are not finite")
    if numbers["largest_change"] > evidence.epsilon + TOLERANCE:
        verdict = "fail"
        problems.append(
            f"{whose} changes pixels by up to {numbers['largest_change']:.4g}, and ε is {evidence.epsilon:.4g}"
        )
    if numbers["lowest_pixel"] < -TOLERANCE or numbers["highest_pixel"] > 1 + TOLERANCE:
        verdict = "fail"
        problems.append(f"{whose} leaves [0, 1]")
    falls_short = at_most(int(short.sum()), int(whole.sum()), UNREACHED)
    if falls_short != "pass":
        verdict = worst(verdict, falls_short)
        problems.append(
            f"{whose} does not reach ε: {int(short.sum())} of the {int(whole.sum())} images that withstand it are"
            f" changed by less than {REACHED:g} ε ({int(numbers['unchanged'])} not at all)"
        )
    says = f"{whose} stays within ε and [0, 1], and reaches ε"
    return CheckItem("constraint", verdict, numbers, "; ".join(problems) or says)


def epsilon_sweep(evidence: Evidence) -> CheckItem:
    """Accuracy falls as ε grows, to chance at most where ε is the whole range of pixels."""
    sweep, n = evidence.sweep, evidence.n
    sizes = [*sweep]
    numbers = {"n": float(n)} | {f"at_{size:.4g}": float(right.sum()) for size, right in sweep.items()}
    problems = []
    verdict: CheckVerdict = "pass"
    for smaller, larger in pairwise(sizes):
        back = int((sweep[larger] & ~sweep[smaller]).sum())
        of_pair = at_most(back, n, BACKWARDS)
        verdict = worst(verdict, of_pair)
        if of_pair != "pass":
            problems.append(f"{back} images withstand ε = {larger:.3g} and not {smaller:.3g}")
    standing = int(sweep[LARGEST].sum())
    at_chance = at_most(standing, n, 1 / evidence.classes)
    verdict = worst(verdict, at_chance)
    if at_chance != "pass":
        problems.append(
            f"{standing} of {n} images withstand ε = {LARGEST:g}, within which any image can become any other"
        )
    says = ", ".join(f"{int(right.sum())} at {size:.3g}" for size, right in sweep.items())
    return CheckItem("epsilon_sweep", verdict, numbers, "; ".join(problems) or f"images that withstand ε: {says}")


def unconstrained_attack_failure(evidence: Evidence) -> CheckItem:
    """An attack without a bound fools every image (indicator 6)."""
    standing, n = int(evidence.sweep[LARGEST].sum()), int(evidence.right.sum())
    numbers = {"n": float(n), "withstand": float(standing)}
    verdict = at_most(standing, n, UNBROKEN)
    says = f"{standing} of {n} images withstand gradients without any bound"
    return CheckItem("unconstrained_attack_failure", verdict, numbers, says)
