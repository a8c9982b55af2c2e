"""The results in a table: which columns mean what, and a checked value for each arm, seed, block and metric."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from saddle.archive.imported.table import ResultTable, text_of
from saddle.errors import TableError
from trainables.contract import METRIC_NAME, Metric, complete_metric
from trainables.metric import FRACTION

PERCENT = "percent"
"""The unit of columns whose values are divided by 100, as saddle keeps shares of 1."""
MLFLOW_METRIC = "metrics."
"""The prefix of columns of metrics in the table of an MLflow experiment."""
MOST_PROBLEMS = 20


@dataclass(frozen=True)
class MetricColumn:
    """A column of values of `metric`; in `percent` they are 100 times what saddle keeps."""

    column: str
    metric: Metric
    percent: bool = False

    def value(self, cell: Any) -> float | None:
        """The value in the metric's unit; None for an empty cell or NaN. Raises `ValueError`."""
        text = text_of(cell).removesuffix("%").strip()
        value = float(text) if text else math.nan
        if math.isinf(value):
            raise ValueError("it is not finite")
        bounds = self.metric.bounds
        value = round(value / 100, 12) if self.percent else value
        if bounds is not None and not math.isnan(value) and not bounds[0] <= value <= bounds[1]:
            unit = "" if self.percent else f"; for per cent add --unit {self.column}=percent"
            raise ValueError(f"{self.metric} goes from {bounds[0]:g} to {bounds[1]:g}{unit}")
        return None if math.isnan(value) else value


@dataclass(frozen=True)
class TableColumns:
    """Which columns hold the arm, the seed, the metrics (the compared one first), and the blocks."""

    arm: str
    seed: str
    metrics: Sequence[MetricColumn]
    blocks: Sequence[str] = ()

    @property
    def names(self) -> list[str]:
        return [self.arm, self.seed, *(metric.column for metric in self.metrics), *self.blocks]


@dataclass(frozen=True)
class ImportedResult:
    """One row: the arm, the levels of the blocks, the seed, and the metrics that have a value."""

    arm: str
    seed: int
    block: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    without_value: Sequence[str] = ()


def metric_column(text: str, units: Mapping[str, str], smaller: Sequence[str]) -> MetricColumn:
    """The column that `COLUMN` or `COLUMN=METRIC` names; without a metric it is `test/COLUMN`.

    `units` are those of columns, that under "" of all others. Columns named in `smaller` are better where smaller.
    Raises `TableError` for a metric that can't have this name.
    """
    column, _, name = text.partition("=")
    name = name or (
        column if METRIC_NAME.fullmatch(column) else f"test/{metric_word(column.removeprefix(MLFLOW_METRIC))}"
    )
    if not METRIC_NAME.fullmatch(name):
        raise TableError(
            [f"{name!r} is not the name of a metric; write --metric {column}=test/NAME with small letters"]
        )
    metric, unit = complete_metric(name), units.get(column, units.get("", ""))
    if unit:
        metric = replace(metric, unit=FRACTION if unit == PERCENT else unit)
    if column in smaller:
        metric = replace(metric, direction="minimize")
    return MetricColumn(column, metric, unit == PERCENT)


def metric_word(column: str) -> str:
    """A column's name as a part of a metric's: `PGD-10 (%)` is `pgd_10`."""
    return re.sub(r"[^a-z0-9]+", "_", column.lower()).strip("_")


def read_results(table: ResultTable, columns: TableColumns) -> list[ImportedResult]:
    """A result for each row; raises `TableError` with each cell's error, and for rows of the same replicate."""
    table.require(columns.names)
    results: dict[tuple[Any, ...], ImportedResult] = {}
    places: dict[tuple[Any, ...], str] = {}
    problems: list[str] = []
    for row, place in zip(table.rows, table.places, strict=True):
        try:
            result = _result(row, columns)
        except ValueError as error:
            problems.append(f"{table.file}, {place}: {error}")
            continue
        same = (result.arm, result.seed, *result.block.values())
        if same in results:
            problems.append(
                f"{table.file}, {place}: {result.arm} with seed {result.seed} is also in {places[same]}; name the "
                "column that distinguishes them with --block, or choose rows with --where COLUMN=VALUE"
            )
        results[same], places[same] = result, place
    if problems:
        more = len(problems) - MOST_PROBLEMS
        raise TableError([*problems[:MOST_PROBLEMS], *([f"and {more} more"] if more > 0 else [])])
    return list(results.values())


def _result(row: Mapping[str, Any], columns: TableColumns) -> ImportedResult:
    arm, block = text_of(row[columns.arm]), {name: text_of(row[name]) for name in columns.blocks}
    for name, text in {columns.arm: arm, **block}.items():
        if not text:
            raise ValueError(f"{name} is empty")
    seed = text_of(row[columns.seed])
    if not re.fullmatch(r"\d{1,9}(\.0*)?", seed):
        raise ValueError(f"{columns.seed} is {seed!r}, and a seed is a whole number from 0 on")
    metrics, without = {}, []
    for column in columns.metrics:
        try:
            value = column.value(row[column.column])
        except ValueError as error:
            raise ValueError(f"{column.column} is {text_of(row[column.column])!r}: {error}") from None
        if value is None:
            without.append(column.metric.name)
        else:
            metrics[column.metric.name] = value
    return ImportedResult(arm, int(float(seed)), block, metrics, tuple(without))
