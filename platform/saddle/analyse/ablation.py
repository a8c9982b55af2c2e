"""The answer of an ablation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from saddle.analyse.ablation_table import blocks_table, results_table
from saddle.analyse.arms.added_arms import growth_cautions, with_added
from saddle.analyse.arms.block_averages import averaged_over, averages_over_blocks
from saddle.analyse.arms.blocks import effects_in_blocks
from saddle.analyse.arms.collapse import failure_rates
from saddle.analyse.arms.comparison import compare
from saddle.analyse.arms.contrast_effects import contrast_effects, contrasts_of, unestimable
from saddle.analyse.arms.effect import Effect
from saddle.analyse.arms.effects import ComparisonSpec, describe, paired_effects
from saddle.analyse.arms.guards import Guard, guards_of, with_reservations
from saddle.analyse.arms.inherited_constraints import broken_by_baseline, broken_constraints, with_broken
from saddle.analyse.arms.mixed_effects import with_mixed
from saddle.analyse.arms.on_scale import in_units, off_scale, on_scale
from saddle.analyse.arms.paired_values import MISSING, NOT_NEEDED, ArmValues, measure, of_arm
from saddle.analyse.arms.plan_cautions import plan_cautions
from saddle.analyse.arms.racing import RaceState, race
from saddle.analyse.arms.ranks.ranked_arms import RankedArms, ranked_arms
from saddle.analyse.arms.spread_cautions import spread_cautions
from saddle.analyse.arms.verdict import Verdict
from saddle.analyse.best import trial_order
from saddle.analyse.cautions import at_the_floor, cautions, collapses, uninformative
from saddle.analyse.evaluation.above_clean import above_clean
from saddle.analyse.evaluation.badge import Badge, reasons_against, with_badge
from saddle.analyse.evaluation.evaluations import at_quick
from saddle.analyse.outcomes import all_failed, ended
from saddle.analyse.plain_sentence import plain_sentences
from saddle.analyse.result import Answer, compared_metric
from saddle.analyse.sentences import paragraph, scale_of
from saddle.analyse.statistics.scales import ScaleName
from saddle.analyse.text.ranked_arms import rank_sentences
from saddle.analyse.training_basis import with_other_basis
from saddle.design import Arm, blocks_of_study, labels, make_arms, replicates_of
from saddle.errors import DesignError
from saddle.study.history import UNCHANGED, PlanHistory
from saddle.study.models import Ablation, Constraint, Study
from saddle.study.trainable.declarations import Declarations
from saddle.study.values import canonical
from saddle.trial.outcome import Outcome
from saddle.trial.record import TrialRecord
from trainables.contract import Metric


def answer_ablation(
    study: Study,
    entries: Sequence[TrialRecord],
    declared: Declarations,
    *,
    arms: Sequence[Arm] | None = None,
    chance: float | None = None,
    history: PlanHistory = UNCHANGED,
    constraints: Sequence[Constraint] = (),
) -> Answer:
    """Which arms differ from the baseline, by how much, and how sure that is.

    `arms` are those that were run; without them they are reconstructed from the study and the entries. `chance` is the
    accuracy of guessing: where neither arm reaches twice that, a comparison of robust accuracies is not informative.
    `history` are the plans of the run: seeds that were added after a look are judged by the bound that allows for it.
    `constraints` are those of the search that it is built on.
    """
    ablation = _ablation(study)
    arms = list(arms) if arms else arms_of(study, entries)
    metric = compared_metric(study, declared, entries)
    spec = comparison_spec(study, metric, history)
    measured = measure_arms(study, arms, entries, metric.name, spec.scale)
    standing = judge_arms(study, arms, measured, spec)
    off = off_scale(measured, metric, spec.scale)
    measured = [without_needless(arm, standing, ablation.seed_list) for arm in measured]
    effects = standing.effects if off else with_mixed(standing.effects, ablation, arms, entries, metric.name)
    broken = broken_constraints(ablation, arms, entries, declared, constraints)
    guards = guards_of(ablation, arms, entries, declared, any_time=spec.any_time)
    effects = with_added(with_broken(with_reservations(effects, guards), broken), arms, history)
    near_chance = uninformative(effects, metric, chance)
    effects = _informative(with_other_basis(effects, arms, entries), entries, near_chance)
    failures = failure_rates(measured)
    refusal = _refusal(ablation, arms, entries, near_chance, off)
    plain, statistics = (refusal, "") if refusal else _sentences(study, effects, entries, spec)
    ranked = tuple(_ranks(study, arms, entries, declared, spec, guards))
    if not refusal:
        of_ranks = (sentence for group in ranked for sentence in rank_sentences(group))
        statistics = " ".join([statistics, *of_ranks]).strip()
    plain, badge = _with_badge(plain, arms, entries, declared)
    in_blocks = [] if off else effects_in_blocks(ablation, arms, entries, spec)
    columns, rows = results_table(arms, measured, effects, entries, spec)
    block_columns, block_rows = blocks_table(in_blocks, metric)
    warnings = [
        *cautions(study, measured, standing, spec, entries, declared=metric.name in declared.metrics),
        *plan_cautions(ablation, history, effects, spec),
        *(grown := tuple(growth_cautions(effects, arms, history, spec))),
        *(() if near_chance else at_the_floor(measured, metric, chance)),
        *above_clean({name: of_arm(entries, arm) for name, arm in zip(labels(arms), arms, strict=True)}, declared),
        *collapses(failures),
        *unestimable(ablation, arms),
        *(() if off else averages_over_blocks(ablation, arms, entries, spec)),
        *spread_cautions(measured, spec.scale),
        *(f"{effect.name}: {clause}." for effect in effects for clause in effect.reservations),
        *broken_by_baseline(arms, broken),
    ]
    return Answer(
        plain, metric, columns, rows, tuple(warnings), effects, failures=failures, badge=badge,
        block_columns=block_columns, block_rows=block_rows, grown=grown, statistics=statistics, ranked=ranked,
    )  # fmt: skip


def _informative(effects: tuple[Effect, ...], entries: Sequence[TrialRecord], near_chance: str) -> tuple[Effect, ...]:
    """The effects: no verdict where no arm is better than guessing, no more seeds where they can't help."""
    if near_chance:
        effects = tuple(replace(effect, verdict=Verdict.NOT_INFORMATIVE) for effect in effects)
    if near_chance or all_failed(entries):
        effects = tuple(replace(effect, more_seeds=None) for effect in effects)
    return effects


