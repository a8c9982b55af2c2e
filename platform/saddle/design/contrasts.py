"""Which effects a factorial design or a fraction of one can show, from which arms, and with what they are mixed up."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from saddle.design.arm import Arm
from saddle.design.point import Levels, Standing, name_of
from saddle.design.values import canonical, same

Cell = tuple[str, ...]
"""The canonical level of every factor, in the order of the study file."""


@dataclass(frozen=True)
class Side:
    """A mean over arms, given by their places, minus a mean over as many others where there are any."""

    name: str
    added: tuple[int, ...]
    subtracted: tuple[int, ...] = ()


@dataclass(frozen=True)
class Contrast:
    """An effect: how far the side `high` is from the side `low`.

    An interaction is a difference of differences: the effect of one level under another level, minus its effect under
    that factor's baseline level. `aliases` are the other effects that the same arms show, up to two-factor
    interactions: what is seen is the sum of all of them, those with a minus taken away; beside a main effect, half of
    each interaction.
    """

    term: str
    kind: Literal["main effect", "interaction"]
    high: Side
    low: Side
    aliases: tuple[str, ...] = ()
    note: str = ""

    @property
    def name(self) -> str:
        """`a=1 × b=2 (= −c × d)`."""
        return f"{self.term} (= {' = '.join(self.aliases)})" if self.aliases else self.term

    @property
    def weights(self) -> dict[int, float]:
        """What each arm, by its place, counts for."""
        found: dict[int, float] = {}
        for sign, side in ((1, self.high), (-1, self.low)):
            for places, direction in ((side.added, sign), (side.subtracted, -sign)):
                for place in places:
                    found[place] = found.get(place, 0.0) + direction / len(side.added)
        return found


@dataclass(frozen=True)
class Contrasts:
    """The effects that can be estimated, main effects first, and those that exclusions left no arms for."""

    found: tuple[Contrast, ...]
    left_out: tuple[str, ...] = ()


def contrasts(factors: Levels, arms: Sequence[Arm], *, fraction: bool) -> Contrasts:
    """The effect of every level against the baseline's, then of every pair of levels, of two factors.

    In a factorial design an effect is averaged over those combinations of the other factors in which the arms of both
    its sides exist. In a fraction it is averaged over all arms, and interactions that are aliased with a main effect
    are named with that only.
    """
    baseline = next(arm for arm in arms if arm.is_baseline).levels
    return _of_fraction(factors, arms, baseline) if fraction else _Grid(factors, arms, baseline).contrasts()


class _Grid:
    """The arms of a factorial design, found by their levels; some may be missing."""

    def __init__(self, factors: Levels, arms: Sequence[Arm], baseline: Standing) -> None:
        self.factors = factors
        self.baseline = baseline
        self.places: dict[Cell, int] = {
            tuple(canonical(arm.levels[factor]) for factor in factors): place for place, arm in enumerate(arms)
        }

    def contrasts(self) -> Contrasts:
        found: list[Contrast] = []
        left_out: list[str] = []
        for levels in self.terms():
            term = " × ".join(name_of({factor: level}) for factor, level in levels.items())
            strata, complete = list(self.strata(levels)), 0
            corners: list[list[int]] = [[] for _ in range(2 ** len(levels))]
            for stratum in strata:
                cells = [self.cell({**stratum, **corner}) for corner in self.corners(levels)]
                there = [place for place in cells if place is not None]
                if len(there) == len(cells):
                    complete += 1
                    for place, corner in zip(there, corners, strict=True):
                        corner.append(place)
            if not complete:
                left_out.append(term)
                continue
            rest = "" if complete == len(strata) else _partly(complete, len(strata))
            found.append(_contrast(term, levels, self.baseline, [tuple(corner) for corner in corners], rest))
        return Contrasts(tuple(found), tuple(left_out))

    def terms(self) -> Iterator[Standing]:
        """Every level that isn't the baseline's, then every pair of them."""
        for size in (1, 2):
            for chosen in itertools.combinations(self.factors, size):
                for levels in itertools.product(*(_changes(self.factors, self.baseline, one) for one in chosen)):
                    yield dict(zip(chosen, levels, strict=True))

    def corners(self, levels: Standing) -> Iterator[Standing]:
        """The combinations of these levels with the baseline's, in the order of `_signs`."""
        for signs in _signs(len(levels)):
            moves = zip(levels.items(), signs, strict=True)
            yield {factor: level if moved else self.baseline[factor] for (factor, level), moved in moves}

    def strata(self, levels: Standing) -> Iterator[Standing]:
        others = [factor for factor in self.factors if factor not in levels]
        for combination in itertools.product(*(self.factors[factor] for factor in others)):
            yield dict(zip(others, combination, strict=True))

    def cell(self, levels: Standing) -> int | None:
        return self.places.get(tuple(canonical(levels[factor]) for factor in self.factors))


