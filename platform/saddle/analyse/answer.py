"""The answer to a study's question, for any kind of study."""

from __future__ import annotations

from collections.abc import Sequence

from saddle.analyse.ablation import answer_ablation, arms_of
from saddle.analyse.outcomes import without_retried
from saddle.analyse.relations.answer import answer_relation_study
from saddle.analyse.result import Answer, compared_metric
from saddle.analyse.searches.search import answer_search
from saddle.design import Arm
from saddle.design.study_arms import arms_of_study
from saddle.study.history import UNCHANGED, PlanHistory
from saddle.study.models import Constraint, Study
from saddle.study.relations.unit_facts import NO_FACTS, UnitFacts
from saddle.study.trainable.declarations import Declarations
from saddle.trial.record import TrialRecord

__all__ = [
    "Answer",
    "answer",
    "answer_ablation",
    "answer_search",
    "arms_of",
    "compared_metric",
]


def answer(
    study: Study,
    entries: Sequence[TrialRecord],
    declared: Declarations,
    *,
    arms: Sequence[Arm] | None = None,
    chance: float | None = None,
    history: PlanHistory = UNCHANGED,
    constraints: Sequence[Constraint] = (),
    units: UnitFacts = NO_FACTS,
) -> Answer:
    """What the finished trials say; of one that was run again, its latest outcome."""
    entries = without_retried(entries)
    if study.relation is not None:
        pair = arms if arms is not None else arms_of_study(study, None)
        return answer_relation_study(study, entries, declared, arms=pair, chance=chance, history=history, facts=units)
    if study.ablation is not None:
        return answer_ablation(
            study, entries, declared, arms=arms, chance=chance, history=history, constraints=constraints
        )
    return answer_search(study, entries, declared, chance=chance)