def _with_badge(
    plain: str, arms: Sequence[Arm], entries: Sequence[TrialRecord], declared: Declarations
) -> tuple[str, Badge]:
    """The sentence and the badge, based on the checklists of completed trials."""
    names = {name: label for arm, label in zip(arms, labels(arms), strict=True) for name in (arm.name, arm.key)}
    completed = (entry for entry in sorted(entries, key=trial_order) if entry.outcome == Outcome.COMPLETED)
    flagged = [entry for entry in completed if reasons_against(entry, declared)]
    return with_badge(
        plain, flagged, lambda entry: f"{names.get(entry.arm or '', entry.arm)} with seed {entry.seed}", declared
    )


def _refusal(
    ablation: Ablation, arms: Sequence[Arm], entries: Sequence[TrialRecord], near_chance: str, off: str
) -> str:
    """Why nothing is compared, as a sentence; empty where something is."""
    if not entries:
        return f"No replicate of {len(replicates_of(ablation, arms))} has finished yet."
    if all_failed(entries):
        return f"Every trial failed ({ended(entries)}), so nothing can be compared."
    if near_chance:
        return f"Not informative: {near_chance}"
    return f"Not compared: {off}." if off else ""


def _sentences(
    study: Study, effects: Sequence[Effect], entries: Sequence[TrialRecord], spec: ComparisonSpec
) -> tuple[str, str]:
    """The effects in plain words, and with their statistics; the latter alone if nothing plain can be said yet."""
    plain = plain_sentences(study.question or "", effects, scale_of(effects, spec.metric))
    statistics = at_quick(entries, spec.metric) + paragraph(effects, spec) + averaged_over(_ablation(study))
    return (plain, statistics) if plain else (statistics, "")


def standing_of(
    study: Study,
    arms: Sequence[Arm],
    entries: Sequence[TrialRecord],
    declared: Declarations,
    history: PlanHistory = UNCHANGED,
) -> RaceState:
    """The state of an ablation: its effects, and the arms that its race, if it has one, no longer needs."""
    spec = comparison_spec(study, compared_metric(study, declared, entries), history)
    return judge_arms(study, arms, measure_arms(study, arms, entries, spec.metric.name, spec.scale), spec)


