"""The page of one trial."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import quote

from saddle.analyse.text.formatting import Scale
from saddle.serve.pages.chart import Chart, Curve, draw_chart
from saddle.serve.pages.render import render_page, render_regions
from saddle.serve.watched.trial import WatchedTrial
from saddle.serve.watched.trial_lines import values_of

REGIONS = ("status", "curves", "pictures", "measured", "log")
MOST_CHARTS = 24


def trial_regions(trial: WatchedTrial) -> Mapping[str, str]:
    """The parts of the page that change."""
    return render_regions(
        "trial_regions.html",
        REGIONS,
        trial=trial,
        charts=list(charts_of(trial)),
        metrics=list(measured_of(trial)),
    )


def trial_page(trial: WatchedTrial) -> str:
    """The whole page."""
    run = trial.study.stored.run
    return render_page(
        "trial.html",
        title=f"{trial.line.name} of {run.name}",
        events=f"/studies/{quote(run.name, safe='')}/trials/{quote(trial.line.key, safe='')}/events",
        run=run,
        name=trial.line.name,
        question=trial.study.stored.study.question,
        regions=trial_regions(trial),
    )


def charts_of(trial: WatchedTrial) -> Iterator[tuple[str, Chart, Scale, float]]:
    """A chart for each metric that epochs report, how its values are written, and the last of them."""
    for name in trial.curve_metrics[:MOST_CHARTS]:
        values = values_of(trial.curve, name)
        chart = draw_chart([Curve(values, len(trial.curve), name, trial.line.epochs, 0, trial.record is None)])
        if chart is not None:
            yield name, chart, Scale.of(trial.study.stored.declared.metric(name)), values[-1]


def measured_of(trial: WatchedTrial) -> Iterator[tuple[str, str]]:
    """What the trial measured in the end, as far as people are to read it."""
    if trial.record is None:
        return
    for name, value in trial.record.metrics.items():
        metric = trial.study.stored.declared.metric(name)
        if metric.shown:
            yield name, Scale.of(metric).value(value)
