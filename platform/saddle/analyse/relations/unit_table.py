"""The table of a relation's answer: a row for each unit."""

from __future__ import annotations

import math

from saddle.analyse.relations.findings import Findings
from saddle.analyse.relations.measured_units import MeasuredUnit
from saddle.analyse.text.formatting import DASH, percent, setting


def unit_table(findings: Findings) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Its columns and rows, ready to print: units that take part, by their predictor, then the others."""
    written = findings.written
    has_families = len({measured.unit.family for measured in findings.units}) > 1
    columns = ("unit", *["family"] * has_families, findings.answer.predictor)
    columns += (f"gain{written.difference_unit}", "interval", "seeds", "failed", "weight", "")
    ordered = sorted(findings.units, key=lambda measured: _place(findings, measured))
    rows = []
    for measured in ordered:
        unit, estimate = measured.unit, findings.estimates.get(measured.unit.name)
        x = unit.predictors.get(findings.answer.predictor)
        cells = [unit.name, *[unit.family] * has_families, DASH if x is None else setting(x)]
        if estimate is None:
            cells += [DASH] * 2 + [str(len(unit.gains)), str(unit.failed), DASH, findings.reasons.get(unit.name, "")]
        else:
            weight = DASH if math.isnan(estimate.weight) else percent(estimate.weight)
            interval = written.interval(estimate.low, estimate.high)
            cells += [written.change(estimate.y), interval, str(estimate.seeds), str(estimate.failed), weight, ""]
        rows.append(tuple(cells))
    if not any(row[-1] for row in rows):
        return columns[:-1], tuple(row[:-1] for row in rows)
    return (*columns[:-1], "left out, as"), tuple(rows)


def _place(findings: Findings, measured: MeasuredUnit) -> tuple[bool, str, float]:
    estimate = findings.estimates.get(measured.unit.name)
    return estimate is None, measured.unit.family, 0.0 if estimate is None else estimate.x
