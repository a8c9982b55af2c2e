"""Effects as sentences."""

from __future__ import annotations

from collections.abc import Sequence

from saddle.analyse.arms.effect import Effect
from saddle.analyse.arms.effects import ComparisonSpec
from saddle.analyse.arms.verdict import Verdict
from saddle.analyse.statistics.paired.corrections import NAMES
from saddle.analyse.statistics.power import FEWEST_SEEDS
from saddle.analyse.text.formatting import Scale, listed, p_equals, plural, scale_of_differences
from trainables.contract import Metric

MOST_SENTENCES = 4
"""With more comparisons than this, those that show nothing are only listed."""
MOST_NAMES = 10
"""Of more, only the number is given."""


def scale_of(effects: Sequence[Effect], metric: Metric) -> Scale:
    """The digits that suit a set of effects: two significant ones of the narrowest half-interval."""
    halves = [
        (effect.high - effect.low) / 2 for effect in effects if effect.low is not None and effect.high is not None
    ]
    scale = effects[0].scale if effects else "linear"
    levels = [abs(effect.baseline_mean) for effect in effects if effect.baseline_mean and effect.kind != "interaction"]
    return scale_of_differences(metric, scale, halves, min(levels, default=0.0))


def paragraph(effects: Sequence[Effect], spec: ComparisonSpec) -> str:
    """What the effects say together: what fails and what differs first, then what does not; with intervals and p."""
    scale = scale_of(effects, spec.metric)
    order = [Verdict.FAILS, Verdict.HELPS, Verdict.RESCUES, Verdict.BETTER_WHERE_IT_WORKS, Verdict.HURTS]
    order += [Verdict.EQUIVALENT, Verdict.NO_DIFFERENCE, Verdict.UNSETTLED]
    ranked = sorted(effects, key=lambda effect: order.index(effect.verdict))
    quiet = {Verdict.NO_DIFFERENCE, Verdict.UNSETTLED} if len(effects) > MOST_SENTENCES else set()
    sentences = [_failure(effect) for effect in ranked if effect.verdict is Verdict.FAILS]
    described = [effect for effect in ranked if effect.verdict not in quiet | {Verdict.FAILS}]
    sentences += [sentence(effect, scale, spec, in_metric=index == 0) for index, effect in enumerate(described)]
    baselines = {effect.baseline for effect in effects}
    against = f", compared with {baselines.pop()}" if len(baselines) == 1 else ""
    for verdict in order:
        names = [effect.name for effect in ranked if effect.verdict is verdict and verdict in quiet]
        if names:
            where = "" if described else f" in {spec.metric}"
            listing = listed(names) if len(names) <= MOST_NAMES else f"{len(names)} of {len(effects)}"
            sentences.append(f"{verdict.capitalize()}{where} for {listing}{against}.")
    return " ".join(sentences)


def sentence(effect: Effect, scale: Scale, spec: ComparisonSpec, *, in_metric: bool = True) -> str:
    """One effect in plain words, with its size, interval, seeds and adjusted p, and what counting failures changes."""
    where = f" in {effect.metric}" if in_metric else ""
    failed = _failed(effect, scale)
    if effect.low is None:
        return f"{_doubt(effect, where)}: {_why_unsettled(effect)}.{failed}"
    interval = scale.interval(effect.low, effect.high)
    name = f"{NAMES[effect.correction]}-adjusted"
    adjusted = f"{name} " if effect.level is not None and abs(effect.level - (1 - spec.alpha)) > 1e-9 else ""
    size = (
        f"{scale.difference(effect.mean)} ({adjusted}{100 * (1 - spec.alpha):.4g} % interval {interval},"
        f" {plural(effect.n, 'seed')}, {name} p {p_equals(effect.p_adjusted)})"
    )
    if effect.verdict is Verdict.UNSETTLED:
        return f"{_doubt(effect, where)}: {size}{_needed(effect)}.{failed}"
    return f"{_claim(effect, where, scale, spec.equivalence)}: {size}.{failed}"


def _failed(effect: Effect, scale: Scale) -> str:
    """Which replicates failed, and the difference once they count; empty if none did."""
    counted = effect.counted
    if counted is None:
        return ""
    sides = (
        (effect.arm, counted.arm, counted.arm_trained),
        (effect.baseline, counted.baseline, counted.baseline_trained),
    )
    failures = listed(
        f"{name} failed with {failed} of {plural(trained, 'seed')}" for name, failed, trained in sides if failed
    )
    if counted.low is None:
        return f" {failures}."
    interval = scale.interval(counted.low, counted.high)
    difference = scale.difference(counted.mean)
    return f" {failures}; counted at the worst value seen, the difference is {difference} ({interval})."


def _failure(effect: Effect) -> str:
    counted = effect.counted
    assert counted is not None
    most = "with most seeds" if 2 * counted.arm > counted.arm_trained else "too often"
    extent = "with every seed" if counted.arm == counted.arm_trained else most
    return (
        f"{effect.arm} fails {extent} ({counted.arm} of {counted.arm_trained}; {effect.baseline}: {counted.baseline} of"
        f" {counted.baseline_trained})."
    )


def _claim(effect: Effect, where: str, scale: Scale, equivalence: float | None) -> str:
    interaction = effect.kind == "interaction"
    between = (
        f"the effects of {effect.arm} and {effect.baseline}" if interaction else f"{effect.arm} and {effect.baseline}"
    )
    match effect.verdict:
        case Verdict.NO_DIFFERENCE:
            return f"No difference shown between {between}{where}"
        case Verdict.EQUIVALENT:
            within = f" (within {scale.margin(equivalence)})" if equivalence else ""
            return f"{between} are equivalent{where}{within}"
        case Verdict.BETTER_WHERE_IT_WORKS if effect.counted is not None:
            works = effect.counted.arm_trained - effect.counted.arm
            share = f"{works} of {effect.counted.arm_trained}"
            return f"{effect.arm} is better where it works ({share}){where}, compared with {effect.baseline}"
        case Verdict.RESCUES:
            return f"{effect.arm} rescues seeds at which {effect.baseline} fails{where}"
        case _ if interaction:
            better = "better" if effect.verdict is Verdict.HELPS else "worse"
            return f"The effect of {effect.arm} is {better} than that of {effect.baseline}{where}"
        case _:
            reserved = " with a reservation" if effect.verdict is Verdict.HELPS and effect.reservations else ""
            return f"{effect.arm} {effect.verdict}{reserved}{where}, compared with {effect.baseline}"


def _doubt(effect: Effect, where: str) -> str:
    if effect.kind == "interaction":
        return f"It is unsettled whether the effects of {effect.arm} and {effect.baseline} differ{where}"
    return f"It is unsettled whether {effect.arm} differs from {effect.baseline}{where}"


def _why_unsettled(effect: Effect) -> str:
    if effect.n < FEWEST_SEEDS:
        return f"{plural(effect.n, 'complete pair')}, and a verdict needs at least {FEWEST_SEEDS}"
    if effect.sd:
        return f"{plural(effect.n, 'pair')} are too few for the bound that holds whenever one stops"
    return "the differences have no spread over seeds, and these are too few for a sign test"


def _needed(effect: Effect) -> str:
    seeds = "" if effect.more_seeds is None else plural(effect.more_seeds, "more seed")
    return f"; about {seeds} would settle it, at this rate" if seeds else ""
