"""Which replicates of an ablation its answer still needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from saddle.analyse.ablation import standing_of
from saddle.design import Arm, Replicate, labels
from saddle.study.history import UNCHANGED, PlanHistory
from saddle.study.models import Study
from saddle.study.trainable.declarations import Declarations
from saddle.trial.record import TrialRecord


def needs_of(
    study: Study,
    arms: Sequence[Arm],
    entries: Sequence[TrialRecord],
    declared: Declarations,
    history: PlanHistory = UNCHANGED,
) -> Callable[[Replicate], bool]:
    """Whether a replicate matters, as far as the finished trials say: all do, unless a race was settled without it."""
    ablation = study.ablation
    if ablation is None or ablation.spending is None:
        return lambda replicate: True
    names = dict(zip((arm.key for arm in arms), labels(arms), strict=True))
    places = {seed: place for place, seed in enumerate(ablation.seed_list)}
    standing = standing_of(study, arms, entries, declared, history)
    return lambda replicate: standing.needs(names[replicate.arm.key], places[replicate.seed])
