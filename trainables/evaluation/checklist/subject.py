"""The subject of a checklist: a forward pass with images, labels and ε, and further facts about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

Forward = Callable[[Tensor], Any]
"""Pixels (N, C, H, W) in [0, 1] → logits (N, classes), or a sequence of such, one per head, the main one first."""

ClaimedAttack = Callable[[Forward, Tensor, Tensor, float], Tensor]
"""Forward pass, images (N, C, H, W), main labels (N,) and ε → adversarial images."""


@dataclass(frozen=True, eq=False)
class Context:
    """Facts about the model in addition to its forward pass; an item that lacks what it needs is not run.

    `attack`: the one that its robustness is claimed by. `claimed`: (N,) bool, the images that count as robust there.
    `surrogate`: another network's forward pass, trained from another seed without the defence. `selected_by`: the
    metric that chose the checkpoint, and `selection`: the images (M, C, H, W) that it was measured on. `best` and
    `last`: test metrics of that checkpoint and of the last epoch; `curve`: metrics of every epoch, and `chosen`, which
    of them was. `seeds`: how many replicates there are. `training_accuracy`: robust accuracy on training images under
    the attack that it was trained with, which a single-step attack keeps high while the iterated one falls.
    """

    attack: ClaimedAttack | None = None
    claimed: Tensor | None = None
    surrogate: Forward | None = None
    selected_by: str = ""
    selection: Tensor | None = None
    best: Mapping[str, float] = field(default_factory=dict)
    last: Mapping[str, float] = field(default_factory=dict)
    curve: Sequence[Mapping[str, float]] = ()
    chosen: int | None = None
    seeds: int | None = None
    training_accuracy: float | None = None


@dataclass(frozen=True, eq=False)
class Subject:
    """A model as it is evaluated.

    `images` (N, C, H, W) in [0, 1]; `labels` (N,) int64, or (N, heads), the main task's first; `epsilon`, L∞ on these
    pixels; `classes` of the main task, where it may have more logits than that.
    """

    forward: Forward
    images: Tensor
    labels: Tensor
    epsilon: float
    classes: int | None = None
    context: Context = field(default_factory=Context)
    seed: int = 0

    @property
    def main_labels(self) -> Tensor:
        """(N,) int64."""
        return self.labels if self.labels.ndim == 1 else self.labels[:, 0]
