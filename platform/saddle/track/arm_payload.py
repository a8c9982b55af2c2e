"""What MLflow gets about an arm: few numbers and words, so that its pages compare arms and not hundreds of runs."""

from __future__ import annotations

import math
from collections.abc import Iterable
from statistics import fmean, stdev

from saddle.analyse.arms.collapse import FailureRate
from saddle.analyse.arms.effect import Effect
from saddle.analyse.arms.further_verdicts import FurtherVerdict
from saddle.analyse.result import Answer
from saddle.analyse.sentences import scale_of
from saddle.analyse.study_results import StudyResults
from saddle.analyse.text.formatting import Scale, p_equals
from saddle.track.base import METRIC_TAG, ArmSummary, rounded
from saddle.track.unit_payload import describe_units
from saddle.trial.outcome import Outcome
from saddle.trial.record import TrialRecord


def describe_arms(results: StudyResults, *, finished: bool) -> dict[str, ArmSummary]:
    """Every arm that has a trial, under its name in the ledger; of a relation every unit.

    Unless the study is `finished`, verdicts are marked as preliminary, except those that a race has settled.
    """
    if results.study.relation is not None:
        return describe_units(results, finished=finished)
    by_arm: dict[str, list[TrialRecord]] = {}
    for record in results.comparable if results.study.ablation is not None else ():
        if record.arm is not None:
            by_arm.setdefault(record.arm, []).append(record)
    if not by_arm:
        return {}
    answer, baseline_name = results.answer, results.baseline or ""
    effects = {effect.arm: effect for effect in answer.effects if effect.kind == "arm"}
    failures = {rate.arm: rate for rate in answer.failures}
    further: dict[str, list[FurtherVerdict]] = {}
    for verdict in results.further:
        further.setdefault(verdict.effect.arm if verdict.effect.kind == "arm" else "", []).append(verdict)
    summaries = {}
    for key, members in by_arm.items():
        name = results.arm_names.get(key, key)
        effect, rate = effects.get(name), failures.get(name)
        completed = [entry for entry in members if entry.outcome == Outcome.COMPLETED]
        summaries[key] = ArmSummary(
            rounded(
                {
                    **_means(completed, answer.metric.name),
                    "seeds": float(len({entry.seed for entry in completed})),
                    **(_of_effect(effect) if effect is not None else {}),
                    **(_of_failures(rate) if rate is not None else {}),
                    **_of_further(further.get(name, ())),
                }
            ),
            {
                "saddle.question": results.study.question,
                METRIC_TAG: answer.metric.name,
                "saddle.baseline": baseline_name,
                **_words(name, name == baseline_name, effect, answer, finished),
                **{
                    f"saddle.verdict: {verdict.effect.metric.name}": str(verdict.effect.verdict_text)
                    for verdict in further.get(name, ())
                },
            },
            name + (effect.later if effect is not None else ""),
        )
    return summaries


def _means(completed: Iterable[TrialRecord], metric: str) -> dict[str, float]:
    """Each metric's mean over seeds under its own name; the spread only of what is compared and of test metrics.

    A seed's value is the mean over its blocks.
    """
    by_seed: dict[str, dict[int, list[float]]] = {}
    for entry in completed:
        for name, value in entry.metrics.items():
            if math.isfinite(value):
                by_seed.setdefault(name, {}).setdefault(entry.seed, []).append(value)
    values = {name: [fmean(blocks) for blocks in seeds.values()] for name, seeds in by_seed.items()}
    spread = {
        f"{name}.sd": stdev(listed)
        for name, listed in values.items()
        if len(listed) > 1 and (name == metric or name.startswith("test/"))
    }
    return {**{name: fmean(listed) for name, listed in values.items()}, **spread}


def _of_effect(effect: Effect) -> dict[str, float]:
    numbers = {
        "effect.mean": effect.mean,
        "effect.low": effect.low,
        "effect.high": effect.high,
        "effect.p": effect.p_adjusted,
        "effect.sd": effect.sd,
        "effect.n": float(effect.n),
    }
    return {name: value for name, value in numbers.items() if value is not None and math.isfinite(value)}


def _of_further(verdicts: Iterable[FurtherVerdict]) -> dict[str, float]:
    """Of each further metric (`compare: {each}`) the arm's effect, its interval and p; and p over all metrics."""
    numbers: dict[str, float] = {}
    for verdict in verdicts:
        name = verdict.effect.metric.name
        numbers |= {f"{name}.{part}": value for part, value in _of_effect(verdict.effect).items()}
        numbers[f"{name}.effect.p_over_all"] = verdict.p_over_all
    return numbers


def _of_failures(rate: FailureRate) -> dict[str, float]:
    numbers = {"failure.rate": rate.rate, "failure.low": rate.low, "failure.high": rate.high, "failure.p": rate.p}
    return {name: value for name, value in numbers.items() if value is not None}


def _words(name: str, is_baseline: bool, effect: Effect | None, answer: Answer, finished: bool) -> dict[str, str]:
    """The verdict, and a sentence for the run's own page."""
    if is_baseline:
        return {"saddle.verdict": "baseline", "mlflow.note.content": f"{name} is the baseline."}
    if effect is None:
        return {}
    scale = scale_of([other for other in answer.effects if other.kind == "arm"], effect.metric)
    preliminary = "" if finished or effect.settled_after is not None else "preliminary: "
    verdict = preliminary + effect.verdict_text
    return {"saddle.verdict": verdict, "mlflow.note.content": _note(effect, verdict, scale)}


def _note(effect: Effect, verdict: str, scale: Scale) -> str:
    if effect.mean is None or effect.low is None:
        return f"{effect.arm}{effect.later} against {effect.baseline} in {effect.metric}: {verdict}."
    return (
        f"{effect.arm}{effect.later} against {effect.baseline} in {effect.metric}: **{verdict}**,"
        f" {scale.difference(effect.mean)}, interval {scale.interval(effect.low, effect.high)},"
        f" {effect.n} paired seeds, adjusted p {p_equals(effect.p_adjusted)}."
    )
