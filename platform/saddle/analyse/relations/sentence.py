"""A relation in words: a plain sentence first, the statistics after it."""

from __future__ import annotations

import math

from saddle.analyse.relations.relation import RelationAnswer
from saddle.analyse.relations.tried_predictors import strongest
from saddle.analyse.relations.word import Word
from saddle.analyse.statistics.scales import ScaleName
from saddle.analyse.text.formatting import Scale, listed, p_equals, plural, scale_of_differences, setting, signed
from trainables.contract import Metric

MOST_NAMED = 4
"""More units that a relation rests on are only counted."""


def sentences(answer: RelationAnswer, gain: str, metric: Metric, scale: ScaleName) -> str:
    """The whole answer; `gain` names it (`the gain of mp over sta in test robust accuracy`), on `scale` of `metric`."""
    return " ".join([plain_sentence(answer, gain), *statistics_sentences(answer, metric, scale)])


def plain_sentence(answer: RelationAnswer, gain: str) -> str:
    """The conclusion without statistics, in one sentence."""
    over = f"over {plural(answer.k, 'unit')}{_families(answer)}{', a pilot' if answer.pilot else ''}"
    start = gain[:1].upper() + gain[1:]
    match answer.word:
        case Word.RISES | Word.FALLS:
            rests = f"; this rests on {_names(answer)}" if answer.rests_on else ""
            return f"{start} {answer.word} with {answer.predictor} ({over}){rests}."
        case Word.NO_RELATION:
            sign = "" if answer.sign_holds or _contains_zero(answer) else f": {answer.why}"
            return f"No relation shown between {gain} and {answer.predictor} ({over}){sign}."
        case _:
            return f"{start} and {answer.predictor} are described only ({over}): {answer.why}."


def statistics_sentences(answer: RelationAnswer, metric: Metric, scale: ScaleName) -> list[str]:
    """The slope with its interval and p values, the spread about the line, ranks, and all predictors tried."""
    parts = [
        _slope(answer, metric, scale),
        _own_slopes(answer, metric, scale),
        _spread(answer, metric, scale),
        *_ranks(answer),
        *_tried(answer),
    ]
    return [part for part in parts if part]


def slope_step(answer: RelationAnswer) -> float:
    """The power of ten of the predictor for which the slope is written: that below the range of its values."""
    values = [unit.x for unit in answer.units]
    return 10.0 ** math.floor(math.log10(max(values) - min(values)))


def slope_scale(answer: RelationAnswer, metric: Metric, scale: ScaleName) -> Scale:
    """How a slope for `slope_step` of the predictor is written."""
    return scale_of_differences(metric, scale, [_half(answer) * slope_step(answer)])


def _half(answer: RelationAnswer) -> float:
    if answer.low is None or answer.high is None:
        return abs(answer.slope or 0.0)
    return (answer.high - answer.low) / 2


def _contains_zero(answer: RelationAnswer) -> bool:
    return answer.p is None or answer.p > answer.alpha


def _families(answer: RelationAnswer) -> str:
    return f", within {len(answer.families)} families" if answer.within_families else ""


def _names(answer: RelationAnswer) -> str:
    if len(answer.rests_on) > MOST_NAMED:
        return f"each of {len(answer.rests_on)} units: without any one of them the interval contains 0"
    return listed(answer.rests_on)


def _slope(answer: RelationAnswer, metric: Metric, scale: ScaleName) -> str:
    fitted = answer.fitted
    if fitted is None:
        return ""
    step, written = slope_step(answer), slope_scale(answer, metric, scale)
    size = f"Slope {written.difference(fitted.slope * step)} for {setting(step)} of {answer.predictor}"
    if fitted.low is None or fitted.high is None:
        return f"{size}."
    level = f"{100 * (1 - answer.alpha):.4g} % Knapp–Hartung interval"
    kind = "exact permutation" if fitted.exact else "permutation"
    where = " within families" if answer.within_families else ""
    return (
        f"{size} ({level} {written.interval(fitted.low * step, fitted.high * step)}, p {p_equals(fitted.p)},"
        f" {plural(fitted.freedom, 'degree')} of freedom; {kind} p{where} {p_equals(fitted.permutation_p)})."
    )


def _own_slopes(answer: RelationAnswer, metric: Metric, scale: ScaleName) -> str:
    """By family, if there are several."""
    fitted = answer.fitted
    if fitted is None or len(fitted.lines) < 2:
        return ""
    step, written = slope_step(answer), slope_scale(answer, metric, scale)
    own = [(line.family, line.own_slope) for line in fitted.lines if line.own_slope is not None]
    slopes = listed(f"{family} {written.difference(slope * step)}" for family, slope in own)
    equal = "" if fitted.equal_slopes_p is None else f" (F test of equal slopes: p {p_equals(fitted.equal_slopes_p)})"
    return f"By family: {slopes}{equal}."


def _spread(answer: RelationAnswer, metric: Metric, scale: ScaleName) -> str:
    fitted = answer.fitted
    if fitted is None or fitted.low is None:
        return ""
    centres = [line.centre for line in fitted.lines]
    halves = [(centre.predicted_high - centre.predicted_low) / 2 for centre in centres]
    written = scale_of_differences(metric, scale, halves)
    tau = f"{written.amount(fitted.tau)}{written.difference_suffix}"
    text = f"True gains scatter about the line with a standard deviation of {tau}"
    if len(centres) > 1:
        return f"{text}."
    interval = written.interval(centres[0].predicted_low, centres[0].predicted_high)
    return f"{text}; at {answer.predictor} = {setting(centres[0].x)} that of a further unit is expected at {interval}."


def _ranks(answer: RelationAnswer) -> list[str]:
    fitted = answer.fitted
    if fitted is None or fitted.spearman is None:
        return []
    prefix = "exact " if fitted.exact else ""
    texts = [f"Spearman {signed(f'{fitted.spearman.r:.2f}')} ({prefix}p {p_equals(fitted.spearman.p)})."]
    if fitted.partial is not None:
        r = signed(f"{fitted.partial.r:.2f}")
        texts.append(
            f"With log dimension held constant, the partial correlation is {r} (p {p_equals(fitted.partial.p)})."
        )
    return texts


def _tried(answer: RelationAnswer) -> list[str]:
    best = strongest(answer.tried)
    if best is None or best.r is None or len(answer.tried) < 2:
        return []
    r = signed(f"{best.r:.2f}")
    strength = f"has the strongest correlation (r = {r}, p {p_equals(best.max_r_p)} allowing for all)"
    return [f"Of {len(answer.tried)} predictors tried, {best.name} {strength}."]
