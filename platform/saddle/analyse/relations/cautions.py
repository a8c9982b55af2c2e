"""What to be careful about in a relation, a sentence each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from saddle.analyse.relations.estimates import UnitData
from saddle.analyse.relations.fitted_slope import FittedRelation
from saddle.analyse.relations.tried_predictors import TriedPredictor
from saddle.analyse.relations.unit import Unit
from saddle.analyse.relations.word import PILOT_BELOW
from saddle.analyse.statistics.paired.paired_t import Floats
from saddle.analyse.statistics.permutations import number_of_orders
from saddle.analyse.text.formatting import listed, p_equals, plural, setting

DIFFERENT_SLOPES = 0.05
"""The level of the F test below which slopes of families are said to differ."""


def cautions_of(
    data: UnitData, fitted: FittedRelation | None, tried: Sequence[TriedPredictor], alpha: float, looks: int
) -> Iterator[str]:
    """About the units that take part, their slope, and the predictors that were tried; `alpha` is that of the look."""
    units = data.units
    if len(units) < PILOT_BELOW:
        yield f"A pilot: with {plural(len(units), 'unit')} only a very strong relation is likely to be shown."
    if looks > 1:
        yield (
            f"Units or seeds were added after results could be seen: look {looks} is judged at α = {alpha:.3g}, a share"
            " of the level of the first, since adding units until a relation shows claims one too often."
        )
    yield from _about_orders(units, data.families, alpha)
    yield from _about_slopes(fitted)
    yield from _about_seeds(units)
    yield from _about_repeats(units)
    untried = [predictor.name for predictor in tried if predictor.r is None]
    if untried:
        yield f"No correlation with {listed(untried)}: too few units have a value, or all have the same."


def _about_orders(units: Sequence[Unit], families: Floats, alpha: float) -> Iterator[str]:
    orders = number_of_orders(families)
    if 2 / orders > alpha and len(units) > 1:
        yield (
            f"With {plural(len(units), 'unit')} the permutation test has {plural(orders, 'order')} and can't go below"
            f" p = {min(1.0, 2 / orders):.2g}, so it can't reach α = {alpha:.3g}; the interval decides alone."
        )


def _about_slopes(fitted: FittedRelation | None) -> Iterator[str]:
    if fitted is None or fitted.equal_slopes_p is None or fitted.equal_slopes_p > DIFFERENT_SLOPES:
        return
    own = listed(f"{line.family} {setting(line.own_slope)}" for line in fitted.lines if line.own_slope is not None)
    yield (
        f"Slopes differ between families (F test, p {p_equals(fitted.equal_slopes_p)}: {own}), so the mean slope holds"
        " for these families alone, and other families may have other slopes."
    )


def _about_seeds(units: Sequence[Unit]) -> Iterator[str]:
    failing = [f"{unit.name} ({unit.failed} of {len(unit.gains) + unit.failed})" for unit in units if unit.failed]
    if failing:
        yield (
            f"Seeds failed and are left out at {listed(failing)}: the mean gain is that of the seeds that worked; "
            "whether an arm works is a separate result."
        )
    single = [unit.name for unit in units if len(unit.gains) == 1]
    if single and len(single) == len(units):
        yield "Every unit has one seed, so the spread about the line includes the noise of seeds."
    elif single:
        yield f"One seed at {listed(single)}, whose noise is assumed to equal that of the other units."


def _about_repeats(units: Sequence[Unit]) -> Iterator[str]:
    """Units whose gains are the same with every seed: one training under two names, which counts as two points."""
    same_gains: defaultdict[tuple[float, ...], list[str]] = defaultdict(list)
    for unit in units:
        if len(set(unit.gains)) > 1:  # gains without spread, such as zeros, may be equal anyway
            same_gains[unit.gains].append(f"{unit.name} ({unit.family})")
    for names in same_gains.values():
        if len(names) > 1:
            yield (
                f"{listed(names)} have the same gain with every seed: that is one training, which counts as"
                f" {len(names)} points. Give each unit different settings."
            )
