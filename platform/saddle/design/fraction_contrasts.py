"""The contrasts of a fraction: which effects its arms show, and with which others these are mixed up."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence

from saddle.design.arm import Arm
from saddle.design.contrasts import (
    Contrasts,
    changed_levels,
    contrast_between,
    contrast_of_corners,
    corner_signs,
)
from saddle.design.least_squares import NOTHING, Estimates, is_orthogonal, least_squares
from saddle.design.point import Levels, Standing, shown_name
from saddle.study.values import same


def fraction_contrasts(factors: Levels, arms: Sequence[Arm]) -> Contrasts:
    """The effect of each factor, averaged over all arms, and of each pair of factors.

    Interactions that are aliased with a main effect are named with that only; where exclusions took arms from the
    fraction, effects are least-squares estimates.
    """
    baseline = next(arm for arm in arms if arm.is_baseline).levels
    changed = {factor: changed_levels(factors, baseline, factor)[0] for factor in factors}
    moved = {factor: [not same(arm.levels[factor], baseline[factor]) for arm in arms] for factor in factors}
    classes = _alias_classes(moved)
    terms = [" × ".join(shown_name({factor: changed[factor]}) for factor in chosen) for (chosen, _), *_ in classes]
    aliases = [
        [("" if same_sign else "−") + " × ".join(other) for other, same_sign in others] for _, *others in classes
    ]
    columns = [_column(moved, chosen) for (chosen, _), *_ in classes]
    if not is_orthogonal(columns):
        levels = [{factor: changed[factor] for factor in chosen} for (chosen, _), *_ in classes]
        return _adjusted(terms, levels, baseline, aliases, least_squares(columns, len(factors)))
    effects = []
    for ((chosen, _), *_), term, others in zip(classes, terms, aliases, strict=True):
        where = list(zip(*(moved[factor] for factor in chosen), strict=True))
        corners = [tuple(place for place, at in enumerate(where) if at == signs) for signs in corner_signs(len(chosen))]
        effects.append(contrast_of_corners(term, {f: changed[f] for f in chosen}, baseline, corners, "", *others))
    return Contrasts(tuple(effects))


def _adjusted(
    terms: Sequence[str],
    levels: Sequence[Standing],
    baseline: Standing,
    aliases: Sequence[Sequence[str]],
    estimates: Estimates,
) -> Contrasts:
    """The contrasts of what exclusions left of a fraction; their sides are adjusted means."""
    short = [" × ".join(names) for names in levels]
    labels = [_with_aliases(term, others) for term, others in zip(short, aliases, strict=True)]
    half = {next(iter(at)): estimate for at, estimate in zip(levels, estimates.columns, strict=True) if len(at) == 1}
    effects, left_out = [], []
    for term, at, others, estimate in zip(terms, levels, aliases, estimates.columns, strict=True):
        if estimate is None:
            left_out.append(_with_aliases(term, others))
            continue
        middle, main = estimates.centre, half[next(iter(at))]
        assert main is not None
        high, low = middle + estimate.weights, middle - estimate.weights
        if len(at) == 2:  # the effect of the first with the second changed, and not
            high, low = 2 * (main.weights + estimate.weights), 2 * (main.weights - estimate.weights)
        # next to half the distance of a main effect's sides an interaction, which is four times its column, counts half
        shares = [(labels[place], share / (3 - len(at))) for place, share in estimate.shares.items()]
        effects.append(contrast_between(term, at, baseline, _sparse(high), _sparse(low), others, shares=shares))
    most = estimates.correlation
    return Contrasts(
        tuple(effects), tuple(left_out), True, None if most is None else (short[most[0]], short[most[1]], most[2])
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
    return tuple(sum(moves) % 2 == len(chosen) % 2 for moves in zip(*(moved[factor] for factor in chosen), strict=True))
