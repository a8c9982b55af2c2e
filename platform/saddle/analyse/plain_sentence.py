"""What a comparison shows, in words that need no knowledge of statistics; intervals and p-values follow elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from saddle.analyse.arms.effect import Effect
from saddle.analyse.arms.verdict import Verdict
from saddle.analyse.text.formatting import Scale, label, listed, plural
from trainables.contract import Metric

MOST_COMPARISONS = 3
"""More comparisons are only counted by their verdict."""

IMPROVES = re.compile(
    r"\b(beats?|better|improves?|helps?|outperforms?|raises?|recovers?|more (?:robust|accurate))\b", re.I
)
"""A question with one of these words asks whether the arm named before it is better than the baseline."""

NEGATED = re.compile(r"\b(no|not|never|without|hurts?|harms?|worse|less)\b|n't\b", re.I)
"""A question with one of these words gets no yes or no: it is not clear which of them would be the good answer."""

SWITCHES = frozenset({"on", "off", "true", "false", "yes", "no", "null", "none"})
"""Values of arms that a question may contain as words of its own: `On digits, …` names no arm."""

ANSWERS = {
    Verdict.HELPS: "Yes",
    Verdict.RESCUES: "Yes",
    Verdict.HURTS: "No",
    Verdict.EQUIVALENT: "No",
    Verdict.NO_DIFFERENCE: "Not shown",
    Verdict.UNSETTLED: "Not settled",
    Verdict.BETTER_WHERE_IT_WORKS: "Not shown",
}


def plain_sentences(question: str, effects: Sequence[Effect], scale: Scale) -> str:
    """One sentence for each comparison, or one for all if they are many.

    Empty for what has no interval yet, and for arms that fail, of which the statistics say no more than that. Each
    begins with yes or no where `question` asks whether its arm improves on the baseline.
    """
    compared = [effect for effect in effects if effect.kind != "interaction"]
    if len(compared) > MOST_COMPARISONS:
        return _summary(compared)
    # what was asked about comes first
    compared.sort(key=lambda effect: not asks_whether_it_improves(question, effect))
    return " ".join(_opened(question, effect, clause) for effect in compared if (clause := _clause(effect, scale)))


def asks_whether_it_improves(question: str, effect: Effect) -> bool:
    """Whether the question names the arm before a word for better, and the baseline not: `Does mp beat sta?`."""
    word = IMPROVES.search(question)
    if (
        word is None
        or NEGATED.search(question)
        or not re.match(r"(.*,\s*)?(does|do|is|are|can)\b", question, re.I | re.S)
    ):
        return False
    subject = question[: word.start()]
    return _names(subject, effect.arm) and not _names(subject, effect.baseline)


def _names(text: str, arm: str) -> bool:
    """Whether the text has the arm's label, or the value in it where that is a word of its own: `perturbation=mp`."""
    value = arm.rpartition("=")[2]
    names = [arm, value] if re.search(r"[^\W\d]{2}", value) and value.lower() not in SWITCHES else [arm] * ("=" in arm)
    return any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.I) for name in names)


def _opened(question: str, effect: Effect, clause: str) -> str:
    if asks_whether_it_improves(question, effect) and effect.verdict in ANSWERS:
        reserved = ", with a reservation" if effect.reservations and ANSWERS[effect.verdict] == "Yes" else ""
        return f"{ANSWERS[effect.verdict]}{reserved}: {clause}{_but(effect)}."
    # an arm's name is written as the study file writes it
    first = clause if clause.startswith(effect.arm) else f"{clause[0].upper()}{clause[1:]}"
    return f"{first}{_but(effect)}."


def _but(effect: Effect) -> str:
    """The reservations about an arm that is better, to end its sentence; empty if there are none."""
    better = effect.verdict in (Verdict.HELPS, Verdict.RESCUES, Verdict.BETTER_WHERE_IT_WORKS, Verdict.EQUIVALENT)
    return f"; but {listed(effect.reservations)}" if better and effect.reservations else ""


