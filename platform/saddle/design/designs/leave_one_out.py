"""Leave one out: the baseline has every component, and each arm lacks one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from saddle.design.design import Design
from saddle.design.point import Levels, Point, Standing
from saddle.errors import DesignError
from saddle.study.values import is_off, readable, same


class LeaveOneOut(Design):
    """The baseline has every component, and each arm lacks one."""

    def points(self, factors: Levels, standing: Standing) -> list[Point]:
        """The baseline, and an arm per factor with that component at its "off" level.

        Raises `DesignError` if a factor has no single off level, or is already off in the baseline.
        """
        points = [Point("baseline", standing, is_baseline=True)]
        for factor, levels in factors.items():
            others = [level for level in levels if not same(level, standing[factor])]
            if len(others) != 1:
                listed = ", ".join(readable(level) for level in others) or "none"
                raise DesignError(
                    f"leave_one_out needs exactly one off level of {factor} in addition to the baseline's"
                    f" {readable(standing[factor])}, and there are {listed}; use design: one_factor for several levels"
                )
            if is_off(standing[factor]) and not is_off(others[0]):
                raise DesignError(
                    f"leave_one_out starts from a baseline with every component, but {factor} is"
                    f" {readable(standing[factor])} in it; switch it on there, or use design: one_factor"
                )
            name = f"without {factor.replace('_', ' ')}"
            points.append(Point(name, {**standing, factor: others[0]}, factor, others[0]))
        return points

    def level_in_baseline(self, levels: Sequence[Any]) -> Any:
        """The first that isn't off: the baseline has every component, in any order of its levels."""
        return next((level for level in levels if not is_off(level)), levels[0])
