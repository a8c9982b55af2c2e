"""Models that reject images: an extra class, no number, or no difference between classes. Item 11."""

from __future__ import annotations

import torch
from torch import Tensor

from trainables.contract import CheckItem
from trainables.evaluation.checklist.bounds import at_most
from trainables.evaluation.checklist.evidence import Evidence

FLAT = 1e-3
"""Share of the usual spread of logits: rows that spread less name no class."""
REJECTED = 0.01
"""Share of perturbed images that may be rejected in addition to the share of clean ones."""


def rejection(evidence: Evidence) -> CheckItem:
    """Perturbed images get a class, like clean ones, and are not rejected.

    A rejected image is neither classified correctly nor an error of the kind that attacks look for, so a detector must
    be attacked together with the classifier. Not run if nothing can reject and nothing does.
    """
    extra = evidence.heads[0].shape[1] - evidence.classes
    plain = refused(evidence, evidence.images)
    noisy = (evidence.images + evidence.epsilon * evidence.noise("rejection").to(evidence.images)).clamp(0, 1)
    counts = {
        "plain": int(plain.sum()),
        "noise": int((refused(evidence, noisy) & ~plain).sum()),
        "fgsm": int((refused(evidence, evidence.fgsm.last) & ~plain).sum()),
        "pgd": int((refused(evidence, evidence.pgd.last) & ~plain).sum()),
        "strongest": int((refused(evidence, evidence.adversarial) & ~plain).sum()),
    }
    numbers = {"n": float(evidence.n), "extra_classes": float(extra)}
    numbers |= {f"refused_{name}": float(count) for name, count in counts.items()}
    most = max(counts.values())
    if not extra and not most:
        return CheckItem("rejection", "not run", numbers, "the model has no class for rejected images and rejects none")
    verdict = at_most(most, evidence.n, REJECTED)
    where = max(counts, key=lambda name: counts[name])
    if verdict == "pass":
        return CheckItem("rejection", verdict, numbers, f"{most} of {evidence.n} images are rejected at most")
    says = f"{most} of {evidence.n} images are rejected under {where} ("
    says += "an extra class" if extra else "logits that are not finite, or equal for all classes"
    return CheckItem("rejection", verdict, numbers, says + "): attack classifier and detector jointly")


def refused(evidence: Evidence, images: Tensor) -> Tensor:
    """Which images get no class, (N,) bool: an extra class, logits that are not finite, or flat ones."""
    logits = evidence.network.logits(images).float()
    finite = logits.isfinite().all(1)
    usual = evidence.heads[0].float()
    known = usual[usual.isfinite().all(1)]
    spread = float(known.std(1).median()) if len(known) else 0.0
    beyond = logits.nan_to_num(-torch.inf).argmax(1) >= evidence.classes
    return ~finite | beyond | (logits.nan_to_num(0.0).std(1) < FLAT * spread)
