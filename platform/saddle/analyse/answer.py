"""The answer to a study's question, whichever kind of study it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from saddle.analyse.ablation import answer_ablation, arms_of
from saddle.analyse.result import Answer, compared_metric, direction_of, objectives_of
from saddle.analyse.search import answer_search
from saddle.design import Arm
from saddle.study.models import Study
from saddle.trial.record import TrialRecord
from trainables.contract import Direction

__all__ = [
    "Answer",
    "answer",
    "answer_ablation",
    "answer_search",
    "arms_of",
    "compared_metric",
    "direction_of",
    "objectives_of",
]


def answer(
    study: Study,
    entries: Sequence[TrialRecord],
    directions: Mapping[str, Direction],
    *,
    arms: Sequence[Arm] | None = None,
    selection: str | None = None,
    chance: float | None = None,
) -> Answer:
    """What the finished trials say; `directions` and `selection` are the trainable's `METRICS` and `SELECTION`."""
    if study.ablation is not None:
        return answer_ablation(study, entries, directions, arms=arms, selection=selection, chance=chance)
    return answer_search(study, entries, directions, selection=selection)
