"""The parameter that a search's question is about against the objective: a description, and no answer."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from saddle.analyse.best import candidates
from saddle.analyse.searches.importance import drawn
from saddle.analyse.searches.surrogate_curve import FEWEST_TRIALS, surrogate_curve
from saddle.analyse.study_results import StudyResults
from saddle.analyse.text.formatting import plural
from saddle.report.drawing.axes import category_axis, clean, log_axis, metric_axis
from saddle.report.drawing.canvas import ACCENT, PALETTE, LazyFigure, draw, nothing
from saddle.report.study_figure import StudyFigure
from saddle.study.models import Study
from saddle.study.selection import objectives_of
from saddle.study.values import canonical, readable
from saddle.trial.record import TrialRecord
from trainables.contract import Metric


def asked_parameter(study: Study, entries: Sequence[TrialRecord], objective: Metric, asked: str) -> LazyFigure:
    """The curve of a model of the completed trials over the parameter, and the trials themselves."""
    title = f"{asked} against the objective"
    curve = surrogate_curve(study, entries, objective, asked)
    if curve is None:
        return nothing("asked", title, f"A curve needs {FEWEST_TRIALS} completed trials that have {asked}.")
    parameter = (study.search or {})[asked]
    order = [canonical(choice) for choice in parameter.choice or ()]
    pairs = [(drawn(study, entry), entry) for entry in candidates(entries, [objective])]
    points = [(params[asked], entry.metrics[objective.name]) for params, entry in pairs if asked in params]

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        at = [order.index(canonical(value)) if order else float(value) for value, _ in points]
        axes.plot(at, [value for _, value in points], "o", color=ACCENT, ms=4.5, alpha=0.65, mew=0, label="trials")
        over = list(range(len(order))) if order else [float(value) for value in curve.values]
        axes.plot(over, curve.mean, "s" if order else "-", color=PALETTE[1], label="mean prediction")
        if order:
            category_axis(axes, [readable(choice) for choice in parameter.choice or ()], length=16)
        elif parameter.log:
            log_axis(axes, *parameter.bounds)
        axes.set_xlabel(clean(asked, 30))
        metric_axis(axes, objective)
        axes.legend()

    caption = (
        f"A description, no answer: what a random forest of {plural(curve.trials, 'completed trial')} predicts on "
        f"average, with each value of {asked} and the other settings of every trial. Trials were proposed after what "
        "earlier ones gave and all have one seed, so the error of the curve isn't known; the ablation that saddle "
        "plan proposes has an error of its own."
    )
    return draw("asked", title, caption, (6.4, 3.4), paint, 2.9)


def _asked(results: StudyResults) -> LazyFigure | None:
    asked = results.study.asks
    if asked is None:
        return None
    objective = objectives_of(results.study, results.declared)[0]
    return asked_parameter(results.study, results.comparable, objective, asked)


ASKED = StudyFigure("asked", 135, _asked, of=("search",))