def _clause(effect: Effect, scale: Scale) -> str:
    """The comparison as a clause without its final stop; empty if there is nothing to say about values."""
    arm, baseline, measure = effect.arm, effect.baseline, label(effect.metric.name)
    counted = effect.counted
    match effect.verdict:
        case Verdict.RESCUES if counted is not None:
            return (
                f"training with {baseline} fails with {counted.baseline} of {plural(counted.baseline_trained, 'seed')},"
                f" with {arm} with {counted.arm} of {counted.arm_trained}"
            )
    if effect.low is None or effect.mean is None or effect.arm_mean is None or effect.baseline_mean is None:
        return ""
    values = f"{scale.bare(effect.baseline_mean)} → {scale.value(effect.arm_mean)}"
    size = f"{scale.amount(effect.mean)}{scale.difference_suffix}"
    way = "higher" if effect.mean > 0 else "lower"
    # a reader may not know which direction of a minimised metric is better
    quality = _quality(effect.metric)
    sense = "" if effect.direction == "maximize" else f", which is {'better' if effect.mean < 0 else 'worse'}"
    match effect.verdict:
        case Verdict.HELPS | Verdict.HURTS if quality:
            more = "more" if effect.mean > 0 else "less"
            return f"{arm} is {size} {more} {quality} than {baseline} ({values})"
        case Verdict.HELPS | Verdict.HURTS:
            return f"with {arm}, {measure} is {size} {way} than with {baseline} ({values}){sense}"
        case Verdict.BETTER_WHERE_IT_WORKS if counted is not None:
            works = f"{counted.arm_trained - counted.arm} of {plural(counted.arm_trained, 'seed')}"
            return (
                f"where {arm} trains at all ({works}), {measure} is {size} {way} than with {baseline} ({values}){sense}"
            )
        case Verdict.EQUIVALENT:
            return f"{arm} and {baseline} make no practical difference to {measure} ({values})"
        case Verdict.NO_DIFFERENCE | Verdict.UNSETTLED:
            return (
                f"with {plural(effect.n, 'seed')}, {arm} can't be distinguished from {baseline} in {measure} ({values})"
            )
    return ""


def _quality(metric: Metric) -> str:
    """What a larger share of right answers on test data makes a model: `robust`; empty for any other metric."""
    if metric.split != "test" or not metric.is_fraction or metric.direction != "maximize":
        return ""
    if metric.role == "robust" and (metric.worst_case or metric.attack):
        return "robust" if metric.worst_case else f"robust against {metric.attack}"
    return "accurate" if metric.role == "clean" else ""


def _summary(effects: Sequence[Effect]) -> str:
    baselines = {effect.baseline for effect in effects}
    against = f" than {baselines.pop()}" if len(baselines) == 1 else ""
    parts = list(_counts(effects, against))
    reserved = [f" {effect.name}{_but(effect)}." for effect in effects if _but(effect)]
    return f"Of {plural(len(effects), 'comparison')}, {listed(parts)}.{''.join(reserved)}" if parts else ""


def _counts(effects: Sequence[Effect], against: str) -> Iterator[str]:
    groups = (
        ((Verdict.HELPS, Verdict.RESCUES), f"better{against}"),
        ((Verdict.HURTS, Verdict.FAILS), f"worse{against}"),
        ((Verdict.EQUIVALENT,), "of no practical difference"),
        ((Verdict.BETTER_WHERE_IT_WORKS,), "better only where training works"),
        ((Verdict.NO_DIFFERENCE,), "without a difference shown"),
        ((Verdict.UNSETTLED,), "not settled"),
    )
    for verdicts, words in groups:
        names = [effect.name for effect in effects if effect.verdict in verdicts]
        if names:
            shows_names = len(names) <= MOST_COMPARISONS and not {Verdict.NO_DIFFERENCE, Verdict.UNSETTLED} & {
                *verdicts
            }
            listing = f" ({listed(names)})" if shows_names else ""
            yield f"{len(names)} {'is' if len(names) == 1 else 'are'} {words}{listing}"
