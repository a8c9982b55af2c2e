"""The figures of an ablation: the forest plot, and each seed's values across the arms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from saddle.analyse.arms.effect import Effect
from saddle.analyse.arms.paired_values import ArmValues
from saddle.analyse.arms.verdict import Verdict
from saddle.analyse.sentences import scale_of
from saddle.analyse.statistics.paired.corrections import NAMES
from saddle.analyse.study_results import StudyResults
from saddle.analyse.text.formatting import Scale, label, plural
from saddle.report.drawing.arm_order import SORTED_FROM, arms_in_order
from saddle.report.drawing.axes import NARROW_ROW, Changes, clean, metric_axis, name_rows, narrow_row, style_of, wrapped
from saddle.report.drawing.canvas import ACCENT, INK, MUTED, LazyFigure, draw, hover, is_narrow, nothing
from saddle.report.drawing.dense import dots
from saddle.report.study_figure import StudyFigure
from trainables.contract import Metric

COLOURS = {Verdict.HELPS: "#009e73", Verdict.HURTS: "#d55e00", Verdict.EQUIVALENT: ACCENT}
MOST_ROWS = 80
FEWEST_TO_CUT = 4
"""Intervals of fewer effects are shown to their ends."""


def forest(effects: Sequence[Effect], alpha: float, equivalence: float | None) -> LazyFigure:
    """Every effect with its interval, each seed's difference, and the zero line."""
    title = "Effects"
    with_mean = [effect for effect in effects if effect.mean is not None]
    if len(with_mean) >= SORTED_FROM:
        with_mean.sort(key=lambda effect: (effect.mean or 0.0) * (-1 if effect.direction == "maximize" else 1))
    shown = with_mean[:MOST_ROWS]
    if not shown:
        return nothing("effects", title, "No arm shares a completed seed with the baseline yet.")
    scale = scale_of(shown, shown[0].metric)
    names = [f"interaction {effect.name}" if effect.kind == "interaction" else named(effect) for effect in shown]
    words = [f"{scale.change(effect.mean or 0.0)}   {effect.verdict}" for effect in shown]
    reach = reach_of(shown)

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        if equivalence is not None:
            axes.axvspan(-equivalence, equivalence, color=ACCENT, alpha=0.08, lw=0)
        axes.axvline(0, color=INK, lw=1)
        _paint_intervals(axes, shown, scale)
        name_rows(axes, names, narrow=is_narrow(figure), remarks=words)
        axes.spines["left"].set_visible(False)
        low, high = axes.get_xlim()
        margin = 0.05 * (high - low) or 1e-3
        axes.set_xlim(max(min(low, -margin), -reach), min(max(high, margin), reach))
        _paint_arrows(axes, shown, reach)
        axes.xaxis.set_major_formatter(Changes(scale))
        axes.set_xlabel(wrapped(_axis_label(shown[0], scale), figure))

    baselines = {effect.baseline for effect in shown if effect.kind == "arm"}
    against = f" against {baselines.pop()}" if len(baselines) == 1 else ""
    caption = (
        f"Mean paired difference{against} with its {100 * (1 - alpha):.4g} % interval,"
        f" {NAMES[shown[0].correction]}-adjusted over {plural(len(effects), 'comparison')};"
        " small dots are single seeds."
        + (" The band is the range the study calls equivalent." if equivalence is not None else "")
        + (" An arrow: the interval continues beyond the figure." if _goes_on(shown, reach) else "")
        + (" The best first." if len(with_mean) >= SORTED_FROM else "")
        + (f" The first {MOST_ROWS} of {len(with_mean)}." if len(with_mean) > MOST_ROWS else "")
    )
    height = 0.46 if len(shown) < SORTED_FROM else 0.26
    return draw(
        "effects", title, caption, (8.6, 1.1 + height * len(shown)), paint, 1.2 + narrow_row(names, words) * len(shown)
    )  # fmt: skip


def _paint_intervals(axes: Axes, effects: Sequence[Effect], scale: Scale) -> None:
    """Each effect's mean and interval in its row, and its seeds below."""
    seeds: dict[str, list[tuple[float, float]]] = {}
    for row, effect in enumerate(effects):
        colour = COLOURS.get(effect.verdict, MUTED)
        seeds.setdefault(colour, []).extend((value, row + 0.22) for value in effect.differences.values())
        if effect.low is not None and effect.high is not None:
            axes.plot([effect.low, effect.high], [row, row], color=colour, lw=2.4, solid_capstyle="butt")
        [point] = axes.plot([effect.mean or 0.0], [row], "o", color=colour, ms=7, mew=0)
        hover(point, _shown_on_hover(effect, scale))
    for colour, points in seeds.items():
        dots(axes, *zip(*points, strict=True), color=colour, ms=3.2, alpha=0.55, mew=0)


