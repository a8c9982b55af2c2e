"""What a sampler can't learn, as sentences; imports no Optuna, so that a plan of an ablation needs none."""

from __future__ import annotations

from collections.abc import Sequence

LEARNS_CONSTRAINTS = frozenset({"tpe", "gp", "nsga2"})
"""Samplers that learn from violated constraints; the others only have such trials left out of the best."""

LEARNS_FAILURES = frozenset({"tpe"})
"""Samplers that learn from pruned trials, and so from collapsed and diverged ones; the others are never given them."""

SAMPLES_THE_REST_AT_RANDOM = frozenset({"gp", "cmaes", "qmc"})
"""Samplers of the parameters that every trial has: those with a condition are drawn at random."""


def notes(sampler: str, constrained: bool, conditional: Sequence[str] = ()) -> list[str]:
    """What a person should know that this sampler can't learn; `conditional` are the parameters with a condition."""
    sentences = []
    if conditional and sampler in SAMPLES_THE_REST_AT_RANDOM:
        sentences.append(
            f"the {sampler} sampler draws parameters with a condition at random and does not learn from them: "
            f"{', '.join(conditional)}; tpe does"
        )
    if constrained and sampler not in LEARNS_CONSTRAINTS:
        sentences.append(
            f"the {sampler} sampler does not learn from violated constraints; they only decide which trial is best"
        )
    if sampler not in LEARNS_FAILURES:
        sentences.append(
            f"the {sampler} sampler does not learn from collapsed or diverged trials and may propose similar ones again"
        )
    return sentences
