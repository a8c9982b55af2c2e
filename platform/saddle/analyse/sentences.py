"""Effects as sentences."""

from __future__ import annotations

from collections.abc import Sequence

from saddle.analyse.effects import Effect
from saddle.analyse.verdict import FEWEST_SEEDS, Verdict
from saddle.analyse.wording import Scale, listed, p_equals, plural

MOST_SENTENCES = 4
"""With more comparisons than this, those that show nothing are only listed."""


def scale_of(effects: Sequence[Effect], metric: str) -> Scale:
    """The digits that suit a set of effects: two significant ones of the narrowest half-interval."""
    halves = [
        (effect.high - effect.low) / 2 for effect in effects if effect.low is not None and effect.high is not None
    ]
    return Scale.of(metric, halves)


def paragraph(effects: Sequence[Effect], metric: str, alpha: float, equivalence: float | None) -> str:
    """What the effects say together: what differs first, then what does not; each with its interval and p."""
    scale = scale_of(effects, metric)
    order = [Verdict.HELPS, Verdict.HURTS, Verdict.EQUIVALENT, Verdict.NO_DIFFERENCE, Verdict.UNSETTLED]
    ranked = sorted(effects, key=lambda effect: order.index(effect.verdict))
    quiet = {Verdict.NO_DIFFERENCE, Verdict.UNSETTLED} if len(effects) > MOST_SENTENCES else set()
    told = [effect for effect in ranked if effect.verdict not in quiet]
    sentences = [sentence(effect, scale, alpha, equivalence, in_metric=index == 0) for index, effect in enumerate(told)]
    baselines = {effect.baseline for effect in effects}
    against = f", compared with {baselines.pop()}" if len(baselines) == 1 else ""
    for verdict in order:
        names = [effect.name for effect in ranked if effect.verdict is verdict and verdict in quiet]
        if names:
            where = "" if sentences else f" in {metric}"
            sentences.append(f"{verdict.capitalize()}{where} for {listed(names)}{against}.")
    return " ".join(sentences)


def sentence(
    effect: Effect, scale: Scale, alpha: float, equivalence: float | None = None, *, in_metric: bool = True
) -> str:
    """One effect in plain words, with its size, interval, seeds and adjusted p."""
    where = f" in {effect.metric}" if in_metric else ""
    if effect.verdict is Verdict.UNSETTLED:
        return _unsettled(effect, where)
    interval = scale.interval(effect.low, effect.high)
    adjusted = "Holm-adjusted " if effect.level is not None and abs(effect.level - (1 - alpha)) > 1e-9 else ""
    size = (
        f"{scale.difference(effect.mean)} ({adjusted}{100 * (1 - alpha):.4g} % interval {interval},"
        f" {plural(effect.n, 'seed')}, Holm-adjusted p {p_equals(effect.p_holm)})"
    )
    return f"{_claim(effect, where, scale, equivalence)}: {size}."


def _claim(effect: Effect, where: str, scale: Scale, equivalence: float | None) -> str:
    interaction = effect.kind == "interaction"
    between = (
        f"the effects of {effect.arm} and {effect.baseline}" if interaction else f"{effect.arm} and {effect.baseline}"
    )
    match effect.verdict:
        case Verdict.NO_DIFFERENCE:
            return f"No difference shown between {between}{where}"
        case Verdict.EQUIVALENT:
            within = f" (within ±{scale.bare(equivalence)}{scale.difference_suffix})" if equivalence else ""
            return f"{between} are equivalent{where}{within}"
        case _ if interaction:
            more = "more" if effect.verdict is Verdict.HELPS else "less"
            return f"{effect.arm} does {more} good than {effect.baseline}{where}"
        case _:
            return f"{effect.arm} {effect.verdict}{where}, compared with {effect.baseline}"


def _unsettled(effect: Effect, where: str) -> str:
    why = (
        f"{plural(effect.n, 'complete pair')}, and a verdict needs at least {FEWEST_SEEDS}"
        if effect.n < FEWEST_SEEDS
        else "the differences have no spread over seeds to judge them by"
    )
    return f"It is unsettled whether {effect.arm} differs from {effect.baseline}{where}: {why}."
