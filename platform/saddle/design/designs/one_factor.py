"""One factor at a time: every level that is not the baseline's makes one arm."""

from __future__ import annotations

from saddle.design.design import Design
from saddle.design.point import Levels, Point, Standing, levels_name
from saddle.study.values import same


class OneFactor(Design):
    """Every level of every factor that is not the baseline's makes one arm."""

    figures = ("levels",)

    def points(self, factors: Levels, standing: Standing) -> list[Point]:
        """The baseline, and an arm for each other level of each factor, the other factors left at the baseline."""
        points = [_baseline(standing)]
        for factor, levels in factors.items():
            for level in levels:
                if not same(level, standing[factor]):
                    points.append(Point(levels_name({factor: level}), {**standing, factor: level}, factor, level))
        return points


def _baseline(standing: Standing) -> Point:
    if len(standing) == 1:
        # With a single factor "perturbation=sta" says more than "baseline".
        [(factor, level)] = standing.items()
        return Point(levels_name(standing), standing, factor, level, is_baseline=True)
    return Point("baseline", standing, is_baseline=True)
