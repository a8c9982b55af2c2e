"""S1's augmentation (4.2): crops, flips, rotations, brightness, hue and blur, a batch at a time.

`augment` is imported on first use, so that `strengths` stays free of torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trainables.datasets.augmentation.strengths import Strengths

if TYPE_CHECKING:
    from trainables.datasets.augmentation.augmenting import augment

__all__ = ["Strengths", "augment"]


def __getattr__(name: str) -> Any:
    if name != "augment":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from trainables.datasets.augmentation.augmenting import augment

    return augment
