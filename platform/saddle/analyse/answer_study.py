"""From a study and its ledger to its answer, whichever kind of study it is."""

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
"""Trials that a caution names; of more it gives the number."""


def answer_study(
    study: Study,
    declared: Declarations,
    entries: Sequence[TrialRecord],
    arms: Sequence[Arm],
    history: PlanHistory = UNCHANGED,
    tuned: TunedBy | None = None,
    units: UnitFacts = NO_FACTS,
) -> Answer:
    """The answer to the study's question, from what its ledger holds; it compares only what was measured alike.

    `tuned` is the search that an ablation is built on; its arms are held to that one's constraints.
    """
    chance, alike = chance_of(entries), comparable(entries)
    constraints = () if tuned is None else tuned.constraints
    found = answer(
        study, alike, declared, arms=arms, chance=chance, history=history, constraints=constraints, units=units
    )
    groups, selected = groups_of(alike, arms), selection_of(study, declared)
    cautions = [
        *evaluation_cautions(study.study, entries, declared.evaluation_fields),
        *too_weak(ladders(groups, declared)),
        *validation_cautions(alike, declared.evaluation_fields, judged_metrics(study, declared, found)),
        *early_cautions(tested_early(groups, arms, selected, chance), selected, declared, chance),
    ]
    given = found.conditional
    if study.ablation is not None and found.effects:
        given = conditional_on(study.ablation, declared.fields)
    if declared.imported is not None:
        found, cautions = _of_table(found), [*declared.imported.cautions, *cautions]
    favoured = tuning_cautions(study, arms, tuned) if found.effects else ()
    mixed = tuple(mixed_basis_cautions(entries, arms))
    warnings = (*cautions, *mixed, *found.warnings, *favoured, *given_up(declared))
    return replace(found, warnings=warnings, grown=(*mixed, *found.grown), conditional=given)


def _of_table(answer: Answer) -> Answer:
    """The answer where a replicate that is missing is one that the imported table does not have."""
    rows = tuple(tuple(cell.replace(MISSING, NOT_IN_TABLE) for cell in row) for row in answer.rows)
    said = (warning.replace("Preliminary", "Incomplete") for warning in answer.warnings)
    warnings = tuple(warning.replace(MISSING, NOT_IN_TABLE) for warning in said)
    return replace(answer, rows=rows, warnings=warnings)


def judged_metrics(study: Study, declared: Declarations, found: Answer) -> Sequence[Metric]:
    """What the study's answer goes by: the metric that arms are compared by, or every objective of a search."""
    return objectives_of(study, declared) if study.search is not None else [found.metric]


def tested_early(
    groups: Mapping[str, Sequence[TrialRecord]], arms: Sequence[Arm], selected: Metric, chance: float | None
) -> Mapping[str, Sequence[TrialRecord]]:
    """The groups whose checkpoints are looked at: arms, or of a search those trials together that came too early."""
    if arms:
        return groups
    early = {name: records for name, records in groups.items() if early_checkpoints(records, selected, chance)}
    named = [*list(early)[:MOST_NAMED], *([f"{len(early) - MOST_NAMED} more"] if len(early) > MOST_NAMED else [])]
    return {listed(named): [record for records in early.values() for record in records]} if early else {}


def groups_of(entries: Sequence[TrialRecord], arms: Sequence[Arm]) -> dict[str, list[TrialRecord]]:
    """The trials of each arm by the name that a reader sees, or each trial of a search by its own."""
    if arms:
        return {name: of_arm(entries, arm) for name, arm in zip(labels(arms), arms, strict=True)}
    return {search_trial_name(entry): [entry] for entry in entries}


def tested_metric(study: Study, metric: str) -> str:
    """The test metric that an answer speaks of: what an ablation compares, or the twin of a search's objective."""
    return twin(metric) if study.kind == "search" else metric
