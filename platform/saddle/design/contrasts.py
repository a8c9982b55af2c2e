"""Contrasts: the effects that a crossed design shows, from which arms, and with what they are mixed up."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from saddle.design.least_squares import NOTHING
from saddle.design.point import Levels, Standing, shown_name
from saddle.study.values import same

MOST_SHARES = 6
"""How many shares of other effects are listed."""


@dataclass(frozen=True)
class Side:
    """A weighted sum of arms, given by their places: a mean of some, or its difference to the mean of others."""

    name: str
    weights: Mapping[int, float] = field(hash=False)


@dataclass(frozen=True)
class Contrast:
    """An effect: how far the side `high` is from the side `low`.

    An interaction is a difference of differences: the effect of one level under another level, minus its effect under
    that factor's baseline level. `aliases` are the other effects that the same arms show, up to two-factor
    interactions: what is seen is the sum of all of them, those with a minus taken away; of a main effect, half of
    each interaction. `shares` are parts of further interactions that are seen with it where arms are excluded, each in
    its own unit: 0.25 for a quarter of that difference of differences.
    """

    term: str
    kind: Literal["main effect", "interaction"]
    high: Side
    low: Side
    aliases: tuple[str, ...] = ()
    note: str = ""
    shares: tuple[tuple[str, float], ...] = ()

    @property
    def name(self) -> str:
        """`a=1 × b=2 (= −c × d)`, or `a=1 (with shares of 2 others)`."""
        mixed = [f"= {' = '.join(self.aliases)}"] if self.aliases else []
        if self.shares:
            mixed.append(f"with shares of {len(self.shares)} other{'s' * (len(self.shares) > 1)}")
        return f"{self.term} ({', '.join(mixed)})" if mixed else self.term

    @property
    def shares_text(self) -> str:
        """`−0.17 of c × d (= a × b), 0.17 of b × c`, the largest first."""
        ordered = sorted(self.shares, key=lambda share: -round(abs(share[1]), 6))
        texts = [f"{share:.2g} of {name}".replace("-", "−") for name, share in ordered[:MOST_SHARES]]
        return ", ".join(texts) + (
            f" and {len(ordered) - len(texts)} smaller ones" if len(ordered) > len(texts) else ""
        )

    @property
    def weights(self) -> dict[int, float]:
        """What each arm, by its place, counts for."""
        differences = {
            place: self.high.weights.get(place, 0.0) - self.low.weights.get(place, 0.0)
            for place in sorted({*self.high.weights, *self.low.weights})
        }
        return {place: weight for place, weight in differences.items() if abs(weight) > NOTHING}


@dataclass(frozen=True)
class Contrasts:
    """The effects that can be estimated, main effects first, and those that exclusions left no arms for."""

    effects: tuple[Contrast, ...]
    left_out: tuple[str, ...] = ()
    adjusted: bool = False
    """Whether exclusions unbalanced a fraction, so that its effects are estimated by least squares."""
    correlation: tuple[str, str, float] | None = None
    """Then the two effects whose columns correlate most."""


def contrast_of_corners(
    term: str, levels: Standing, baseline: Standing, corners: Sequence[tuple[int, ...]], note: str, *aliases: str
) -> Contrast:
    """From the arms at the corners: changed, unchanged; of two factors both, the second, the first, none changed."""
    if len(levels) == 1:
        high, low = mean_of(corners[0]), mean_of(corners[1])
        return contrast_between(term, levels, baseline, high, low, aliases, note)
    high, low = mean_of(corners[0], minus=corners[1]), mean_of(corners[2], minus=corners[3])
    return contrast_between(term, levels, baseline, high, low, aliases, note)


def contrast_between(
    term: str,
    levels: Standing,
    baseline: Standing,
    high: Mapping[int, float],
    low: Mapping[int, float],
    aliases: Sequence[str] = (),
    note: str = "",
    shares: Sequence[tuple[str, float]] = (),
) -> Contrast:
    """The contrast between these weights; of two factors they are those of the first's effect."""
    [first, *rest] = levels
    changed, usual = shown_name({first: levels[first]}), shown_name({first: baseline[first]})
    names = (changed, usual)
    if rest:
        [other] = rest
        names = (
            f"{changed} with {shown_name({other: levels[other]})}",
            f"{changed} with {shown_name({other: baseline[other]})}",
        )
    kind: Literal["main effect", "interaction"] = "interaction" if rest else "main effect"
    return Contrast(term, kind, Side(names[0], high), Side(names[1], low), tuple(aliases), note, tuple(shares))


def mean_of(places: Sequence[int], *, minus: Sequence[int] = ()) -> dict[int, float]:
    """The weights of a mean of arms, minus that of others."""
    return {**{place: 1 / len(places) for place in places}, **{place: -1 / len(minus) for place in minus}}


def corner_signs(size: int) -> Iterable[tuple[bool, ...]]:
    """Which of one or two factors are changed at each corner: both, the second, the first, none; or it, or not."""
    return (tuple(reversed(signs)) for signs in itertools.product((True, False), repeat=size))


def changed_levels(factors: Levels, baseline: Standing, factor: str) -> list[Any]:
    """The levels of a factor that are not the baseline's."""
    return [level for level in factors[factor] if not same(level, baseline[factor])]


def spread_factor(weights: Mapping[int, float]) -> float:
    """A contrast's standard deviation over that of the difference of two arms, whose noise is independent and equal."""
    return float((sum(weight**2 for weight in weights.values()) / 2) ** 0.5)
