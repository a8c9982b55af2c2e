"""The figures of a search: history, importance, parameters against the objective, and the Pareto front."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from saddle.analyse.best import candidates, trial_order, value_of
from saddle.analyse.importance import Importance, drawn
from saddle.analyse.wording import is_fraction, label
from saddle.design.values import canonical, readable
from saddle.report.figures.axes import category_axis, clean, log_axis, percent_axis
from saddle.report.figures.canvas import ACCENT, MUTED, PALETTE, Plate, draw, nothing
from saddle.search.outcomes import METHOD_FAILURES, Outcome
from saddle.store.entry import Entry
from saddle.study.models import Constraint, Objective, Study
from saddle.study.space import Parameter

MOST_SLICES = 12


def history(entries: Sequence[Entry], objectives: Sequence[Objective], constraints: Sequence[Constraint]) -> Plate:
    """Each trial's objective in the order of trials, and the best so far."""
    title = "Search history"
    ordered = sorted(entries, key=trial_order)
    if not ordered:
        return nothing("history", title, "No trial has finished yet.")

    def paint(figure: Figure) -> None:
        panels = figure.subplots(len(objectives), 1, squeeze=False, sharex=True)[:, 0]
        for axes, objective in zip(panels, objectives, strict=True):
            _history(axes, ordered, objective, constraints)
            percent_axis(axes, objective.metric, title=objective.metric.rpartition("/")[2] if len(panels) > 1 else None)
        panels[-1].set_xlabel("trial")
        panels[0].legend(loc="upper left", bbox_to_anchor=(1.01, 1), fontsize=9)

    caption = (
        "Trials that were stopped early stand at the value they had reached; those that failed or left the finite"
        " numbers stand as crosses at the bottom."
    )
    return draw("history", title, caption, (8.6, 0.8 + 2.5 * len(objectives)), paint)


def _history(axes: Axes, ordered: Sequence[Entry], objective: Objective, constraints: Sequence[Constraint]) -> None:
    place = {entry.key: index if entry.number is None else entry.number for index, entry in enumerate(ordered)}
    feasible = {entry.key for entry in candidates(ordered, [objective], constraints)}
    valued = {entry.key: value for entry in ordered if (value := value_of(entry, objective.metric)) is not None}
    kinds = {
        "completed": [e for e in ordered if e.key in feasible],
        "breaks a constraint": [
            e for e in ordered if e.outcome == Outcome.COMPLETED and e.key in valued and e.key not in feasible
        ],
        "stopped early": [e for e in ordered if e.outcome == Outcome.PRUNED and e.key in valued],
    }
    looks: dict[str, dict[str, Any]] = {
        "completed": {"marker": "o", "color": ACCENT, "ms": 5, "mew": 0, "alpha": 0.8},
        "breaks a constraint": {"marker": "D", "color": PALETTE[4], "ms": 4.5, "mew": 0, "alpha": 0.8},
        "stopped early": {"marker": "o", "mfc": "none", "mec": MUTED, "ms": 5},
    }
    for kind, members in kinds.items():
        if members:
            x, y = [place[e.key] for e in members], [valued[e.key] for e in members]
            axes.plot(x, y, linestyle="none", label=kind, **looks[kind])
    done = kinds["completed"]
    if done:
        better = np.maximum if objective.direction == "maximize" else np.minimum
        steps = better.accumulate([valued[e.key] for e in done])
        ends = [*[place[e.key] for e in done], max(place.values())]
        axes.plot(ends, [*steps, steps[-1]], color=PALETTE[1], lw=1.8, drawstyle="steps-post", label="best so far")
    lost = [e for e in ordered if all(e not in members for members in kinds.values())]
    for name, members in {
        "collapsed or diverged": [e for e in lost if e.outcome in METHOD_FAILURES],
        "failed or without value": [e for e in lost if e.outcome not in METHOD_FAILURES],
    }.items():
        if members:
            axes.plot(
                [place[e.key] for e in members],
                [0.02] * len(members),
                "x",
                color=PALETTE[1] if name.startswith("collapsed") else MUTED,
                transform=axes.get_xaxis_transform(),
                label=name,
                clip_on=False,
            )
    axes.margins(y=0.12)
    if max(place.values()) < 12:
        axes.set_xticks(sorted(set(place.values())))


def importances(found: Mapping[str, Importance]) -> Plate:
    """The share of each parameter in what separates the best quarter of trials from the rest."""
    title = "Importance of the parameters"
    drawn_ones = {metric: one for metric, one in found.items() if one.values}
    if not drawn_ones:
        return nothing("importance", title, next((one.reason for one in found.values()), "no objective") + ".")
    rows = max(len(one.values) for one in drawn_ones.values())

    def paint(figure: Figure) -> None:
        panels = figure.subplots(1, len(drawn_ones), squeeze=False)[0]
        for axes, (metric, one) in zip(panels, drawn_ones.items(), strict=True):
            shares = [100 * share for share in one.values.values()]
            bars = axes.barh(range(len(shares)), shares, color=ACCENT, height=0.6)
            axes.bar_label(bars, [f"{share:.0f} %" for share in shares], padding=4)
            category_axis(axes, list(one.values), "y", 24)
            axes.invert_yaxis()
            axes.set_xlim(0, max([*shares, 1]) * 1.18)
            axes.grid(visible=False)
            axes.spines["bottom"].set_visible(False)
            axes.tick_params(axis="both", length=0, labelbottom=False)
            if len(panels) > 1:
                axes.set_title(clean(label(metric), 40))

    few = min(one.trials for one in drawn_ones.values())
    rough = any(one.rough for one in drawn_ones.values())
    caption = f"PED-ANOVA over {few} completed trials: what separates the best quarter from the rest." + (
        " With so few trials this is a rough hint; the order may be chance." if rough else ""
    )
    return draw("importance", title, caption, (8.6, 0.7 + 0.36 * rows), paint)


