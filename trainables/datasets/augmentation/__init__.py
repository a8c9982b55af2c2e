"""S1's augmentation (4.2): crops, flips, rotations, brightness, hue and blur, a batch at a time."""

from trainables.datasets.augmentation.augmenting import augment
from trainables.datasets.augmentation.strengths import Strengths

__all__ = ["Strengths", "augment"]
