"""Which effects a factorial design or a fraction of one can show, from which arms, and with what they are mixed up."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from saddle.design.arm import Arm
from saddle.design.point import Levels, Standing, name_of
from saddle.design.remaining import NOTHING, Estimates, is_orthogonal, least_squares
from saddle.study.values import canonical, same

Cell = tuple[str, ...]
"""The canonical level of every factor, in the order of the study file."""

MOST_SHARES = 6
"""How many shares of other effects are told in words."""


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
    interactions: what is seen is the sum of all of them, those with a minus taken away; beside a main effect, half of
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
        beside = [f"= {' = '.join(self.aliases)}"] if self.aliases else []
        if self.shares:
            beside.append(f"with shares of {len(self.shares)} other{'s' * (len(self.shares) > 1)}")
        return f"{self.term} ({', '.join(beside)})" if beside else self.term

    @property
    def shares_text(self) -> str:
        """`−0.17 of c × d (= a × b), 0.17 of b × c`, the largest first."""
        ordered = sorted(self.shares, key=lambda one: -round(abs(one[1]), 6))
        shown = [f"{share:.2g} of {name}".replace("-", "−") for name, share in ordered[:MOST_SHARES]]
        return ", ".join(shown) + (
            f" and {len(ordered) - len(shown)} smaller ones" if len(ordered) > len(shown) else ""
        )

    @property
    def weights(self) -> dict[int, float]:
        """What each arm, by its place, counts for."""
        found = {
            place: self.high.weights.get(place, 0.0) - self.low.weights.get(place, 0.0)
            for place in sorted({*self.high.weights, *self.low.weights})
        }
        return {place: weight for place, weight in found.items() if abs(weight) > NOTHING}


@dataclass(frozen=True)
class Contrasts:
    """The effects that can be estimated, main effects first, and those that exclusions left no arms for."""

    found: tuple[Contrast, ...]
    left_out: tuple[str, ...] = ()
    adjusted: bool = False
    """Whether exclusions unbalanced a fraction, so that its effects are estimated by least squares."""
    correlation: tuple[str, str, float] | None = None
    """Then the two effects whose columns correlate most."""


def contrasts(factors: Levels, arms: Sequence[Arm], *, fraction: bool) -> Contrasts:
    """The effect of every level against the baseline's, then of every pair of levels, of two factors.

    In a factorial design an effect is averaged over those combinations of the other factors in which the arms of both
    its sides exist. In a fraction it is averaged over all arms, and interactions that are aliased with a main effect
    are named with that only; where exclusions took arms from it, effects are least-squares estimates.
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
    if len(levels) == 1:
        high, low = _mean(corners[0]), _mean(corners[1])
        return _between(term, levels, baseline, high, low, aliases, note)
    high, low = _mean(corners[0], minus=corners[1]), _mean(corners[2], minus=corners[3])
    return _between(term, levels, baseline, high, low, aliases, note)


