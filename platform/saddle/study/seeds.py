"""How many seeds an ablation has, and after how many of them its arms are looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, model_validator

from saddle.study.field_types import Section

FIRST_LOOK = 3
"""Seeds below which no difference is claimed."""


SeedCount = Annotated[int, Field(strict=True, ge=1, le=1000)]


class SeedLooks(Section):
    """Looks that are declared beforehand: after `start` seeds, after twice as many, and so on, at last at `at_most`."""

    start: Annotated[int, Field(strict=True, ge=FIRST_LOOK)]
    """Seeds before the first look."""
    at_most: SeedCount
    """Seeds of an arm whose question no look settles."""

    @model_validator(mode="after")
    def _check_order(self) -> SeedLooks:
        if self.at_most <= self.start:
            raise ValueError(f"at_most must be above start, and {self.at_most} is not above {self.start}")
        return self

    @property
    def doubling(self) -> Sequence[int]:
        """The looks as numbers of seeds."""
        looks = [self.start]
        while 2 * looks[-1] < self.at_most:
            looks.append(2 * looks[-1])
        return (*looks, self.at_most)
