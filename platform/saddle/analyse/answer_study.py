"""From a study and its ledger to its answer, for any kind of study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from saddle.analyse.answer import Answer, answer
from saddle.analyse.arms.paired_values import MISSING, of_arm
from saddle.analyse.evaluation.draws import conditional_on
from saddle.analyse.evaluation.early_checkpoints import early_cautions, early_checkpoints
from saddle.analyse.evaluation.evaluations import comparable, evaluation_cautions
from saddle.analyse.evaluation.ladder import ladders, too_weak
from saddle.analyse.evaluation.validation_terms import validation_cautions
from saddle.analyse.searches.chance_and_ties import chance_of
from saddle.analyse.searches.search import search_trial_name, twin
from saddle.analyse.text.formatting import listed
from saddle.analyse.training_basis import mixed_basis_cautions
from saddle.analyse.tuning import TunedBy, tuning_cautions
from saddle.design import Arm, labels
from saddle.study.history import UNCHANGED, PlanHistory
from saddle.study.models import Study
from saddle.study.relations.unit_facts import NO_FACTS, UnitFacts
from saddle.study.selection import objectives_of, selection_of
from saddle.study.trainable.declarations import Declarations
from saddle.study.trainable.lacking_parts import given_up
from saddle.trial.record import TrialRecord
from trainables.contract import Metric

NOT_IN_TABLE = "not in the table"
MOST_NAMED = 3
"""Trials that a caution names; further ones are counted."""


def answer_study(
    study: Study,
    declared: Declarations,
    entries: Sequence[TrialRecord],
    arms: Sequence[Arm],
    history: PlanHistory = UNCHANGED,
    tuned: TunedBy | None = None,
    units: UnitFacts = NO_FACTS,
) -> Answer:
    """The answer to the study's question, from its ledger; it compares only results that were measured in the same way.

    `tuned` is the search that an ablation is built on; the ablation's arms are checked against its constraints.
    """
    chance, comparables = chance_of(entries), comparable(entries)
    constraints = () if tuned is None else tuned.constraints
    result = answer(
        study, comparables, declared, arms=arms, chance=chance, history=history, constraints=constraints, units=units
    )
    groups, selected = groups_of(comparables, arms), selection_of(study, declared)
    cautions = [
        *evaluation_cautions(study.study, entries, declared.evaluation_fields),
        *too_weak(ladders(groups, declared)),
        *validation_cautions(comparables, declared.evaluation_fields, judged_metrics(study, declared, result)),
        *early_cautions(tested_early(groups, arms, selected, chance), selected, declared, chance),
    ]
    conditional = result.conditional
    if study.ablation is not None and result.effects:
        conditional = conditional_on(study.ablation, declared.fields)
    if declared.imported is not None:
        result, cautions = _of_table(result), [*declared.imported.cautions, *cautions]
    favoured = tuning_cautions(study, arms, tuned) if result.effects else ()
    mixed = tuple(mixed_basis_cautions(entries, arms))
    warnings = (*cautions, *mixed, *result.warnings, *favoured, *given_up(declared))
    return replace(result, warnings=warnings, grown=(*mixed, *result.grown), conditional=conditional)


def _of_table(answer: Answer) -> Answer:
    """The answer where a missing replicate is one that the imported table does not contain."""
    rows = tuple(tuple(cell.replace(MISSING, NOT_IN_TABLE) for cell in row) for row in answer.rows)
    incomplete = (warning.replace("Preliminary", "Incomplete") for warning in answer.warnings)
    warnings = tuple(warning.replace(MISSING, NOT_IN_TABLE) for warning in incomplete)
    return replace(answer, rows=rows, warnings=warnings)


def judged_metrics(study: Study, declared: Declarations, result: Answer) -> Sequence[Metric]:
    """The metrics that decide the study's answer: the one that arms are compared by, or every objective of a search."""
    return objectives_of(study, declared) if study.search is not None else [result.metric]


def tested_early(
    groups: Mapping[str, Sequence[TrialRecord]], arms: Sequence[Arm], selected: Metric, chance: float | None
) -> Mapping[str, Sequence[TrialRecord]]:
    """The groups whose checkpoints are examined: arms, or the trials of a search that came too early, together."""
    if arms:
        return groups
    early = {name: records for name, records in groups.items() if early_checkpoints(records, selected, chance)}
    names = [*list(early)[:MOST_NAMED], *([f"{len(early) - MOST_NAMED} more"] if len(early) > MOST_NAMED else [])]
    return {listed(names): [record for records in early.values() for record in records]} if early else {}


def groups_of(entries: Sequence[TrialRecord], arms: Sequence[Arm]) -> dict[str, list[TrialRecord]]:
    """The trials of each arm by the name that a reader sees, or each trial of a search by its own."""
    if arms:
        return {name: of_arm(entries, arm) for name, arm in zip(labels(arms), arms, strict=True)}
    return {search_trial_name(entry): [entry] for entry in entries}


def tested_metric(study: Study, metric: str) -> str:
    """The test metric that an answer speaks of: what an ablation compares, or the twin of a search's objective."""
    return twin(metric) if study.kind == "search" else metric