def slices(study: Study, entries: Sequence[Entry], objective: Objective, best: Entry | None) -> Plate:
    """Each searched parameter against the objective."""
    title = "Parameters against the objective"
    shown = candidates(entries, [objective])
    names = [n for n in study.search or {} if any(n in drawn(study, entry) for entry in shown)][:MOST_SLICES]
    if not names:
        return nothing("slices", title, "No trial has completed yet.")
    columns = min(len(names), 3)
    rows = math.ceil(len(names) / columns)

    def paint(figure: Figure) -> None:
        panels = figure.subplots(rows, columns, squeeze=False, sharey=True, gridspec_kw={"wspace": 0.12})
        for axes in panels.flat[len(names) :]:
            axes.set_visible(False)
        for axes, name in zip(panels.flat, names, strict=False):
            points = [(drawn(study, e)[name], e) for e in shown if name in drawn(study, e)]
            _slice(axes, (study.search or {})[name], points, objective, best)
            axes.set_xlabel(clean(name, 30))
            percent_axis(axes, objective.metric, title="")
        unit = " (%)" if is_fraction(objective.metric) else ""
        figure.supylabel(clean(label(objective.metric), 30 if rows == 1 else 60) + unit, fontsize=9.5)

    caption = (
        f"Completed trials by {label(objective.metric)}; the best in orange. Conditional parameters only where active."
    )
    return draw("slices", title, caption, (min(2.9 * columns + 0.4, 8.8), 2.35 * rows + 0.1), paint)


def _slice(
    axes: Axes, parameter: Parameter, points: Sequence[tuple[Any, Entry]], objective: Objective, best: Entry | None
) -> None:
    values = [value for value, _ in points]
    if parameter.choice is not None:
        order = [canonical(choice) for choice in parameter.choice]
        place = {text: index for index, text in enumerate(order)}
        # A small fixed shift keeps equal values apart without randomness.
        x = [place.get(canonical(v), len(order)) + 0.08 * (i % 5 - 2) for i, v in enumerate(values)]
        category_axis(axes, [readable(choice) for choice in parameter.choice], length=12)
        axes.set_xlim(-0.6, len(order) - 0.4)
    else:
        x = [float(value) for value in values]
        if parameter.log:
            log_axis(axes, *parameter.bounds)
        else:
            low, high = parameter.bounds
            axes.set_xlim(low - 0.05 * (high - low), high + 0.05 * (high - low))
    axes.plot(x, [entry.metrics[objective.metric] for _, entry in points], "o", color=ACCENT, ms=4.5, alpha=0.65, mew=0)
    for at, (_, entry) in zip(x, points, strict=True):
        if best is not None and entry.key == best.key:
            axes.plot([at], [entry.metrics[objective.metric]], "o", color=PALETTE[1], ms=8, mew=0)


def fronts(entries: Sequence[Entry], front: Sequence[Entry], objectives: Sequence[Objective]) -> Plate:
    """Two objectives against each other; for three, each pair."""
    title = "Pareto front"
    shown = candidates(entries, objectives)
    pairs = list(itertools.combinations(objectives, 2))
    if not shown or not pairs:
        return nothing("pareto", title, "No trial has completed with a finite value of every objective yet.")
    kept = {entry.key for entry in front}

    def paint(figure: Figure) -> None:
        panels = figure.subplots(1, len(pairs), squeeze=False)[0]
        for axes, (one, other) in zip(panels, pairs, strict=True):
            rest = [entry for entry in shown if entry.key not in kept]
            axes.plot(
                [e.metrics[one.metric] for e in rest], [e.metrics[other.metric] for e in rest], "o", color=MUTED, ms=4,
                alpha=0.5, mew=0, label="dominated",
            )  # fmt: skip
            ordered = sorted(front, key=lambda entry: entry.metrics[one.metric])
            line = "o-" if len(pairs) == 1 else "o"
            axes.plot(
                [e.metrics[one.metric] for e in ordered], [e.metrics[other.metric] for e in ordered], line,
                color=PALETTE[1], ms=6, lw=1.2, drawstyle="steps-post" if one.direction == "minimize" else "steps-pre",
                mew=0, label="on the front",
            )  # fmt: skip
            percent_axis(axes, one.metric, "x", title=f"{one.metric.rpartition('/')[2]} ({one.direction})")
            percent_axis(axes, other.metric, "y", title=f"{other.metric.rpartition('/')[2]} ({other.direction})")
        panels[0].legend(fontsize=9)

    caption = "Trials on the front are bettered by no other trial in every objective."
    return draw("pareto", title, caption, (5.4 if len(pairs) == 1 else 8.8, 3.6 if len(pairs) == 1 else 3.2), paint)
