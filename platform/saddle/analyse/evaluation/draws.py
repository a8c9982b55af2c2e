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
    """On which draws the intervals over seeds are conditional, as a sentence, and how a study shows what holds beyond.

    `fields`: those of the trainable. Empty for a trainable that has no such field, or a study that blocks over all.
    """
    left = [name for name in DRAWS if name in fields and name not in ablation.blocks]
    if not left:
        return ""
    what = listed(DRAWS[name] for name in left)
    return (
        f"Intervals are over seeds, given {what}: they do not say how far another draw would be from this one; blocks"
        f" over {' or '.join(left)} do."
    )