def _paint_arrows(axes: Axes, effects: Sequence[Effect], reach: float) -> None:
    """An arrow at each end of an interval that continues beyond `reach`."""
    for row, effect in enumerate(effects):
        for end, marker in ((effect.low, "<"), (effect.high, ">")):
            if end is not None and abs(end) > reach:
                colour = COLOURS.get(effect.verdict, MUTED)
                axes.plot([math.copysign(reach, end)], [row], marker, color=colour, ms=7, mew=0, clip_on=False)


def _axis_label(effect: Effect, scale: Scale) -> str:
    better = "right" if effect.direction == "maximize" else "left"
    metric = clean(label(effect.metric.name), 50)
    return f"difference in {metric}{scale.difference_unit}; better to the {better}"


def named(effect: Effect) -> str:
    """The effect's name, marked where its arm was added after results could be seen."""
    return effect.name + effect.later


def reach_of(effects: Sequence[Effect]) -> float:
    """How far from zero the axis may go: a few very wide intervals would compress all others to a line.

    Unlimited if none is beyond three times what four in five of the intervals reach; every mean is within.
    """
    ends = [max(abs(e.low), abs(e.high)) for e in effects if e.low is not None and e.high is not None]
    if len(ends) < FEWEST_TO_CUT:
        return math.inf
    means = max(abs(effect.mean or 0.0) for effect in effects)
    limit = max(3 * float(np.quantile(ends, 0.8)), 1.2 * means)
    return limit if max(ends) > limit else math.inf


def _goes_on(effects: Sequence[Effect], reach: float) -> bool:
    return any(end is not None and abs(end) > reach for effect in effects for end in (effect.low, effect.high))


def _shown_on_hover(effect: Effect, scale: Scale) -> str:
    """The text about an effect while the pointer is over it."""
    return (
        f"{named(effect)}: {scale.difference(effect.mean)}, interval {scale.interval(effect.low, effect.high)};"
        f" {effect.verdict_text}; {plural(effect.n, 'seed')}"
    )


def arms(measured: Sequence[ArmValues], metric: Metric) -> LazyFigure:
    """Each arm's values, with a line per seed from arm to arm: parallel lines: seeds shift all arms equally."""
    title = "Arms, seed by seed"
    shown = list(measured)[:MOST_ROWS]
    few = len(shown) < SORTED_FROM
    if not any(arm.values for arm in shown):
        return nothing("arms", title, "No replicate has completed yet.")
    seeds = sorted({seed for arm in shown for seed in arm.values})

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        points = {
            seed: [(arm.values[seed], row) for row, arm in enumerate(shown) if seed in arm.values] for seed in seeds
        }
        for joined_by_seed in points.values() if few else ():
            axes.plot(*zip(*joined_by_seed, strict=True), color=MUTED, lw=0.8, alpha=0.6)
        every = [point for listed in points.values() for point in listed]
        dots(axes, *zip(*every, strict=True), color=MUTED, ms=3.5, alpha=0.6, mew=0)
        for row, arm in enumerate(shown):
            if arm.values:
                mean = float(np.mean([*arm.values.values()]))
                look: dict[str, Any] = {"color": style_of(row)[0] if few else ACCENT, "ms": 20 if few else 11, "mew": 3}
                [bar] = axes.plot([mean], [row], "|", **look)
                hover(bar, f"{arm.arm}: {Scale.of(metric).value(mean)}, mean of {plural(len(arm.values), 'seed')}")
        name_rows(axes, [arm.arm for arm in shown], narrow=is_narrow(figure))
        metric_axis(axes, metric, "x")

    joined = ", a thin line joins those of one seed," if few else ""
    caption = f"Every dot is a replicate{joined} and the bar is the arm's mean."
    height = 1.1 + (0.42 if few else 0.24) * len(shown)
    return draw("arms", title, caption, (8.6, height), paint, 1.0 + NARROW_ROW * len(shown))


def _forest(results: StudyResults) -> LazyFigure:
    ablation = results.study.ablation
    assert ablation is not None
    return forest(results.answer.effects, ablation.compare.alpha, ablation.compare.equivalence)


EFFECTS = StudyFigure("effects", 10, _forest, of=("ablation",))
ARMS = StudyFigure("arms", 50, lambda results: arms(arms_in_order(results), results.metric), of=("ablation",))
