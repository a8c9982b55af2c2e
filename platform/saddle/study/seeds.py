"""How many seeds an ablation has, and after how many of them its arms are looked at."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from saddle.study.field_types import Section

FIRST_LOOK = 3
"""Seeds below which no difference is claimed."""
FEWEST_RACED, MOST_RACED = 4, 100
"""Seeds with interim looks: with fewer there is hardly a look before the last, with more bounds take long."""


SEARCH_SEED = 0
"""Every trial of a search trains with the same seed, so that configurations differ and luck does not."""

SeedCount = Annotated[int, Field(strict=True, ge=1, le=1000)]


class SeedLooks(Section):
    """Looks that are declared beforehand: after `start` seeds, after twice as many, and so on, at last at `at_most`."""

    start: Annotated[int, Field(strict=True, ge=FIRST_LOOK)]
    """Seeds before the first look."""
    at_most: SeedCount
    """Seeds of an arm that no look settles."""


def doubling(start: int, most: int) -> tuple[int, ...]:
    """Numbers of seeds from `start`, each twice the one before, the last one `most`."""
    looks = []
    while start < most:
        looks.append(start)
        start *= 2
    return (*looks, most)
