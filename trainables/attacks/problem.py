"""The problem of every attack: images, labels and a network, and the record of what fooled it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from trainables.attacks.algorithms.losses import (
    cross_entropy,
    dlr,
    targeted_cross_entropy,
    targeted_loss,
    targeted_margin,
)
from trainables.attacks.algorithms.margin import margin
from trainables.attacks.attack import Loss
from trainables.attacks.objective import Judged, Objective

HeadsOf = Callable[[Tensor], Sequence[Tensor]]
"""Images (n, C, H, W) → the logits (n, classes) of every head that the attack knows, the main one's first."""

Draw = Callable[[str], torch.Generator]
"""A purpose, such as a start's number → its random stream, on the CPU."""


class Record:
    """The network's predictions on N samples while it was attacked: any iterate counts.

    `fooled` (N,) bool; `predictions` (N,): the wrong class of the first image that fooled it, the right one if none
    did. `reached` (N,) bool: whether it ever predicted the class aimed at, while `aims` was set.
    """

    def __init__(self, labels: Tensor) -> None:
        self.labels = labels
        self.predictions = labels.clone()
        self.fooled = torch.zeros_like(labels, dtype=torch.bool)
        self.reached = torch.zeros_like(labels, dtype=torch.bool)

    def note(self, answers: Tensor, which: Tensor, aims: Tensor | None = None) -> None:
        """Record the classes (n,) that the network predicted for the samples `which`, (n,)."""
        first = (answers != self.labels[which]) & ~self.fooled[which]
        self.predictions[which[first]] = answers[first]
        self.fooled[which[first]] = True
        if aims is not None:
            self.reached[which[answers == aims[which]]] = True

    def take_over(self, turns: Record) -> None:
        """Take over the record of the same samples in several turns as if they had run one after the other."""
        count = len(turns.labels) // len(self.labels)
        for of_turn, fooled_then in zip(turns.predictions.chunk(count), turns.fooled.chunk(count), strict=True):
            first = fooled_then & ~self.fooled
            self.predictions[first] = of_turn[first]
            self.fooled |= first


@dataclass(frozen=True, eq=False)
class Problem:
    """N images (N, C, H, W) in [0, 1] with their labels (N, heads), the main head's first.

    `clean`: their logits, one tensor for each head. `alive` (N,) bool: the samples to attack; random draws are made
    for all N, so that no sample's draws depend on which others are attacked. `draw`: the random streams of this attack.
    """

    heads_of: HeadsOf
    images: Tensor
    labels: Tensor
    clean: Sequence[Tensor]
    epsilon: float
    draw: Draw
    alive: Tensor
    record: Record = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "record", Record(self.labels[:, 0]))

    @property
    def classes(self) -> int:
        """Classes of the main head."""
        return self.clean[0].shape[1]

    @property
    def standing(self) -> Tensor:
        """Which samples are still to be attacked, (N,) bool."""
        return self.alive & ~self.record.fooled

    def repeated(self, turns: int) -> Problem:
        """The same samples `turns` times, one turn after the other, with a separate record."""
        return replace(
            self,
            images=self.images.repeat(turns, 1, 1, 1),
            labels=self.labels.repeat(turns, 1),
            clean=[logits.repeat(turns, 1) for logits in self.clean],
            alive=self.standing.repeat(turns),
        )

    def objective(
        self, loss: Loss, aims: Tensor | None = None, *, to_target: bool = False, noted: bool = True
    ) -> Objective:
        """The loss summed over heads, towards `aims` (N, heads) or away from the labels.

        An attack skips a sample once it is fooled: by any iterate, or `to_target` by the class aimed at; and
        one that isn't alive from the start. Results that aren't `noted` don't count.
        """

        def judge(adversarial: Tensor, which: Tensor) -> Judged:
            logits = self.heads_of(adversarial)
            attacked = self.alive[which] if noted else torch.zeros_like(which, dtype=torch.bool)
            self.record.note(
                logits[0].detach().argmax(1)[attacked], which[attacked], None if aims is None else aims[:, 0]
            )
            labels = self.labels[which]
            raised = [
                _raised(loss, head, labels[:, m], None if aims is None else aims[which, m])
                for m, head in enumerate(logits)
            ]
            succeeded = self.record.reached if to_target else self.record.fooled
            return Judged(torch.stack(raised).sum(0), succeeded[which] | ~attacked)

        return judge


def _raised(loss: Loss, logits: Tensor, labels: Tensor, aims: Tensor | None) -> Tensor:
    """A table entry's loss of one head, (n,); the DLR loss is the margin if there are too few classes for it."""
    classes = logits.shape[1]
    if aims is None:
        if loss == "cross_entropy":
            return cross_entropy(logits, labels)
        return dlr(logits, labels) if loss == "dlr" and classes >= 3 else margin(logits, labels)
    if loss == "cross_entropy":
        return targeted_cross_entropy(logits, labels, aims)
    return targeted_loss(classes)(logits, labels, aims) if loss == "dlr" else targeted_margin(logits, labels, aims)
