"""By which metrics a study chooses."""

from __future__ import annotations

from dataclasses import replace

from saddle.study.models import Study
from saddle.study.trainable.declarations import Declarations
from trainables.contract import Metric


def objectives_of(study: Study, declared: Declarations) -> tuple[Metric, ...]:
    """A search's objectives, better as its file says; without any the metric by which its trainable selects."""
    objectives = study.objective or ()
    metrics = tuple(
        replace(declared.metric(objective.metric), direction=objective.direction) for objective in objectives
    )
    return metrics or (declared.selected,)


def selection_of(study: Study, declared: Declarations) -> Metric:
    """The metric that chooses checkpoints and the best trial: the single objective, else the trainable's own.

    An ablation, or a search with several objectives, may name another one: robustness as a choice favours what is
    trained for it.
    """
    named = study.selected_by if study.ablation is None else study.ablation.selected_by
    if named is not None:
        return declared.metric(named)
    objectives = objectives_of(study, declared)
    return objectives[0] if len(objectives) == 1 else declared.selected