def _contrast(
    term: str, levels: Standing, baseline: Standing, corners: Sequence[tuple[int, ...]], note: str, *aliases: str
) -> Contrast:
    """From the arms at the corners: changed, unchanged; of two factors both, the second, the first, none changed."""
    [one, *rest] = levels
    changed, usual = name_of({one: levels[one]}), name_of({one: baseline[one]})
    if not rest:
        return Contrast(term, "main effect", Side(changed, corners[0]), Side(usual, corners[1]), aliases, note)
    [other] = rest
    high = Side(f"{changed} with {name_of({other: levels[other]})}", corners[0], corners[1])
    low = Side(f"{changed} with {name_of({other: baseline[other]})}", corners[2], corners[3])
    return Contrast(term, "interaction", high, low, aliases, note)


def _of_fraction(factors: Levels, arms: Sequence[Arm], baseline: Standing) -> Contrasts:
    changed = {factor: _changes(factors, baseline, factor)[0] for factor in factors}
    moved = {factor: [not same(arm.levels[factor], baseline[factor]) for arm in arms] for factor in factors}
    found = []
    for (chosen, _), *others in _alias_classes(moved):
        levels = {factor: changed[factor] for factor in chosen}
        term = " × ".join(name_of({factor: level}) for factor, level in levels.items())
        aliases = [("" if same_sign else "−") + " × ".join(other) for other, same_sign in others]
        where = list(zip(*(moved[factor] for factor in chosen), strict=True))
        corners = [tuple(place for place, at in enumerate(where) if at == signs) for signs in _signs(len(chosen))]
        found.append(_contrast(term, levels, baseline, corners, "", *aliases))
    return Contrasts(tuple(found))


def _alias_classes(moved: Mapping[str, Sequence[bool]]) -> list[list[tuple[tuple[str, ...], bool]]]:
    """Main effects and two-factor interactions that the same arms show, each with whether its sign is the first's."""
    classes: dict[tuple[bool, ...], list[tuple[tuple[str, ...], bool]]] = {}
    for size in (1, 2):
        for chosen in itertools.combinations(moved, size):
            # an effect is added where the product of its factors' signs is a plus: an even number is not moved
            column = tuple(sum(moves) % 2 == size % 2 for moves in zip(*(moved[one] for one in chosen), strict=True))
            opposite = tuple(not plus for plus in column)
            if opposite in classes:
                classes[opposite].append((chosen, False))
            else:
                classes.setdefault(column, []).append((chosen, True))
    return list(classes.values())


def _signs(size: int) -> Iterable[tuple[bool, ...]]:
    """Which of one or two factors are changed at each corner: both, the second, the first, none; or it, or not."""
    return (tuple(reversed(signs)) for signs in itertools.product((True, False), repeat=size))


def _changes(factors: Levels, baseline: Standing, factor: str) -> list[Any]:
    """The levels of a factor that are not the baseline's."""
    return [level for level in factors[factor] if not same(level, baseline[factor])]


def _partly(complete: int, count: int) -> str:
    return f"averaged over {complete} of {count} combinations of the other factors; of the rest arms are excluded"


def spread_factor(weights: Mapping[int, float]) -> float:
    """A contrast's standard deviation over that of the difference of two arms, whose noise is independent and alike."""
    return float((sum(weight**2 for weight in weights.values()) / 2) ** 0.5)