def _between(
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
    [one, *rest] = levels
    changed, usual = name_of({one: levels[one]}), name_of({one: baseline[one]})
    names = (changed, usual)
    if rest:
        [other] = rest
        names = (
            f"{changed} with {name_of({other: levels[other]})}",
            f"{changed} with {name_of({other: baseline[other]})}",
        )
    kind: Literal["main effect", "interaction"] = "interaction" if rest else "main effect"
    return Contrast(term, kind, Side(names[0], high), Side(names[1], low), tuple(aliases), note, tuple(shares))


def _mean(places: Sequence[int], *, minus: Sequence[int] = ()) -> dict[int, float]:
    """The weights of a mean of arms, minus that of others."""
    return {**{place: 1 / len(places) for place in places}, **{place: -1 / len(minus) for place in minus}}


def _of_fraction(factors: Levels, arms: Sequence[Arm], baseline: Standing) -> Contrasts:
    changed = {factor: _changes(factors, baseline, factor)[0] for factor in factors}
    moved = {factor: [not same(arm.levels[factor], baseline[factor]) for arm in arms] for factor in factors}
    classes = _alias_classes(moved)
    terms = [" × ".join(name_of({factor: changed[factor]}) for factor in chosen) for (chosen, _), *_ in classes]
    aliases = [
        [("" if same_sign else "−") + " × ".join(other) for other, same_sign in others] for _, *others in classes
    ]
    columns = [_column(moved, chosen) for (chosen, _), *_ in classes]
    if not is_orthogonal(columns):
        levels = [{factor: changed[factor] for factor in chosen} for (chosen, _), *_ in classes]
        return _adjusted(terms, levels, baseline, aliases, least_squares(columns, len(factors)))
    found = []
    for ((chosen, _), *_), term, others in zip(classes, terms, aliases, strict=True):
        where = list(zip(*(moved[factor] for factor in chosen), strict=True))
        corners = [tuple(place for place, at in enumerate(where) if at == signs) for signs in _signs(len(chosen))]
        found.append(_contrast(term, {f: changed[f] for f in chosen}, baseline, corners, "", *others))
    return Contrasts(tuple(found))


def _adjusted(
    terms: Sequence[str],
    levels: Sequence[Standing],
    baseline: Standing,
    aliases: Sequence[Sequence[str]],
    estimates: Estimates,
) -> Contrasts:
    """The contrasts of what exclusions left of a fraction; their sides are adjusted means."""
    short = [" × ".join(one) for one in levels]
    seen = [_with_aliases(one, others) for one, others in zip(short, aliases, strict=True)]
    half = {next(iter(one)): estimate for one, estimate in zip(levels, estimates.columns, strict=True) if len(one) == 1}
    found, left_out = [], []
    for term, at, others, estimate in zip(terms, levels, aliases, estimates.columns, strict=True):
        if estimate is None:
            left_out.append(_with_aliases(term, others))
            continue
        middle, main = estimates.centre, half[next(iter(at))]
        assert main is not None
        high, low = middle + estimate.weights, middle - estimate.weights
        if len(at) == 2:  # the effect of the first with the second changed, and not
            high, low = 2 * (main.weights + estimate.weights), 2 * (main.weights - estimate.weights)
        # beside half the distance of a main effect's sides an interaction, which is four times its column, counts half
        shares = [(seen[place], share / (3 - len(at))) for place, share in estimate.shares.items()]
        found.append(_between(term, at, baseline, _sparse(high), _sparse(low), others, shares=shares))
    most = estimates.correlation
    return Contrasts(
        tuple(found), tuple(left_out), True, None if most is None else (short[most[0]], short[most[1]], most[2])
    )


def _with_aliases(term: str, aliases: Sequence[str]) -> str:
    return f"{term} (= {' = '.join(aliases)})" if aliases else term


def _sparse(weights: Iterable[float]) -> dict[int, float]:
    return {place: float(weight) for place, weight in enumerate(weights) if abs(weight) > NOTHING}


def _alias_classes(moved: Mapping[str, Sequence[bool]]) -> list[list[tuple[tuple[str, ...], bool]]]:
    """Main effects and two-factor interactions that the same arms show, each with whether its sign is the first's."""
    classes: dict[tuple[bool, ...], list[tuple[tuple[str, ...], bool]]] = {}
    for size in (1, 2):
        for chosen in itertools.combinations(moved, size):
            column = _column(moved, chosen)
            opposite = tuple(not plus for plus in column)
            if opposite in classes:
                classes[opposite].append((chosen, False))
            else:
                classes.setdefault(column, []).append((chosen, True))
    return list(classes.values())


def _column(moved: Mapping[str, Sequence[bool]], chosen: Sequence[str]) -> tuple[bool, ...]:
    """Where an effect is added: the product of its factors' signs is a plus, an even number of them not moved."""
    return tuple(sum(moves) % 2 == len(chosen) % 2 for moves in zip(*(moved[one] for one in chosen), strict=True))


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
