"""What a reader of an ablation's answer should be careful about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean

from saddle.analyse.arms.collapse import FailureRate
from saddle.analyse.arms.effect import Effect
from saddle.analyse.arms.effects import ComparisonSpec
from saddle.analyse.arms.paired_values import MISSING, NO_VALUE, NOT_NEEDED, ArmValues
from saddle.analyse.arms.racing import RaceState
from saddle.analyse.arms.seeds_needed import limits_of
from saddle.analyse.arms.verdict import Verdict
from saddle.analyse.evaluation.evaluations import ATTACKS
from saddle.analyse.outcomes import all_failed
from saddle.analyse.text.formatting import Scale, listed, p_equals, plural
from saddle.study.models import Study
from saddle.trial.record import TrialRecord
from trainables.contract import Metric

NOTEWORTHY = 0.05
"""The p below which a difference in failures is pointed out."""


def uninformative(effects: Sequence[Effect], metric: Metric, chance: float | None) -> str:
    """Robust accuracies near chance differ by noise, for any arms (twice chance, as in the literature)."""
    if chance is None or metric.role != "robust":
        return ""
    bar = informative_above(chance)
    levels = [level for e in effects if e.kind != "interaction" for level in (e.arm_mean, e.baseline_mean)]
    reached = [level for level in levels if level is not None]
    if not reached or max(reached) >= bar:
        return ""
    scale = Scale.of(metric)
    return (
        f"no arm reaches {scale.value(bar)} in {metric}, where guessing gives {scale.value(chance)}; that close to "
        "guessing, arms differ by noise, and none is compared."
    )


def informative_above(chance: float) -> float:
    """Twice chance; with few classes that would be certainty, so the bar is half-way between chance and certainty."""
    return min(2 * chance, (1 + chance) / 2)


def at_the_floor(measured: Sequence[ArmValues], metric: Metric, chance: float | None) -> Iterable[str]:
    """Some arms near chance, others not: differences between them, above all interactions, may come from the floor."""
    if chance is None or metric.role != "robust":
        return
    bar = informative_above(chance)
    low = [arm.arm for arm in measured if arm.values and fmean(arm.values.values()) < bar]
    if not low or len(low) == len(measured):
        return
    scale = Scale.of(metric)
    yield (
        f"{listed(low)} {'does' if len(low) == 1 else 'do'} not reach {scale.value(bar)}, where guessing gives"
        f" {scale.value(chance)}: among such arms no difference can show, and an interaction may come from that floor"
        " alone."
    )


def cautions(
    study: Study,
    measured: Sequence[ArmValues],
    standing: RaceState,
    spec: ComparisonSpec,
    entries: Sequence[TrialRecord],
    *,
    declared: bool,
) -> Iterable[str]:
    """Everything but collapses; `declared`: whether the trainable declares the metric."""
    ablation = study.ablation
    assert ablation is not None
    total = len(measured) * len(ablation.seed_list)
    missing = sum(arm.counts[MISSING] for arm in measured)
    if missing:
        yield f"Preliminary: {missing} of {plural(total, 'replicate')} are {MISSING}."
    if ablation.spending is not None:
        yield from _race(measured, standing, ablation.seed_list, total)
        yield from _inflated(standing)
    valueless = sum(arm.counts[NO_VALUE] for arm in measured)
    if valueless:
        yield f"{plural(valueless, 'completed replicate')} without a finite value of {spec.metric}."
    for effect in standing.effects:
        for note in effect.notes:
            yield f"{note}." if note.startswith(effect.name) else f"{effect.name}: {note}."
    baseline = measured[0]
    if baseline.failures and not baseline.values:
        yield f"The baseline {baseline.arm} did not complete with any seed, so nothing can be compared."
    if not all_failed(entries):  # more seeds would fail, too
        yield from limits_of(ablation, len(standing.effects))
    if not declared:
        better = "larger" if spec.direction == "maximize" else "smaller"
        yield f"{spec.metric} is not declared by the trainable; {better} is assumed to be better."
    yield from single_attack(entries, spec.metric)


def _race(measured: Sequence[ArmValues], standing: RaceState, seeds: Sequence[int], total: int) -> Iterable[str]:
    """What racing saved, and what it trained for nothing."""
    arms = len(measured) - 1
    settled = sum(arm.arm in standing.settled for arm in measured[1:])
    saved = sum(arm.counts[NOT_NEEDED] for arm in measured)
    if settled:
        yield (
            f"Looks settled {settled} of {plural(arms, 'arm')} before the last seed, which saved {saved} of"
            f" {plural(total, 'replicate')}. Intervals hold at all looks together, so they are wider than without it."
        )
    late = sum(
        not standing.needs(arm.arm, place) and arm.lost.get(seed) != NOT_NEEDED
        for arm in measured
        for place, seed in enumerate(seeds)
    )
    if late:
        yield f"{plural(late, 'replicate')} ended after the arm was settled and don't count towards its effect."


def _inflated(standing: RaceState) -> Iterable[str]:
    """Early stops happen where chance adds to the effect (Pocock & Hughes, 1989, Controlled Clinical Trials 10)."""
    early = [
        effect.arm for effect in standing.effects
        if effect.settled_after is not None and effect.verdict in (Verdict.HELPS, Verdict.HURTS)
    ]  # fmt: skip
    if early:
        yield (
            f"{listed(early)} stopped early, which chance makes likelier if it adds to the effect: the mean"
            " difference is too large on average, in simulated races of 8 seeds by 0.6 to 0.8 sd of a replicate"
            " where the truth is 1. The interval allows for that."
        )


def collapses(failures: Sequence[FailureRate]) -> Iterable[str]:
    """Arms whose method failed more often than the baseline's, or less often, beyond chance."""
    for rate in failures:
        if rate.p is not None and rate.p < NOTEWORTHY:
            more = "more" if rate.discordant[0] > rate.discordant[1] else "less"
            yield (
                f"{rate.arm} failed {more} often than the baseline: {rate.failed} of"
                f" {plural(rate.trained, 'replicate')} (exact McNemar p {p_equals(rate.p)}, not adjusted)."
            )


def attacks_run(entry: TrialRecord) -> tuple[str, ...]:
    """The attacks of a trial's test: those that its fingerprint lists (each member of a set), else its setting's."""
    run, in_settings = entry.fingerprints.get(ATTACKS), entry.measured_params.get(ATTACKS)
    attacks = run if isinstance(run, Mapping) else in_settings if isinstance(in_settings, list | tuple) else ()
    return tuple(map(str, attacks))


def single_attack(entries: Sequence[TrialRecord], metric: Metric) -> Iterable[str]:
    """A robust accuracy under one attack is an upper bound that other attacks may well lower (Carlini et al., 2019)."""
    # a trial that was stopped early was not tested, and its setting may name a set of several attacks
    tested = [entry for entry in entries if ATTACKS in entry.fingerprints] or entries
    runs = [attacks_run(entry) for entry in tested if metric.role == "robust"]
    name = next((names[0] for names in runs if len(names) == 1), None)
    if name is not None:
        yield f"Robustness is measured with a single attack ({name}); others may lower it."
