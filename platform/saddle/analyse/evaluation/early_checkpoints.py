"""Checkpoints that were chosen before their network had learnt: robust accuracy of one that no attack trains is best
where it is untrained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from saddle.analyse.cautions import informative_above
from saddle.analyse.text.formatting import Scale, label
from saddle.study.declarations import Declarations
from saddle.trial.outcome import Outcome
from saddle.trial.record import TrialRecord
from trainables.contract import Metric

EARLY = 0.1
"""The share of training that is its beginning."""
FEWEST_EPOCHS = 5
"""Of a shorter training the first epoch is no beginning."""
UNTRAINED = 0.05
"""By how much clean accuracy still grows after an epoch that came too early."""


@dataclass(frozen=True)
class EarlyCheckpoints:
    """Trials of a group whose checkpoint is of the first tenth of training, of all that completed.

    `value`: the selecting metric there, `clean` and `clean_at_end`: clean accuracy on held-out data there and after the
    last epoch, all means over the early ones; `at_floor`: no better than twice guessing.
    """

    early: int
    completed: int
    value: float
    clean: float
    clean_at_end: float
    at_floor: bool


def early_checkpoints(
    records: Sequence[TrialRecord], selected: Metric, chance: float | None
) -> EarlyCheckpoints | None:
    """What is known of those of a group; None unless half of them or more came early and were untrained or guessing."""
    completed = [one for one in records if one.outcome == Outcome.COMPLETED and one.epochs >= FEWEST_EPOCHS]
    early = [one for one in completed if 0 < (one.selected_epoch or 0) <= max(1.0, EARLY * one.epochs)]
    if selected.role != "robust" or not early or 2 * len(early) < len(completed):
        return None
    points = [(one.curve[(one.selected_epoch or 0) - 1], one.curve[-1]) for one in early]
    names = (selected.name, selected.clean)
    if any(name not in point for pair in points for point in pair for name in names):
        return None
    value, clean = (fmean(chosen[name] for chosen, _ in points) for name in names)
    at_end = fmean(last[selected.clean] for _, last in points)
    at_floor = chance is not None and value < informative_above(chance)
    if at_end - clean < UNTRAINED:
        return None
    return EarlyCheckpoints(len(early), len(completed), value, clean, at_end, at_floor)


def early_cautions(
    groups: Mapping[str, Sequence[TrialRecord]], selected: Metric, declared: Declarations, chance: float | None
) -> Iterator[str]:
    """A caution for each group that was tested before it had learnt; `selected` chose the checkpoints."""
    for name, records in groups.items():
        found = early_checkpoints(records, selected, chance)
        if found is None:
            continue
        scale, clean = Scale.of(selected), declared.metric(selected.clean)
        why = "which is at its floor there" if found.at_floor else "which falls while it learns"
        yield (
            f"Checkpoints of {name} come before their networks have learnt: {found.early} of {found.completed} are of the"
            f" first tenth of training, where {label(clean.name)} is {scale.value(found.clean)}, and"
            f" {scale.value(found.clean_at_end)} after the last epoch. They were chosen by"
            f" {label(selected.name)} ({scale.value(found.value)}), {why}, as where training is not for the"
            " attack of validation. A comparison with them flatters what is trained for it; selected_by chooses"
            " checkpoints by another metric."
        )