def comparison_spec(study: Study, metric: Metric, history: PlanHistory = UNCHANGED) -> ComparisonSpec:
    """How the study's comparisons are judged, given its plans; of a relation only level and scale count."""
    if study.relation is not None:
        return ComparisonSpec(metric, study.relation.alpha, scale=study.relation.gain.scale)
    ablation = _ablation(study)
    compare, planned = ablation.compare, len(ablation.seed_list)
    spec = ComparisonSpec(metric, compare.alpha, compare.correction, compare.equivalence, compare.scale)
    return replace(spec, planned=planned, any_time=history.is_extended)


def measure_arms(
    study: Study, arms: Sequence[Arm], entries: Sequence[TrialRecord], metric: str, scale: ScaleName = "linear"
) -> list[ArmValues]:
    """The values of every arm, the baseline's first, under its displayed name; over blocks, means on `scale`."""
    seeds, blocks = study.seed_list, blocks_of_study(study)
    if study.relation is not None:  # a unit without data is not waited for
        started_blocks = {canonical(entry.block) for entry in entries}
        blocks = [block for block in blocks if canonical(block) in started_blocks] or blocks
    labelled = zip(arms, labels(arms), strict=True)
    return [measure(entries, arm, metric, seeds, label, blocks, scale) for arm, label in labelled]


def _ranks(
    study: Study,
    arms: Sequence[Arm],
    entries: Sequence[TrialRecord],
    declared: Declarations,
    spec: ComparisonSpec,
    guards: Sequence[Guard],
) -> list[RankedArms]:
    """The groups of metrics by which a study ranks its arms; none if it declares none."""
    ablation = _ablation(study)
    if not ablation.compare.ranks:
        return []
    metric_names = sorted({name for record in entries for name in record.metrics})
    return ranked_arms(
        ablation, lambda metric: measure_arms(study, arms, entries, metric), metric_names, declared, spec, guards
    )


def without_needless(arm: ArmValues, standing: RaceState, seeds: Sequence[int]) -> ArmValues:
    """The arm with the seeds that its race made superfluous marked as such, not as missing."""
    lost = {
        seed: NOT_NEEDED if reason == MISSING and not standing.needs(arm.arm, seeds.index(seed)) else reason
        for seed, reason in arm.lost.items()
    }
    return replace(arm, lost=lost)


def judge_arms(study: Study, arms: Sequence[Arm], measured: Sequence[ArmValues], spec: ComparisonSpec) -> RaceState:
    """The same from measured arms, whose values are in the metric's unit; unsettled if one is off the scale."""
    scaled = [on_scale(arm, spec.scale) for arm in measured] if not off_scale(measured, spec.metric, spec.scale) else []
    if not scaled:
        return RaceState(tuple(describe(compare(arm, measured[0], spec.direction), spec) for arm in measured[1:]))
    standing = _judge(study, arms, scaled, spec)
    return replace(standing, effects=tuple(in_units(effect, spec.scale) for effect in standing.effects))


def _judge(study: Study, arms: Sequence[Arm], measured: Sequence[ArmValues], spec: ComparisonSpec) -> RaceState:
    if study.relation is not None:
        return RaceState(tuple(paired_effects(measured[1:], measured[0], spec)))
    ablation = _ablation(study)
    spending = ablation.spending
    if spending is not None:
        return race(measured[1:], measured[0], ablation.seed_list, spec, spending, ablation.looks)
    contrasts = contrasts_of(ablation, arms)
    if contrasts is not None:
        return RaceState(tuple(contrast_effects(contrasts, measured, spec)))
    return RaceState(tuple(paired_effects(measured[1:], measured[0], spec)))


def arms_of(study: Study, entries: Sequence[TrialRecord]) -> list[Arm]:
    """The arms of an ablation, the baseline first, reconstructed from its file and its finished trials.

    With `best_of` the file doesn't give the baseline's levels, so each arm's own settings are tried as baseline.
    Raises `DesignError` if no baseline explains all arms in the ledger.
    """
    ablation = _ablation(study)
    names = {entry.arm for entry in entries if entry.arm is not None}
    settings_by_arm = {entry.arm: entry.settings for entry in entries if entry.arm is not None}
    starts = [ablation.baseline, *(settings for _, settings in sorted(settings_by_arm.items()))]
    for start in starts:
        try:
            arms = make_arms(ablation, start, study.settings)
        except DesignError:
            continue
        if all(any(name in (arm.name, arm.key) for arm in arms) for name in names):
            return arms
    raise DesignError(f"the arms in the ledger ({', '.join(sorted(names))}) are not those of study {study.study}")


def _ablation(study: Study) -> Ablation:
    if study.ablation is None:
        raise ValueError(f"study {study.study} is a search, not an ablation")
    return study.ablation
