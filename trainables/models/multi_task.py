"""Hard parameter sharing: the base of every network here (S3, section 3.1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from trainables.input_transformations.preprocessing import Preprocessing
from trainables.models.angular import AngularHead
from trainables.models.memory_layout import in_usual_layout


class MultiTaskNetwork(nn.Module):
    """One trunk that all tasks share, and a head for each, a linear one by default.

    A subclass defines `trunk` and, once its layers are made, calls `make_heads`: layers are initialised in the order
    they are made, so that the trunk of a seed doesn't depend on the tasks. `preprocessing`: applied to images
    before the trunk. `dropout`: the probability of a feature being left out before the heads, in training.
    """

    heads: nn.ModuleList
    """A layer per task, from features to logits, the main task's first."""
    preprocessing: Preprocessing | None
    dropout: float
    attack_step: Callable[..., Tensor] | None
    """Takes PGD's steps in training instead of PGD itself (see `attacks.algorithms.stacked`)."""

    def __init__(self) -> None:
        super().__init__()
        self.preprocessing = None
        self.dropout = 0.0
        self.attack_step = None

    def make_heads(self, features: int, classes: Sequence[int]) -> None:
        """Add a head of `features` inputs for each of `classes`, the class counts per task, the main one's first."""
        self.heads = nn.ModuleList(nn.Linear(features, count) for count in classes)

    def use_angular_heads(self, scale: float) -> None:
        """Replace the heads by angular ones of the same initial weights, without their biases."""
        self.heads = nn.ModuleList(AngularHead(head, scale) for head in self.heads)

    def trunk(self, images: Tensor) -> Tensor:
        """Features (N, F) of images (N, C, H, W) in [0, 1]."""
        raise NotImplementedError(f"{type(self).__name__} has no trunk")

    def features(self, images: Tensor) -> Tensor:
        """Features (N, F) of images (N, C, H, W) in [0, 1] after the preprocessing, if there is any."""
        return self._trunk(images) if self.preprocessing is None else self.preprocessing.features(self._trunk, images)

    def _trunk(self, images: Tensor) -> Tensor:
        return self.trunk(in_usual_layout(images))

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Logits (N, classes of the task) of each task, the main one first, for images (N, C, H, W) in [0, 1]."""
        features = self.features(images)
        if self.dropout and self.training:
            features = F.dropout(features, self.dropout)
        return tuple(head(features) for head in self.heads)
