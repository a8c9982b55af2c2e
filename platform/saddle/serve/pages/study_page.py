"""The page of one study."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from saddle.analyse.text.formatting import plural
from saddle.serve.pages.chart import PALETTE, Chart, Curve, draw_chart
from saddle.serve.pages.render import render_page, render_regions
from saddle.serve.watched.study import WatchedStudy
from saddle.serve.watched.trial_lines import RUNNING, STARTING
from saddle.store.run_files.notes import LONGEST_NOTE

REGIONS = ("status", "stop", "arms", "running", "curves", "trials", "notes")
MOST_TRIALS = 200
"""Ended trials in the table, the latest ones."""
MOST_CURVES = 80
"""Trials whose curves are drawn: the running ones, then the latest ones."""


def study_regions(study: WatchedStudy) -> Mapping[str, str]:
    """The parts of the page that change."""
    ended = sorted(study.ended, key=lambda line: -study.results.by_key[line.key].ended)
    return render_regions(
        "study_regions.html",
        REGIONS,
        study=study,
        starting=starting_text(study),
        chart=chart_of(study),
        legend=legend_of(study),
        shown=ended[:MOST_TRIALS],
        more=len(ended[MOST_TRIALS:]),
    )


def study_page(study: WatchedStudy) -> str:
    """The whole page."""
    run, settled = study.stored.run, study.stored.study
    return render_page(
        "study.html",
        title=run.name,
        events=f"/studies/{quote(run.name, safe='')}/events",
        run=run,
        kind=settled.kind,
        question=settled.question,
        longest=LONGEST_NOTE,
        regions=study_regions(study),
    )


def starting_text(study: WatchedStudy) -> str:
    """`2 workers are starting`; empty while any runs, or none does."""
    states = [line.state for line in study.running]
    return f"{plural(len(states), 'worker')} starting" if states and set(states) == {STARTING} else ""


def legend_of(study: WatchedStudy) -> list[tuple[str, int]]:
    """The arms by the places of their colours; none if there are more than colours."""
    return [(arm, place) for place, (arm, _) in enumerate(study.arms)] if len(study.arms) <= PALETTE else []


def chart_of(study: WatchedStudy) -> Chart | None:
    """The curves of the trials, arms in their colours; without arms, running trials are highlighted."""
    colours = dict(legend_of(study))
    ended = sorted(study.ended, key=lambda line: study.results.by_key[line.key].ended)
    lines = [*ended, *study.running][-MOST_CURVES:]
    return draw_chart(
        [
            Curve(
                line.curve,
                line.epoch,
                line.name,
                line.epochs,
                colours.get(line.arm) if study.arms else (0 if line.state == RUNNING else None),
                line.state == RUNNING,
            )
            for line in lines
            if line.curve
        ]
    )
