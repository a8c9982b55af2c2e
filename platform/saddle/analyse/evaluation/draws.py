"""What intervals are conditional on: one draw of test images and one split, unless a study has these as blocks."""

from __future__ import annotations

from collections.abc import Iterable

from saddle.analyse.text.formatting import listed
from saddle.study.ablation import Ablation

DRAWS = {
    "test_subset": "one draw of test images",
    "split_seed": "one split into training and held-out images",
}
"""Fields of a trainable that choose such a draw, by name, with a description."""


def conditional_on(ablation: Ablation, fields: Iterable[str]) -> str:
    """On which draws the intervals over seeds are conditional, as a sentence, and how a study can go beyond them.

    `fields`: those of the trainable. Empty for a trainable that has no such field, or a study that blocks over all.
    """
    not_blocked = [name for name in DRAWS if name in fields and name not in ablation.blocks]
    if not not_blocked:
        return ""
    description = listed(DRAWS[name] for name in not_blocked)
    return (
        f"Intervals are over seeds, given {description}: they do not say how far another draw would be from this one;"
        f" blocks over {' or '.join(not_blocked)} do."
    )
