"""Checkpoints that were chosen before their network had learnt: without adversarial training, robust accuracy is best
while a network is untrained."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from saddle.analyse.cautions import informative_above
from saddle.analyse.text.formatting import Scale, label
from saddle.study.trainable.declarations import Declarations
from saddle.trial.outcome import Outcome
from saddle.trial.record import TrialRecord
from trainables.contract import Metric

EARLY = 0.1
"""The share of training that is its beginning."""
FEWEST_EPOCHS = 5
"""In a shorter training the first epoch does not count as its beginning."""
UNTRAINED = 0.05
"""By how much clean accuracy still grows after an epoch that came too early."""


@dataclass(frozen=True)
class EarlyCheckpoints:
    """Trials of a group whose checkpoint came too early, of all that completed, and their epochs.

    `value`: the selecting metric there, `clean` and `clean_at_end`: clean accuracy on held-out data there and after the
    last epoch, all means over the early ones; `at_floor`: the metric is below twice guessing, so that its best epoch is
    one by chance.
    """

    epochs: Sequence[int]
    completed: int
    value: float
    clean: float
    clean_at_end: float
    at_floor: bool

    @property
    def early(self) -> int:
        """How many they are."""
        return len(self.epochs)

    @property
    def span(self) -> str:
        """`epoch 2`, or `epochs 2 to 7`."""
        first, last = self.epochs[0], self.epochs[-1]
        return f"epoch {first}" if first == last else f"epochs {first} to {last}"


def early_checkpoints(
    records: Sequence[TrialRecord], selected: Metric, chance: float | None
) -> EarlyCheckpoints | None:
    """The checkpoints of a group that `selected` chose too early; None unless they are at least half of it.

    A checkpoint came too early if clean accuracy still grew after it, and it is of the first tenth of training, or of
    any epoch while the metric is at its floor. An epoch in the middle that has more robust accuracy than later ones
    does not count: that is robust overfitting, which selection is meant for.
    """
    completed = [record for record in records if record.outcome == Outcome.COMPLETED and record.epochs >= FEWEST_EPOCHS]
    if selected.role != "robust":
        return None
    floor = -math.inf if chance is None else informative_above(chance)
    early = [record for record in completed if _came_early(record, selected, floor)]
    if not early or 2 * len(early) < len(completed):
        return None
    chosen = [record.curve[(record.selected_epoch or 0) - 1] for record in early]
    value, clean = (fmean(point[name] for point in chosen) for name in (selected.name, selected.clean))
    at_end = fmean(record.curve[-1][selected.clean] for record in early)
    epochs = sorted(record.selected_epoch or 0 for record in early)
    return EarlyCheckpoints(epochs, len(completed), value, clean, at_end, value < floor)


def _came_early(record: TrialRecord, selected: Metric, floor: float) -> bool:
    epoch = record.selected_epoch or 0
    value = record.metrics.get(selected.name)
    if not epoch or value is None or (epoch > max(1.0, EARLY * record.epochs) and value >= floor):
        return False  # without reading the curve, which is in a separate file
    if len(record.curve) < epoch:
        return False
    chosen, last = record.curve[epoch - 1], record.curve[-1]
    if any(name not in point for point in (chosen, last) for name in (selected.name, selected.clean)):
        return False
    return last[selected.clean] - chosen[selected.clean] >= UNTRAINED


def early_cautions(
    groups: Mapping[str, Sequence[TrialRecord]], selected: Metric, declared: Declarations, chance: float | None
) -> Iterator[str]:
    """A caution for each group that was tested before it had learnt; `selected` chose the checkpoints."""
    for name, records in groups.items():
        too_early = early_checkpoints(records, selected, chance)
        if too_early is None:
            continue
        scale, clean = Scale.of(selected), declared.metric(selected.clean)
        clause = "which is at its floor there" if too_early.at_floor else "which falls while it learns"
        yield (
            f"Checkpoints of {name} come before their networks have learnt: {too_early.early} of {too_early.completed}"
            f" are of {too_early.span}, where {label(clean.name)} is {scale.value(too_early.clean)}, and"
            f" {scale.value(too_early.clean_at_end)} after the last epoch. They were chosen by {label(selected.name)}"
            f" ({scale.value(too_early.value)}), {clause},"
            " as in training that does not use the attack of validation. A comparison with them favours what is trained"
            " with it; selected_by chooses checkpoints by another metric."
        )
