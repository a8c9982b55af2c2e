"""Attacks without gradients of the model compared with those with gradients. Item 8 and indicator 5."""

from __future__ import annotations

from trainables.contract import CheckItem
from trainables.evaluation.checklist.bounds import at_most, worst
from trainables.evaluation.checklist.evidence import Evidence
from trainables.evaluation.checklist.strongest import QUERIES

BEATS = 0.002
"""Share of images that an attack without gradients may fool and the strongest one with them doesn't (AutoAttack's)."""


def black_box(evidence: Evidence) -> CheckItem:
    """Square and transfer fool hardly any image that withstands the strongest attack with gradients (item 8).

    What they fool is attacked once more with gradients, for longer, before it counts.
    """
    fooled, beaten, n = int(evidence.square.sum()), int(evidence.square_alone.sum()), evidence.n
    numbers = {
        "n": float(n),
        "withstand_gradients": float(evidence.standing.sum()),
        "by_square": float(fooled),
        "by_square_alone": float(beaten),
    }
    numbers |= {f"by_{name}": float(count) for name, count in evidence.white_box.found.items()}
    verdict = at_most(beaten, n, BEATS)
    says = (
        f"Square ({QUERIES} queries) fools {fooled} of the {int(evidence.standing.sum())} images that withstood "
        "gradients"
    )
    if fooled:
        says += f", and {beaten} of these withstand longer attacks, too"
    if evidence.transferred is not None:
        moved = int(evidence.transferred_alone.sum())
        numbers["by_transfer_alone"] = float(moved)
        verdict = worst(verdict, at_most(moved, n, BEATS))
        says += f", transfer {moved}"
    return CheckItem("black_box", verdict, numbers, says + (": gradients are masked" if verdict == "fail" else ""))


def transfer_failure(evidence: Evidence) -> CheckItem:
    """Images that fool another network transfer no better than those made against the model itself (indicator 5)."""
    if evidence.transferred is None:
        says = "no other network is given, such as a replicate of the baseline arm"
        return CheckItem("transfer_failure", "not run", {}, says)
    moved, n = int(evidence.transferred_alone.sum()), evidence.n
    by_transfer = int((evidence.right & evidence.network.fooled(evidence.transferred, evidence.main)).sum())
    direct = int((evidence.right & ~evidence.standing).sum())
    numbers = {
        "n": float(n),
        "transferred": float(by_transfer),
        "direct": float(direct),
        "by_transfer_alone": float(moved),
    }
    says = f"images made against another network fool {by_transfer}, those made against it {direct} of {n}"
    return CheckItem("transfer_failure", at_most(moved, n, BEATS), numbers, says)
