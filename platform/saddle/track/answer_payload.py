"""What MLflow gets about a study's answer: a description that begins with it, numbers, and tags."""

from __future__ import annotations

import math

from saddle.analyse.arms.effect import Effect
from saddle.analyse.arms.further_verdicts import FurtherVerdict
from saddle.analyse.plain_sentence import asks_whether_it_improves
from saddle.analyse.result import Answer
from saddle.analyse.sentences import scale_of
from saddle.analyse.study_results import StudyResults
from saddle.analyse.text.formatting import p_equals
from saddle.analyse.verdict_badges import verdict_badges
from saddle.studyfile.dump import dump_study
from saddle.track.base import StudySummary, rounded
from saddle.trial.outcome import Outcome


def describe_answer(results: StudyResults, *, finished: bool) -> StudySummary:
    """The answer so far; unless the study is `finished`, it is marked as preliminary."""
    leading = leading_effect(results)
    tags = {
        **answer_tags(results, finished=finished),
        "saddle.verdict": verdict_of(results),
        **({} if leading is None else {"saddle.effect_of": leading.name}),
    }
    return StudySummary(answer_metrics(results), tags, description(results, finished=finished))


def verdict_of(results: StudyResults) -> str:
    """The badges in a line."""
    return ", ".join(badge.text for badge in verdict_badges(results))


def description(results: StudyResults, *, finished: bool) -> str:
    """Verdict and answer in the first line, then what they rest on, the question, and the study file."""
    answer = results.answer
    preliminary = "" if finished else "Preliminary. "
    parts = [f"{preliminary}**{verdict_of(results)}** – {answer.plain}", answer.statistics, results.study.question]
    return "\n\n".join([*filter(None, parts), f"```yaml\n{dump_study(results.study)}\n```"])


def answer_metrics(results: StudyResults) -> dict[str, float]:
    """`best`, the best value of the metric in question, and of an ablation's leading effect `effect` and `p`.

    For a relation `effect` is its slope. What is not known, or not a finite number, is left out.
    """
    answer, numbers = results.answer, dict[str, float | None]()
    if answer.relation is not None:
        fitted = answer.relation.answer.fitted
        numbers = {} if fitted is None else {"effect": fitted.slope, "p": fitted.p}
    elif results.study.search is not None:
        numbers = {"best": None if answer.best is None else answer.best.metrics.get(answer.metric.name)}
    else:
        leading = leading_effect(results)
        means = [
            sum(arm.values.values()) / len(arm.values) for arm in results.measured(answer.metric.name) if arm.values
        ]
        numbers = {"best": min(means, key=answer.metric.cost, default=None)}
        if leading is not None:
            numbers |= {"effect": leading.mean, "p": leading.p_adjusted}
    numbers["completed"] = float(sum(record.outcome == Outcome.COMPLETED for record in results.records))
    return rounded({name: value for name, value in numbers.items() if value is not None and math.isfinite(value)})


def leading_effect(results: StudyResults) -> Effect | None:
    """The best of the effects that the question asks about, else the best of all."""
    candidates = [
        effect for effect in results.answer.effects if effect.mean is not None and effect.kind != "interaction"
    ]
    asked_about = [effect for effect in candidates if asks_whether_it_improves(results.study.question, effect)]
    return min(asked_about or candidates, key=lambda effect: effect.metric.cost(effect.mean or 0.0), default=None)


def effect_tags(answer: Answer) -> dict[str, str]:
    """The effects that belong to no single arm (of a factorial design), as tags of the study's run."""
    wider = [effect for effect in answer.effects if effect.kind != "arm" and effect.mean is not None]
    scale = scale_of(wider, answer.metric)
    return {
        f"saddle.{effect.kind}: {effect.name.replace('=', ': ').replace('×', 'x')}": (
            f"{effect.verdict_text}, {scale.difference(effect.mean)},"
            f" interval {scale.interval(effect.low, effect.high)}, adjusted p {p_equals(effect.p_adjusted)}"
        )
        for effect in wider
    }


def further_tags(results: StudyResults) -> dict[str, str]:
    """Verdicts on further metrics (`compare: {each}`), a tag of the study's run for each metric."""
    by_metric: dict[str, list[str]] = {}
    for verdict in results.further:
        by_metric.setdefault(verdict.effect.metric.name, []).append(further_text(verdict, results))
    return {f"saddle.each: {metric}": "; ".join(texts) for metric, texts in by_metric.items()}


def further_text(verdict: FurtherVerdict, results: StudyResults) -> str:
    """`mp: hurts, −2.3 points, interval −3.1 to −1.5, adjusted p 0.0021`, and whether it holds over all metrics."""
    effect, ablation = verdict.effect, results.study.ablation
    if effect.mean is None or ablation is None:
        return f"{effect.name}: {effect.verdict_text}"
    scale = scale_of([effect], effect.metric)
    is_shown = effect.low is not None and effect.high is not None and not effect.low <= 0 <= effect.high
    alone = is_shown and not verdict.holds_over_all(ablation.compare.alpha)
    return (
        f"{effect.name}: {effect.verdict_text}, {scale.difference(effect.mean)}, interval"
        f" {scale.interval(effect.low, effect.high)}, adjusted p {p_equals(effect.p_adjusted)}"
        + (", not over all metrics" if alone else "")
    )


def badge_tags(answer: Answer) -> dict[str, str]:
    """Which trials of a search have the badge, and why it is withheld from others."""
    badge = answer.badge
    tags = {"saddle.best": ", ".join(badge.holders) or "none"} if badge.holders or badge.withheld else {}
    reasons = "; ".join(f"{key} {reason}" for key, against in badge.withheld.items() for reason in against)
    return {**tags, "saddle.badge": f"withheld: {reasons}"} if reasons else tags


def answer_tags(results: StudyResults, *, finished: bool) -> dict[str, str]:
    """The tags of the study's run that follow from the ledger: question, effects, and the answer if it is final."""
    answer = results.answer
    tags = {"saddle.question": results.study.question, **effect_tags(answer), **further_tags(results)}
    tags |= badge_tags(answer)
    tags |= {"saddle.plan": answer.conditional} if answer.relation is not None and answer.conditional else {}
    return {**tags, "saddle.answer": answer.sentence} if finished else tags
