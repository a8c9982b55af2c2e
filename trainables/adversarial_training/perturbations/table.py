"""The perturbations that a network may be trained on, one or a family in a file of `kinds`. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping

import trainables.adversarial_training.perturbations.kinds as kinds
from trainables.adversarial_training.perturbations.kind import PerturbationKind
from trainables.discovery import discover

KINDS: Mapping[str, PerturbationKind] = {
    kind.name: kind
    for kind in sorted(
        discover(kinds, PerturbationKind).values(),
        key=lambda kind: (not kind.by_s3, kind.each_task, kind.needs_tasks),
    )
}
"""By the name that a study gives: S3's first, those that need no tasks or one attack before the rest; then others."""

RETIRED: Mapping[str, str] = {
    "sta_random_direction": (
        "it was matched before the projection to the ε-box and so was smaller than mp; use sta_random_direction_l2 "
        "or sta_random_direction_l1, which have mp's size after it"
    )
}
"""Perturbations that trials of earlier versions may have been trained on."""


def described() -> str:
    """All of them in a line, for the description of the hyperparameter."""
    return "; ".join(f"{kind.name} {kind.says}" for kind in KINDS.values())


def meanings() -> dict[str, str]:
    """The meaning of each of them, for readers of reports."""
    return {kind.name: f"{kind.long_name}: {kind.says}" if kind.long_name else kind.says for kind in KINDS.values()}
