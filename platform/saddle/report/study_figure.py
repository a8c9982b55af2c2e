"""What a figure of a study's report is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from saddle.analyse.study_results import StudyResults
from saddle.report.drawing.canvas import LazyFigure


@dataclass(frozen=True)
class StudyFigure:
    """A figure, and which studies have it."""

    name: str
    """The name by which designs include it (`Design.figures`)."""
    place: int
    """Figures come in the order of their places; the gaps are for others."""
    draw: Callable[[StudyResults], LazyFigure | None]
    """The figure, or why there is nothing to draw yet; None if it does not apply."""
    of: tuple[Literal["search", "ablation", "relation"], ...] = ()
    """The kinds of studies that have it; none for a figure that only some designs have."""
