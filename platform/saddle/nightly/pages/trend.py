"""The trend of a metric over all nights: each arm's references, moved by what its repeated seeds have changed since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

from matplotlib.figure import Figure

from saddle.nightly.decision.night import Host, Measurement, Replicate
from saddle.nightly.pages.night_facts import FLAGGED, NightFacts
from saddle.report.drawing.axes import category_axis, clean, legend_below, metric_axis, style_of
from saddle.report.drawing.canvas import INK, MUTED, LazyFigure, draw, is_narrow, nothing
from trainables.contract import Metric

Series = dict[str, dict[int, float]]
"""The value of each arm by the place of the night."""

CAPTION = (
    "Every arm's mean over the first references of its machine, moved by the mean change of the seeds that the night "
    "repeated: a seed's luck moves no line. Dashed: numbers have changed since then; crosses: nights that are worse."
)


def trend(nights: Sequence[NightFacts], arms: Sequence[str], metric: Metric) -> LazyFigure:
    """The figure; says why where no night is over."""
    series = values_over_nights(nights, arms, metric.name)
    name = f"trend-{metric.name.replace('/', '-')}"
    if not any(series.values()):
        return nothing(name, metric.name, "No night has measured it yet.")

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        for index, (arm, points) in enumerate(series.items()):
            colour, line = style_of(index)
            axes.plot(list(points), list(points.values()), line, color=colour, marker="o", ms=4, label=clean(arm))
            flagged = [place for place in points if nights[place].word in FLAGGED]
            axes.plot(flagged, [points[place] for place in flagged], "x", color=INK, ms=11, mew=2.2)
        for place, text in changes(nights).items():
            axes.axvline(place - 0.5, color=MUTED, ls="--", lw=1)
            axes.annotate(
                text, (place - 0.5, 1), xycoords=("data", "axes fraction"), xytext=(3, -2), textcoords="offset points",
                color=MUTED, fontsize=9, va="top",
            )  # fmt: skip
        step = max(1, -(-len(nights) // (5 if is_narrow(figure) else 15)))
        category_axis(axes, [each.date if place % step == 0 else "" for place, each in enumerate(nights)])
        axes.tick_params(axis="x", rotation=30)
        axes.set_xlim(-0.7, max(1.0, len(nights) - 0.3))
        axes.margins(y=0.2)
        metric_axis(axes, metric, above=True, title=metric.name)
        legend_below(figure, axes, len(series))

    return draw(name, metric.name, CAPTION, (9.6, 3.8), paint, 3.6)


def changes(nights: Sequence[NightFacts]) -> dict[int, str]:
    """The nights since which numbers are others, by their places, each with the code that they came with."""
    places = {each.date: place for place, each in enumerate(nights)}
    codes: dict[int, str] = {}
    for each in nights:
        if each.decision is not None and each.decision.change is not None:
            codes[places.get(each.decision.change.first_night, places[each.date])] = clean(each.commits, 26)
    return codes


def values_over_nights(nights: Sequence[NightFacts], arms: Sequence[str], metric: str) -> Series:
    """Each arm's references, moved by what its seeds have changed since; nights without the metric have no value."""
    series: Series = {arm: {} for arm in arms}
    pools: dict[Host, dict[Replicate, float]] = {}
    for place, each in enumerate(nights):
        if each.night is None:
            continue
        pool = pools.setdefault(each.night.environment.host, {})
        for replicate, value in _values(each.night.measured("pool"), metric).items():
            pool.setdefault(replicate, value)
        tonight = _values(each.night.at_its_code, metric)
        for arm in arms:
            mean = _moved(arm, pool, tonight)
            if mean is not None:
                series[arm][place] = mean
    return series


def _values(measured: Mapping[Replicate, Measurement], metric: str) -> dict[Replicate, float]:
    return {each: m.metrics[metric] for each, m in measured.items() if metric in m.metrics}


def _moved(arm: str, pool: Mapping[Replicate, float], tonight: Mapping[Replicate, float]) -> float | None:
    """The mean of an arm's references and of its seeds' changes; without references that of the night's own seeds."""
    references = [value for replicate, value in pool.items() if replicate.arm == arm]
    changed = [value - pool[each] for each, value in tonight.items() if each.arm == arm and each in pool]
    if references:
        return fmean(references) + (fmean(changed) if changed else 0.0)
    own = [value for replicate, value in tonight.items() if replicate.arm == arm]
    return fmean(own) if own else None
