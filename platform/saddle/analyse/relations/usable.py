"""Which units a relation can be computed from, and why the others can't."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence

from saddle.analyse.relations.unit import DroppedUnit, Unit
from saddle.analyse.text.formatting import plural


def usable_units(units: Sequence[Unit], predictor: str) -> tuple[list[Unit], list[DroppedUnit]]:
    """Units with gains and the predictor, and the others: also those alone in their family if there are several."""
    measured, unmeasured = measured_units(units)
    known, unknown = _split(measured, lambda unit: _why_unknown(unit, predictor))
    sizes = Counter(unit.family for unit in known)
    if len(sizes) == 1:
        return known, unmeasured + unknown
    paired, alone = _split(known, lambda unit: _why_alone(unit) if sizes[unit.family] == 1 else "")
    return paired, unmeasured + unknown + alone


def measured_units(units: Sequence[Unit]) -> tuple[list[Unit], list[DroppedUnit]]:
    """Units whose mean gain is known, and the others."""
    return _split(units, _why_unmeasured)


def _split(units: Sequence[Unit], reason_of: Callable[[Unit], str]) -> tuple[list[Unit], list[DroppedUnit]]:
    reasons = [reason_of(unit) for unit in units]
    usable = [unit for unit, reason in zip(units, reasons, strict=True) if not reason]
    dropped = [
        DroppedUnit(unit.name, unit.family, reason) for unit, reason in zip(units, reasons, strict=True) if reason
    ]
    return usable, dropped


def _why_unmeasured(unit: Unit) -> str:
    seeds = len(unit.gains) + unit.failed
    if not unit.gains:
        return f"all {plural(seeds, 'seed')} failed" if unit.failed else "nothing is measured yet"
    if unit.failed > len(unit.gains):  # the mean of a minority that works says little about the unit
        return f"{unit.failed} of {plural(seeds, 'seed')} failed"
    infinite = sum(not math.isfinite(gain) for gain in unit.gains)
    return f"{infinite} of {plural(len(unit.gains), 'gain')} have no value on this scale" if infinite else ""


def _why_unknown(unit: Unit, predictor: str) -> str:
    if predictor not in unit.predictors:
        return f"its {predictor} is not known"
    x = unit.predictors[predictor]
    return "" if math.isfinite(x) else f"its {predictor} is {x:g}"


def _why_alone(unit: Unit) -> str:
    return f"no other unit of its family ({unit.family}) has a value"
