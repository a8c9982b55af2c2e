"""The figures of the report, as matplotlib figures."""

from __future__ import annotations

import io
from functools import cached_property, partial
from typing import TYPE_CHECKING

from saddle.analyse.study_results import StudyResults
from saddle.errors import NoFigure
from saddle.study.nearest import nearest

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from saddle.report.drawing.canvas import LazyFigure


def shown(figure: Figure) -> Figure:
    """The figure, so that a notebook shows it although pyplot, which would see to that, knows nothing of it."""
    figure.__dict__["_repr_png_"] = partial(png, figure)
    return figure


def png(figure: Figure) -> bytes:
    """The figure as a notebook shows it."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()


class Plots:
    """Each method draws a figure again, for the notebook to show or `figure.savefig("name.pdf")` to keep.

    Raise `NoFigure` if a study of this kind has no such figure, and `NothingToDraw` if its data are not there
    yet. `names` are those of this study.
    """

    def __init__(self, results: StudyResults) -> None:
        self._results = results

    def __repr__(self) -> str:
        return f"<figures of {self._results.study.study}: {', '.join(self.names)}>"

    @property
    def names(self) -> tuple[str, ...]:
        """The figures of this study for which there are data."""
        return tuple(name for name, plate in self._plates.items() if plate.paint is not None)

    @cached_property
    def _plates(self) -> dict[str, LazyFigure]:
        from saddle.report.figure_registry import figures_of

        by_id = {plate.id.removeprefix("figure-"): plate for plate in figures_of(self._results)}
        return {"forest" if name == "effects" else name: plate for name, plate in by_id.items()}

    def __call__(self, name: str) -> Figure:
        """The figure of this name, one of `names`."""
        plate = self._plates.get(name)
        if plate is None:
            hint = nearest(name, self._plates)
            hint_text = f"did you mean {hint}? " if hint else ""
            study = self._results.study
            kind = {"search": "a search", "ablation": "an ablation", "relation": "a relation"}[study.kind]
            raise NoFigure(
                f"{study.study} is {kind} and has no figure {name!r}; {hint_text}it has {', '.join(self._plates)}"
            )
        return shown(plate.figure())

    def forest(self) -> Figure:
        """Each arm's effect against the baseline with its interval, and where the verdicts come from."""
        return self("forest")

    def relation(self) -> Figure:
        """Each unit's gain against the predictor of a relation, with the line and its bands."""
        return self("relation")

    def arms(self) -> Figure:
        """Each arm's values, with a line per seed from arm to arm."""
        return self("arms")

    def curves(self) -> Figure:
        """Learning curves: the arms' means with their range over seeds, or a search's trials, the best in colour."""
        return self("curves")

    def race(self) -> Figure:
        """Which arm of a raced ablation was settled after how many seeds, and how many that saved."""
        return self("race")

    def interaction(self) -> Figure:
        """Of a factorial ablation with two factors, how the effect of one depends on the other."""
        return self("interaction")

    def tradeoff(self) -> Figure:
        """Robust against clean accuracy, a dot per trial."""
        return self("tradeoff")

    def history(self) -> Figure:
        """Each trial's objective in the order of trials, and the best so far."""
        return self("history")

    def importance(self) -> Figure:
        """The share of each parameter in what separates the best trials from the rest."""
        return self("importance")

    def slices(self) -> Figure:
        """Each searched parameter against the objective."""
        return self("slices")

    def parallel(self) -> Figure:
        """Every trial of a search as a line through its parameters and objectives, the best in colour."""
        return self("parallel")

    def hypervolume(self) -> Figure:
        """How the hypervolume of the Pareto front grew over a search with several objectives."""
        return self("hypervolume")

    def pareto(self) -> Figure:
        """The Pareto front of a search with several objectives."""
        return self("pareto")
