"""What clean and robust accuracy the arms of an ablation reach together, over seeds: attainment surfaces."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from saddle.analyse.statistics.attainment import attainment_surfaces
from saddle.analyse.statistics.paired.paired_t import Floats
from saddle.analyse.study_results import StudyResults
from saddle.analyse.text.formatting import listed
from saddle.report.drawing.axes import clean, legend_below, metric_axis
from saddle.report.drawing.canvas import MUTED, PALETTE, LazyFigure, draw, hover, nothing
from saddle.report.drawing.surfaces import draw_surfaces
from saddle.report.figures.tradeoff import axes_of
from saddle.report.study_figure import StudyFigure
from trainables.contract import Metric

TITLE = "Front over seeds"
LEAST_ARMS = 3
LEAST_SEEDS = 3


def attainment(results: StudyResults) -> LazyFigure | None:
    """The surfaces that one seed, half of the seeds and every seed attain; None without a clean and a robust metric."""
    pair = axes_of(results.comparable, results.declared)
    if pair is None or len(results.arms) < LEAST_ARMS:
        return None
    seeds, points, names = points_of(results, pair)
    if len(seeds) < LEAST_SEEDS:
        return nothing("attainment", TITLE, f"It takes {LEAST_SEEDS} seeds with which every arm was tested.")
    runs = [np.array([[metric.cost(value) for metric, value in zip(pair, point, strict=True)] for point in of_seed])
            for of_seed in points]  # fmt: skip
    half = -(-len(seeds) // 2)
    counts = list(dict.fromkeys((1, half, len(seeds))))
    surfaces = attainment_surfaces(runs, counts)
    means = np.mean(points, axis=0)

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        flat = np.concatenate(points)
        draw_surfaces(axes, pair, surfaces, [_legend(count, len(seeds)) for count in counts], flat)
        axes.plot(flat[:, 0], flat[:, 1], "o", color=MUTED, ms=3, alpha=0.45, mew=0)
        for name, (x_mean, y_mean) in zip(names, means, strict=True):
            [mark] = axes.plot([x_mean], [y_mean], "D", color=PALETTE[1], ms=4.5, mew=0)
            hover(mark, name)
        metric_axis(axes, pair[0], "x")
        metric_axis(axes, pair[1], "y")
        axes.margins(0.05)
        legend_below(figure, axes, len(counts))

    on_front = [names[index] for index in undominated(means, pair)]
    caption = (
        f"Each seed’s arms make a front; the lines bound what at least so many of {len(seeds)} seeds reach, so that no"
        f" lucky seed decides. Dots are trials, diamonds means of arms. No other mean is better in both than"
        f" {listed(clean(name) for name in on_front)}."
    )
    return draw("attainment", TITLE, caption, (5.6, 4.2), paint, 3.6)


def points_of(results: StudyResults, pair: Sequence[Metric]) -> tuple[list[int], list[Floats], list[str]]:
    """The seeds that every tested arm has, for each of them the points (arms, 2) of these arms, and their names."""
    values = [{arm.arm: arm.values for arm in results.measured(metric.name)} for metric in pair]
    shared = {name: set(values[0][name]) & set(values[1][name]) for name in values[0]}
    names = [name for name, seeds in shared.items() if seeds]
    seeds = sorted(set.intersection(*(shared[name] for name in names))) if names else []
    points = [np.array([[value[name][seed] for value in values] for name in names]) for seed in seeds]
    return seeds, points, names


def undominated(means: Floats, pair: Sequence[Metric]) -> list[int]:
    """The rows (arms, 2) that no other one equals in both and betters in one."""
    costs = np.array([[metric.cost(value) for metric, value in zip(pair, row, strict=True)] for row in means])
    beaten = [bool(((costs <= row).all(1) & (costs < row).any(1)).any()) for row in costs]
    return [index for index, is_beaten in enumerate(beaten) if not is_beaten]


def _legend(count: int, seeds: int) -> str:
    if count == seeds:
        return f"every one of {seeds} seeds"
    return "the best of any seed" if count == 1 else f"{count} of {seeds} seeds"


ATTAINMENT = StudyFigure("attainment", 172, attainment, of=("ablation",))
