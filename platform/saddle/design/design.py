"""What a study design is: which arms there are, and what can be learnt from them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from saddle.design.arm import Arm
from saddle.design.contrasts import Contrasts
from saddle.design.point import Levels, Point, Standing
from saddle.study.field_types import Section


class Design(Section):
    """Base of the study designs; a design's fields are its options in a study file.

    Its first sentence is shown in the schema of study files. Every method may raise `DesignError`, whose message says
    what would be right.
    """

    crossed: ClassVar[bool] = False
    """Whether arms combine changes of several factors. Then effects are `contrasts` of all arms, no race can be run,
    and no two factors may set the same hyperparameter."""
    figures: ClassVar[tuple[str, ...]] = ()
    """The figures of its own that a report shows; the `StudyFigure`s of these names in `saddle.report.figures`."""

    @abstractmethod
    def points(self, factors: Levels, standing: Standing) -> list[Point]:
        """The arms, one of them the baseline, where every factor has its level in `standing`."""

    def points_of_factor(self, factor: str, levels: list[Any], standing: Standing) -> list[Point]:
        """The arms that a single factor has; so a study file's factors are checked one by one."""
        return self.points({factor: levels}, standing)

    def level_in_baseline(self, levels: Sequence[Any]) -> Any:
        """The level of a factor in the baseline if nothing else sets it; there are at least two levels."""
        return levels[0]

    def check_exclusions(
        self, points: Sequence[Point], factors: Levels, standing: Standing, exclude: Sequence[Mapping[str, Any]]
    ) -> None:
        """Raise `ExclusionError` if the points that `exclude` leaves are too few to learn from."""

    def contrasts(self, factors: Levels, arms: Sequence[Arm]) -> Contrasts | None:
        """The effects that the arms show; None if they are those of each arm against the baseline."""
        return None

    def reached_resolution(self, factors: Levels) -> int | None:
        """Of a fraction of all combinations its resolution without exclusions, at least the one asked for."""
        return None

    def sentences(self, factors: Levels, arms: Sequence[Arm], contrasts: Contrasts | None) -> list[str]:
        """What a plan says of the arms, after how many effects they show."""
        return []
