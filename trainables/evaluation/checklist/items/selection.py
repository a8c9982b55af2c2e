"""How the checkpoint was chosen and how certain its number is. Item 12."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from torch import Tensor

from trainables.contract import CheckItem, CheckVerdict
from trainables.evaluation.checklist.bounds import worst
from trainables.evaluation.checklist.evidence import Evidence

ROBUST = "robust_accuracy.worst_case"
OVERFITTED = 0.05
"""Best minus last robust accuracy: more is robust overfitting (Rice et al., 2020), and is reported."""
LEAST_SEEDS = 3


def selection(evidence: Evidence) -> CheckItem:
    """The checkpoint was chosen on other images than it is tested on; three seeds; the last one is not far worse."""
    context = evidence.context
    if not (context.selected_by or context.selection is not None or context.curve or context.seeds is not None):
        says = "neither the choice of the checkpoint nor the number of seeds is known"
        return CheckItem("selection", "not run", {"n": float(evidence.n)}, says)
    numbers, problems = {"n": float(evidence.n)}, []
    verdict: CheckVerdict = "pass"
    if context.selected_by.startswith("test/"):
        verdict = "fail"
        problems.append(f"the checkpoint was chosen by {context.selected_by}, so its test result is too optimistic")
    if context.selection is not None:
        shared = len(digests(context.selection) & digests(evidence.images))
        numbers["shared_with_selection"] = float(shared)
        if shared > 1 and shared > 0.01 * evidence.n:  # datasets contain a few duplicates
            verdict = "fail"
            problems.append(f"{shared} of {evidence.n} test images were among those that chose the checkpoint")
    if _follows_test(context.curve, context.chosen, context.selected_by):
        verdict = "fail"
        problems.append("the chosen epoch is the best on test data and not the best on validation data")
    best, last = context.best.get(f"test/{ROBUST}"), context.last.get(f"test/{ROBUST}")
    if best is not None and last is not None:
        numbers["best_minus_last"] = best - last
        if best - last > OVERFITTED:
            verdict = worst(verdict, "warn")
            problems.append(f"the last checkpoint is {100 * (best - last):.1f} points worse: robust overfitting")
    if context.seeds is not None:
        numbers["seeds"] = float(context.seeds)
        if context.seeds < LEAST_SEEDS:
            verdict = worst(verdict, "warn")
            word = "seed" if context.seeds == 1 else "seeds"
            problems.append(f"{context.seeds} {word}, and not {LEAST_SEEDS}: its variation over seeds is unknown")
    says = "chosen on other images than it is tested on"
    return CheckItem("selection", verdict, numbers, "; ".join(problems) or says)


def digests(images: Tensor) -> set[bytes]:
    """A fingerprint of each image's pixels at 8 bits."""
    pixels = images if not images.is_floating_point() else (255 * images).round()
    rows = pixels.to("cpu").to(dtype=pixels.dtype).flatten(1).byte().numpy()
    return {hashlib.blake2b(row.tobytes(), digest_size=16).digest() for row in rows}


def _follows_test(curve: Sequence[Mapping[str, float]], chosen: int | None, selected_by: str) -> bool:
    """Whether the curve has test metrics and the chosen epoch, from 1, is the best by them and not by validation."""
    if chosen is None or not 1 <= chosen <= len(curve):
        return False
    metric = selected_by.partition("/")[2] or ROBUST
    by_test, by_validation = (
        [epoch.get(f"{split}/{metric}", float("-inf")) for epoch in curve] for split in ("test", "validation")
    )
    here = chosen - 1
    return by_test[here] == max(by_test) > float("-inf") and by_validation[here] < max(by_validation)
