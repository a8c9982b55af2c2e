"""The ablation that a table of results is stored as."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from saddle.analyse.text.formatting import label
from saddle.archive.imported.results import ImportedResult, TableColumns
from saddle.errors import TableError
from saddle.study.imported_table import IMPORTED
from saddle.study.models import Study
from saddle.study.nearest import nearest
from saddle.studyfile.dump import dump_plain
from saddle.studyfile.loader import parse_studies

BEST_OF = "best_of"
"""A key that a baseline has for a search, so no column of arms may have this name."""


def study_of_results(
    name: str,
    columns: TableColumns,
    results: Sequence[ImportedResult],
    baseline: str,
    *,
    question: str = "",
    fixed: Mapping[str, str] | None = None,
    seeds: Sequence[int] = (),
    settings: Sequence[str] = (),
) -> Study:
    """An ablation with the table's arms, blocks and seeds, those of `seeds` first, and its first metric compared.

    A block at one level, and the values in `fixed` by which rows were chosen, are settings that all trials share.
    `settings` override the study as `--set` does. Raises `TableError` if `baseline` is not an arm, else `StudyError`.
    """
    arms = list(dict.fromkeys(result.arm for result in results))
    if columns.arm == BEST_OF:
        raise TableError([f"a column of arms can't be called {BEST_OF}; rename it"])
    if baseline not in arms:
        hint = nearest(baseline, arms)
        right = f"did you mean {hint}?" if hint else f"there are: {', '.join(arms)}"
        raise TableError([f"the baseline {baseline!r} is not one of the arms in column {columns.arm}; {right}"])
    levels = {name: list(dict.fromkeys(result.block[name] for result in results)) for name in columns.blocks}
    compared, *others = [column.metric.name for column in columns.metrics]
    plain: dict[str, Any] = {
        "study": name,
        "question": question or f"Which {columns.arm} differs from {baseline} in {label(compared)}?",
        "trainable": IMPORTED,
        "fixed": {**(fixed or {}), **{name: values[0] for name, values in levels.items() if len(values) == 1}},
        "ablation": {
            "baseline": {columns.arm: baseline},
            "factors": {columns.arm: [baseline, *(arm for arm in arms if arm != baseline)]},
            "blocks": {name: values for name, values in levels.items() if len(values) > 1},
            "seeds": [*seeds, *sorted({result.seed for result in results} - set(seeds))],
            "compare": {"metric": compared, "also": others},
        },
    }
    [study] = parse_studies(dump_plain(plain), name, settings, stored=True)
    return study
