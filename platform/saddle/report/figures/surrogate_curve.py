"""The parameter that a search's question is about against the objective: a description, not an answer."""

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


def asked_parameter(study: Study, entries: Sequence[TrialRecord], objective: Metric, name: str) -> LazyFigure:
    """The curve of a model of the completed trials over the parameter, and the trials themselves."""
    title = f"{name} against the objective"
    curve = surrogate_curve(study, entries, objective, name)
    if curve is None:
        return nothing("asked", title, f"A curve needs {FEWEST_TRIALS} completed trials that have {name}.")
    parameter = (study.search or {})[name]
    order = [canonical(choice) for choice in parameter.choice or ()]
    pairs = [(drawn(study, entry), entry) for entry in candidates(entries, [objective])]
    points = [(params[name], entry.metrics[objective.name]) for params, entry in pairs if name in params]

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
        axes.set_xlabel(clean(name, 30))
        metric_axis(axes, objective)
        axes.legend()

    caption = (
        f"A description, not an answer: what a random forest of {plural(curve.trials, 'completed trial')} predicts on "
        f"average, with each value of {name} and the other settings of every trial. Trials were proposed from "
        "the results of earlier ones and all have one seed, so the error of the curve isn't known; the ablation that "
        "saddle plan proposes estimates its error."
    )
    return draw("asked", title, caption, (6.4, 3.4), paint, 2.9)


def _asked(results: StudyResults) -> LazyFigure | None:
    parameter = results.study.asks
    if parameter is None:
        return None
    objective = objectives_of(results.study, results.declared)[0]
    return asked_parameter(results.study, results.comparable, objective, parameter)


ASKED = StudyFigure("asked", 135, _asked, of=("search",))
