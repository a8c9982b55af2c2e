"""The answer of a relation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from saddle.analyse.best import trial_order
from saddle.analyse.cautions import informative_above, single_attack
from saddle.analyse.evaluation.badge import reasons_against, with_badge
from saddle.analyse.evaluation.evaluations import at_quick
from saddle.analyse.outcomes import all_failed, ended
from saddle.analyse.relations.findings import Findings, PublishedPoint
from saddle.analyse.relations.measured_units import MeasuredUnit, measure_units
from saddle.analyse.relations.relation import answer_relation
from saddle.analyse.relations.sentence import plain_sentence, statistics_sentences
from saddle.analyse.relations.unit_table import unit_table
from saddle.analyse.result import Answer, compared_metric
from saddle.analyse.statistics.scales import ScaleName, is_defined, to_scale
from saddle.analyse.text.formatting import Scale, label, listed, plural
from saddle.design import Arm, labels
from saddle.design.blocks import replicate_name
from saddle.study.history import PlanHistory, SeedPlan
from saddle.study.models import Study
from saddle.study.published import Published, PublishedValue
from saddle.study.relations.relation import ARM, GAIN, OVER, PUBLISHED, Relation, RelationUnit
from saddle.study.relations.unit_facts import UnitFacts
from saddle.study.trainable.declarations import Declarations
from saddle.study.values import same
from saddle.trial.outcome import Outcome
from saddle.trial.record import TrialRecord

PLAN_NOTE = "Earlier plans are kept; adding units or seeds is allowed, and changes made after data existed are stated."
SCALE_WORDS = {"linear": "", "log": " (as a ratio)", "logit": " (in logits)"}


def answer_relation_study(
    study: Study,
    entries: Sequence[TrialRecord],
    declared: Declarations,
    *,
    arms: Sequence[Arm],
    chance: float | None,
    history: PlanHistory,
    facts: UnitFacts,
) -> Answer:
    """Whether the gain depends on the declared predictor over the units that have been trained."""
    relation = study.relation
    assert relation is not None
    metric = compared_metric(study, declared, entries)
    measured = measure_units(study, arms, entries, metric.name, declared, facts)
    predictor, also = str(relation.predictor), [str(other) for other in relation.also]
    looks = 1 + len(history.analysis_changes) + facts.arrivals
    answer = answer_relation([unit.unit for unit in measured], predictor, also, relation.alpha, looks)
    gain = gain_name(study, arms, metric.name)
    points = published_points(study.published, relation)
    findings = Findings(answer, measured, metric, relation.gain.scale, gain, points)
    statistics = " ".join(statistics_sentences(answer, metric, relation.gain.scale))
    refusal = _refusal(study, entries)
    statistics = "" if refusal else f"{at_quick(entries, metric)}{statistics}"
    completed = (entry for entry in sorted(entries, key=trial_order) if entry.outcome == Outcome.COMPLETED)
    flagged = [entry for entry in completed if reasons_against(entry, declared)]
    names = {stored: name for arm, name in zip(arms, labels(arms), strict=True) for stored in (arm.name, arm.key)}
    plain, badge = with_badge(
        refusal or plain_sentence(answer, gain),
        flagged,
        lambda entry: replicate_name(names.get(entry.arm or "", entry.arm or ""), entry.seed, entry.block),
        declared,
    )
    columns, rows = unit_table(findings)
    warnings = [*_cautions(study, findings, entries, chance), *plan_changes_said(history)]
    plan = plan_said(history)
    return Answer(
        plain, metric, columns, rows, tuple(warnings), badge=badge, relation=findings, conditional=plan,
        statistics=statistics,
    )  # fmt: skip


def gain_name(study: Study, arms: Sequence[Arm], metric: str) -> str:
    """`the gain of mp over sta in test robust accuracy (worst case)`."""
    relation = study.relation
    assert relation is not None
    words = SCALE_WORDS[relation.gain.scale]
    if not arms:
        table = relation.gain.table
        return f"the {label(table.column) if table else GAIN} in {label(metric)}{words}"
    over, arm = labels(arms)
    return f"the gain of {arm} over {over} in {label(metric)}{words}"


def _refusal(study: Study, entries: Sequence[TrialRecord]) -> str:
    """Why nothing is answered, as a sentence; empty where something is."""
    relation = study.relation
    assert relation is not None
    if relation.gain.table is not None:
        return ""
    if not entries:
        return "No trial has finished yet."
    return f"Every trial failed ({ended(entries)}), so nothing can be compared." if all_failed(entries) else ""


def _cautions(study: Study, findings: Findings, entries: Sequence[TrialRecord], chance: float | None) -> Iterator[str]:
    absent = [measured.unit.name for measured in findings.units if measured.absent]
    if absent:
        yield (
            f"Absent: {'; '.join(absent)}, whose data are not here; k counts the others, and the next run trains these"
            " once their data are there."
        )
    missing = sum(measured.missing for measured in findings.units if not measured.absent)
    if missing:
        yield f"Preliminary: {plural(missing, 'trial')} of the units whose data are here have not been trained yet."
    yield from findings.answer.cautions
    yield from _lost_pairs(findings.units)
    yield from _near_chance(findings, chance)
    dropped = {name: reason for name, reason in findings.reasons.items() if name not in absent}
    if dropped and entries:
        yield f"Left out: {'; '.join(f'{name}, as {reason}' for name, reason in dropped.items())}."
    yield from single_attack(entries, findings.metric)


def _lost_pairs(units: Sequence[MeasuredUnit]) -> Iterator[str]:
    """Seeds without a pair, and why: what failed is a result that no mean over the others shows."""
    for measured in units:
        if measured.lost:
            missing = listed(f"seed {seed} ({reason})" for seed, reason in sorted(measured.lost.items()))
            yield f"{measured.unit.name} has no pair of {missing}."


def _near_chance(findings: Findings, chance: float | None) -> Iterator[str]:
    """Units in which neither arm is clearly above guessing: a gain there is noise, for any predictor."""
    metric = findings.metric
    if chance is None or metric.role != "robust":
        return
    bar = informative_above(chance)
    low = []
    for measured in findings.units:
        values = [value for arm in (measured.over, measured.arm) if arm is not None for value in arm.values.values()]
        low += [measured.unit.name] if values and max(values) < bar else []
    if low:
        yield (
            f"In {plural(len(low), 'unit')} ({'; '.join(low)}) no trial reaches {Scale.of(metric).value(bar)} in"
            f" {metric}: that close to guessing, a gain is noise and says nothing about the predictor."
        )


def published_points(table: Published | None, relation: Relation) -> list[PublishedPoint]:
    """The published points that have the predictor, and a gain on the scale; each named after the unit it is about."""
    by_unit: dict[str, list[PublishedValue]] = {}
    for row in table.values if table is not None else ():
        by_unit.setdefault(row.arm, []).append(row)
    points, predictor = [], str(relation.predictor)
    for name, rows in by_unit.items():
        numbers = {row.metric.removeprefix(f"{PUBLISHED}/"): row.value for row in rows}
        gain = _published_gain(numbers, relation.gain.scale)
        if gain is not None and predictor in numbers:
            unit = next((unit.name for unit in relation.unit_list if _is_about(rows[0], unit)), name)
            points.append(PublishedPoint(unit, numbers[predictor], gain, rows[0].source))
    return points


def _is_about(row: PublishedValue, unit: RelationUnit) -> bool:
    return all(name in unit.settings and same(unit.settings[name], value) for name, value in row.conditions.items())


def _published_gain(numbers: dict[str, float], scale: ScaleName) -> float | None:
    """From the values of both arms, or the printed gain, which is a plain difference."""
    if ARM in numbers and OVER in numbers and all(is_defined(numbers[name], scale) for name in (ARM, OVER)):
        return to_scale(numbers[ARM], scale) - to_scale(numbers[OVER], scale)
    return numbers.get(GAIN) if scale == "linear" else None


def plan_said(history: PlanHistory) -> str:
    """The hash of the analysis plan, and when it was fixed, as a sentence."""
    plan = history.plans[-1] if history.plans else None
    if plan is None or not plan.analysis:
        return ""
    return f"Analysis plan {plan.digest}, fixed {plan.made}, {_after(plan)}."


def plan_changes_said(history: PlanHistory) -> Iterator[str]:
    """Each change of the analysis plan that was made after trials had ended."""
    for plan, changes in history.analysis_changes:
        only_added = all(" added (" in change for change in changes)
        chosen = " The data may have influenced the change, so p-values and the verdict hold for the first plan only."
        sentence = f"The analysis plan was changed {plan.made}, {_after(plan)}: {'; '.join(changes)}."
        yield sentence + ("" if only_added else chosen)


def _after(plan: SeedPlan) -> str:
    if plan.analysis["gain"]["table"] is not None:
        return "when the values of its table were known"
    return f"when {plural(plan.finished, 'trial')} had ended" if plan.finished else "before any trial had ended"
