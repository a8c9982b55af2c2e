"""The result of a night in a sentence, and the message that is sent about it."""

from __future__ import annotations

from collections.abc import Sequence

from saddle.analyse.text.formatting import label
from saddle.nightly.bisect import Bisection
from saddle.nightly.decision.decision import ChangeRange, Decision, MetricEffect

MOST_NAMED = 4
SIGN = {"worse": "🔴 ", "changed": "🟡 ", "not settled": "🟡 ", "superseded": "🟡 ", "unfinished": "⚪ "}


def sentence(decision: Decision, bisection: Bisection | None = None) -> str:
    """What the night came to."""
    parts = [_first(decision)]
    if decision.superseded is not None:
        parts.append(f"The change of {decision.superseded.first_night} is superseded and was not settled.")
    if decision.change is not None and decision.kind != "unchanged":
        parts.append(changed_since(decision.change, bisection))
    if decision.reverted is not None:
        parts.append(f"The change of {decision.reverted.first_night} is gone.")
    return " ".join(parts)


def _first(decision: Decision) -> str:
    if decision.kind == "filling":
        return f"Filling: {decision.references} of {decision.pool} references are trained."
    if decision.kind == "worse":
        return f"Worse: {effects_text([effect for effect in decision.effects if effect.is_worse])}."
    if decision.kind == "no worse":
        return (
            f"No worse after {decision.seeds} seeds, and becomes the new reference: {effects_text(decision.effects)}."
        )
    if decision.kind in ("changed", "not settled", "superseded") and decision.seeds:
        return f"Changed, not settled after {decision.seeds} seeds: {effects_text(decision.effects)}."
    return {
        "unchanged": "Unchanged: every repeated number is what it was.",
        "unfinished": "Unfinished: some trials of the night are missing.",
    }.get(decision.kind, "Changed, not settled yet.")


def changed_since(change: ChangeRange, bisection: Bisection | None) -> str:
    """Between which nights something changed, and which commit did where that was looked for."""
    if bisection is not None and bisection.suspects:
        return f"Changed since {change.first_night}. {bisection.sentence}"
    before, after = change.commits
    if not change.what:
        return f"Changed since {change.first_night}, with the same code and data: results are not reproducible here."
    commits = f" between {before} and {after}" if "code" in change.what else ""
    return f"Changed since {change.first_night}: {' and '.join(change.what)}{commits}."


def effect_text(effect: MetricEffect) -> str:
    """`mp −0.0493 [−0.0554, −0.0433]`."""
    interval = "" if effect.interval is None else f" [{_signed(effect.interval[0])}, {_signed(effect.interval[1])}]"
    failed = f" (failed {effect.failed[1]}, of the references {effect.failed[0]})" if any(effect.failed) else ""
    return f"{effect.arm} {_signed(effect.mean)}{interval}{failed}"


def effects_text(effects: Sequence[MetricEffect]) -> str:
    """The effects metric by metric: `test robust accuracy (worst case): mp −0.0493 […], mta … with 12 seeds`."""
    by_metric: dict[tuple[str, int], list[str]] = {}
    for effect in effects:
        by_metric.setdefault((effect.metric, effect.seeds), []).append(effect_text(effect))
    return "; ".join(
        f"{label(metric)}: {', '.join(texts[:MOST_NAMED])}{_more(texts)} with {seeds} seeds"
        for (metric, seeds), texts in by_metric.items()
    )


def _more(texts: Sequence[str]) -> str:
    return f" and {len(texts) - MOST_NAMED} more" if len(texts) > MOST_NAMED else ""


def _signed(value: float) -> str:
    return f"{value:+.3g}".replace("-", "−")


def message(study: str, decision: Decision, bisection: Bisection | None, page: str) -> str:
    """The message that is sent about a night."""
    return f"{SIGN.get(decision.kind, '🟢 ')}{study}, {decision.date}: {sentence(decision, bisection)}\n{page}"
