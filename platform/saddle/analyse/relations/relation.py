"""Whether a gain depends on a predictor over units: the answer and its details."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from saddle.analyse.relations.cautions import cautions_of
from saddle.analyse.relations.estimates import UnitData, unit_data
from saddle.analyse.relations.fitted_slope import FittedRelation, fit_relation
from saddle.analyse.relations.tried_predictors import TriedPredictor, strongest, tried_predictors
from saddle.analyse.relations.unit import DroppedUnit, Unit, UnitEstimate
from saddle.analyse.relations.usable import measured_units, usable_units
from saddle.analyse.relations.word import FEWEST_FREEDOM_WITHIN, PILOT_BELOW, Word, fewest_freedom, level_of_look
from saddle.analyse.text.formatting import listed, plural

FEWEST_UNITS = 3
"""With fewer units, nothing is claimed."""


@dataclass(frozen=True)
class RelationAnswer:
    """The conclusion about the relation of a gain and `predictor` over `units`, at the level 1 - `alpha` of its look.

    `why` is the reason that the word is not `rises` or `falls`; empty for these. `fitted` is None if no slope
    can be computed. `rests_on` names the units without which p would exceed alpha, for `rises` and `falls`.
    `units` are in the order of their families and predictor.
    """

    predictor: str
    alpha: float
    word: Word
    why: str
    fitted: FittedRelation | None
    families: tuple[str, ...]
    tried: tuple[TriedPredictor, ...]
    rests_on: tuple[str, ...]
    units: tuple[UnitEstimate, ...]
    dropped: tuple[DroppedUnit, ...]
    cautions: tuple[str, ...]

    @property
    def k(self) -> int:
        """The number of units that take part."""
        return len(self.units)

    @property
    def pilot(self) -> bool:
        """Whether these are fewer than 8."""
        return self.k < PILOT_BELOW

    @property
    def within_families(self) -> bool:
        """Whether the slope is that within families."""
        return len(self.families) > 1

    @property
    def slope(self) -> float | None:
        return self.fitted.slope if self.fitted else None

    @property
    def low(self) -> float | None:
        return self.fitted.low if self.fitted else None

    @property
    def high(self) -> float | None:
        return self.fitted.high if self.fitted else None

    @property
    def p(self) -> float | None:
        return self.fitted.p if self.fitted else None

    @property
    def permutation_p(self) -> float | None:
        return self.fitted.permutation_p if self.fitted else None

    @property
    def tau(self) -> float | None:
        return self.fitted.tau if self.fitted else None

    @property
    def sign_holds(self) -> bool | None:
        return self.fitted.sign_holds if self.fitted else None

    @property
    def max_r_p(self) -> float | None:
        """The p of the strongest of all predictors tried, which allows for their number."""
        best = strongest(self.tried)
        return best.max_r_p if best else None


def answer_relation(
    units: Sequence[Unit], predictor: str, also: Sequence[str] = (), alpha: float = 0.05, looks: int = 1
) -> RelationAnswer:
    """Answer whether the gain depends on `predictor`; `also` are further predictors that were looked at.

    A unit's gain is its mean over seeds; the regression takes units as random effects (Paule & Mandel, 1982) with the
    interval of Knapp & Hartung (2003), within families if there are several. `looks` counts this one and those
    before units or seeds were added; the level is `level_of_look`. Raises `ValueError` for an alpha that is not
    between 0 and 1, no look, and two units of one name.
    """
    _check(units, alpha, looks)
    alpha = level_of_look(alpha, looks)
    # Permutations are sampled by position: units are sorted, so that their order does not matter.
    measured, unmeasured = measured_units(units)
    usable, unknown = usable_units(measured, predictor)
    data = unit_data(sorted(usable, key=lambda unit: (unit.family, unit.predictors[predictor], unit.name)), predictor)
    fitted = fit_relation(data, alpha)
    reason = _why_described(data, predictor, several=len({unit.family for unit in measured}) > 1)
    word, why = (Word.DESCRIBED, reason) if reason or fitted is None else _decide(fitted, alpha)
    tried = tried_predictors(sorted(measured, key=lambda unit: (unit.family, unit.name)), [predictor, *also])
    return RelationAnswer(
        predictor=predictor,
        alpha=alpha,
        word=word,
        why=why,
        fitted=fitted,
        families=data.labels,
        tried=tried,
        rests_on=fitted.carried_by(alpha) if fitted and word in (Word.RISES, Word.FALLS) else (),
        units=data.estimates(fitted.weights if fitted else None, alpha),
        dropped=(*unmeasured, *unknown),
        cautions=tuple(cautions_of(data, fitted, tried, alpha, looks)),
    )


def _check(units: Sequence[Unit], alpha: float, looks: int) -> None:
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must be between 0 and 1, not {alpha}")
    if looks < 1:
        raise ValueError(f"an answer is the first look or a later one, not look {looks}")
    double = [name for name, count in Counter(unit.name for unit in units).items() if count > 1]
    if double:
        raise ValueError(f"two units are called {double[0]}")


def _why_described(data: UnitData, predictor: str, several: bool) -> str:
    """Why nothing is claimed, as a clause; empty where something may be."""
    k = len(data.units)
    if k < FEWEST_UNITS:
        return f"{plural(k, 'unit')} with a gain and a value of {predictor}, and a claim needs at least {FEWEST_UNITS}"
    where = " within families" if several else ""
    if not data.x_varies:
        return f"{predictor} does not vary{where}"
    if not data.y_varies:
        return f"the mean gain does not vary{where}"
    if data.residual_freedom < fewest_freedom(2 if several else 1):
        families = "1 family" if len(data.labels) == 1 else f"{len(data.labels)} families"
        count = plural(max(data.residual_freedom, 0), "residual degree")
        return (
            f"{plural(k, 'unit')} in {families} leave {count}"
            f" of freedom, and a slope within families needs at least {FEWEST_FREEDOM_WITHIN}"
        )
    return ""


def _decide(fitted: FittedRelation, alpha: float) -> tuple[Word, str]:
    """The word, and why it is neither `rises` nor `falls`."""
    if fitted.p is None or fitted.p > alpha:
        return Word.NO_RELATION, "the interval of the slope contains 0"
    if not fitted.sign_holds:
        return Word.NO_RELATION, f"the slope does not keep its sign without {listed(fitted.turning)}"
    return (Word.RISES if fitted.slope > 0 else Word.FALLS), ""
