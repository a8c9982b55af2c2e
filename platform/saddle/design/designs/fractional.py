"""Fractional: a regular fraction of all combinations of factors with two levels each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from saddle.design.arm import Arm
from saddle.design.contrasts import Contrasts
from saddle.design.design import Design
from saddle.design.designs.one_factor import OneFactor
from saddle.design.fraction_contrasts import fraction_contrasts
from saddle.design.fractions import fraction, fraction_points, other_level, resolution_of
from saddle.design.lost_main_effects import refuse_lost_main_effects
from saddle.design.point import Levels, Point, Standing

ROMAN = ("0", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")
MIXED_UP = {
    3: "main effects are aliased with two-factor interactions",
    4: "main effects are clear of two-factor interactions, which are aliased with each other",
}
CLEAR = "main effects and two-factor interactions are clear of each other"
MOST_MIXED = 8
"""Of how many effects the plan says in words what else is in them."""


class Fractional(Design):
    """A regular fraction of all combinations of factors with two levels each."""

    crossed = True
    figures = ("interactions",)

    resolution: Annotated[int, Field(strict=True, ge=3, le=8)] = 4
    """At III main effects are aliased with two-factor interactions, at IV these with each other, at V neither."""

    def points(self, factors: Levels, standing: Standing) -> list[Point]:
        """The arms of the smallest fraction with the resolution asked for (see `fraction_points`)."""
        return fraction_points(factors, standing, self.resolution)

    def points_of_factor(self, factor: str, levels: list[Any], standing: Standing) -> list[Point]:
        """Both its levels: of one factor there is no fraction."""
        other_level(factor, levels, standing)
        return OneFactor().points({factor: levels}, standing)

    def check_exclusions(
        self, points: Sequence[Point], factors: Levels, standing: Standing, exclude: Sequence[Mapping[str, Any]]
    ) -> None:
        """Raise `ExclusionError` if the remaining points don't distinguish all main effects."""
        refuse_lost_main_effects(points, factors, standing, exclude, self.resolution)

    def contrasts(self, factors: Levels, arms: Sequence[Arm]) -> Contrasts:
        """Main effects and classes of aliased interactions (see `fraction_contrasts`)."""
        return fraction_contrasts(factors, arms)

    def reached_resolution(self, factors: Levels) -> int | None:
        """At least the one asked for, as the fraction of so many arms may reach a higher one."""
        return resolution_of(fraction(len(factors), self.resolution))

    def sentences(self, factors: Levels, arms: Sequence[Arm], contrasts: Contrasts | None) -> list[str]:
        """How large the fraction is, what is mixed up in it, and what exclusions do to it."""
        planned = fraction(len(factors), self.resolution)
        reached = resolution_of(planned) or 0
        more = f" ({ROMAN[self.resolution]} was asked for)" if self.resolution != reached else ""
        size = f"{len(planned)} of {2 ** len(factors)} combinations, a fraction of resolution {ROMAN[reached]}{more}"
        if len(arms) == len(planned) or contrasts is None:
            return [f"{size}: {MIXED_UP.get(reached, CLEAR)}"]
        return [f"{size}, of which exclude leaves {len(arms)}", *_unbalanced(contrasts)]


def _unbalanced(contrasts: Contrasts) -> Iterator[str]:
    """What exclusions do to a fraction."""
    if contrasts.correlation is not None:
        first, second, size = contrasts.correlation
        yield (
            "effects are estimated by least squares, as these arms are not balanced: their columns correlate by up to"
            f" {abs(size):.2g} ({first} and {second})"
        )
    mixed = [contrast for contrast in contrasts.effects if contrast.shares]
    if mixed:
        more = f"; and {len(mixed) - MOST_MIXED} more (--json has them all)" if len(mixed) > MOST_MIXED else ""
        listed = "; ".join(f"{contrast.term} holds {contrast.shares_text}" for contrast in mixed[:MOST_MIXED])
        yield f"not distinguished by these arms: {listed}{more}"
    elif contrasts.correlation is not None:
        yield "all effects below are distinguished by these arms, but for their aliases"
