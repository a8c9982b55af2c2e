"""CSV files with a row for each unit of a relation, read once and kept in the study.

Columns are named after the hyperparameters that distinguish units; the others hold numbers, or a `source`. Lines that
begin with # are notes.
"""

from __future__ import annotations

import csv
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Any

from saddle.errors import StudyError
from saddle.study.nearest import nearest
from saddle.study.relations.relation import ARM, GAIN, OF_A_FAMILY, OVER, PUBLISHED, unit_name
from saddle.study.yaml_scalars import Fraction
from saddle.studyfile.problem import Path, Problem, show
from saddle.studyfile.published_tables import as_yaml, find_table
from saddle.studyfile.yaml_reader import Document

SOURCE = "source"


def read_rows(name: str, study_file: str) -> tuple[list[dict[str, Any]], list[str]]:
    """The rows of a table with typed cells, empty ones left out, and its notes; raises `StudyError`."""
    where, content = find_table(name, study_file)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise StudyError([Problem(where, None, "", "this is not UTF-8 text", "a table is a CSV file")]) from None
    notes = [line.lstrip("# ").rstrip() for line in text.splitlines() if line[:1] == "#" and line.strip("# ")]
    lines = [line for line in text.splitlines() if line.strip() and line[:1] != "#"]
    if len(lines) < 2:
        raise StudyError([Problem(where, None, "", "the table has no rows", "write a row for each unit")])
    cells = [[cell.strip() for cell in row] for row in csv.reader(lines)]
    columns = cells[0]
    for number, row in enumerate(cells[1:], start=1):
        if len(row) != len(columns):
            what = f"row {number} has {len(row)} cells, and the table has {len(columns)} columns"
            raise StudyError([Problem(where, None, "", what, 'put a cell with commas in quotes, such as "[a, b]"')])
    rows = [dict(zip(columns, map(_number_or_text, row), strict=True)) for row in cells[1:]]
    return [{name: cell for name, cell in row.items() if cell != ""} for row in rows], notes


def _number_or_text(cell: str) -> Any:
    value = as_yaml(cell) if cell else ""
    return value.number() if isinstance(value, Fraction) else value


def read_unit_tables(document: Document, file: str) -> tuple[Document, list[Problem]]:
    """A relation with the rows of every table that its gain and predictors name, and what is wrong with the tables."""
    relation = document.value.get("relation") if isinstance(document.value, dict) else None
    if not isinstance(relation, dict):
        return document, []
    filled, problems = dict(relation), list[Problem]()
    for part in ("gain", "predictor"):
        path: Path = ("relation", part)
        filled |= {part: _filled(document, path, relation.get(part), file, problems)} if part in relation else {}
    also = relation.get("also")
    if isinstance(also, list):
        filled["also"] = [
            _filled(document, ("relation", "also", index), item, file, problems) for index, item in enumerate(also)
        ]
    return replace(document, value={**document.value, "relation": filled}), problems


def _filled(document: Document, path: Path, item: Any, file: str, problems: list[Problem]) -> Any:
    """What names a table, with the table's rows."""
    if not isinstance(item, dict) or not isinstance(item.get("csv"), str) or "rows" in item:
        return item
    try:
        rows, _ = read_rows(item["csv"], file)
    except StudyError as error:
        first = error.problems[0]
        problems.append(document.problem((*path, "csv"), first.what, first.right, first.nearest))
        return item
    columns = list(dict.fromkeys(name for row in rows for name in row))
    column = item.get("column")
    if isinstance(column, str) and column not in columns:
        what = f"{item['csv']} has no column {show(column)}"
        near = nearest(column, columns)
        problems.append(document.problem((*path, "column"), what, f"it has: {', '.join(columns)}", near))
    return {**item, "csv": FilePath(item["csv"]).name, "rows": rows}


def settings_of_units(relation: Any) -> list[str]:
    """The hyperparameters that the units of a relation, as a file writes them, set."""
    units = relation.get("units") if isinstance(relation, dict) else None
    names: dict[str, None] = {}
    for entry in units if isinstance(units, list) else ():
        parts = [entry.get(part) for part in OF_A_FAMILY[1:]] if isinstance(entry, dict) else []
        plain = [entry] if isinstance(entry, dict) and not any(part in entry for part in OF_A_FAMILY) else []
        names |= {str(name): None for part in (*parts, *plain) if isinstance(part, dict) for name in part}
    return list(names)


def published_points(name: str, study_file: str, settings: Collection[str]) -> tuple[dict[str, Any], str]:
    """The published points of a table as a study keeps them, and why it can't be used; raises `StudyError`.

    `settings` are the hyperparameters that distinguish units.
    """
    rows, notes = read_rows(name, study_file)
    values: list[dict[str, Any]] = []
    for row in rows:
        unit = {key: cell for key, cell in row.items() if key in settings}
        numbers = {key: cell for key, cell in row.items() if key not in unit and _is_number(cell)}
        if unit and (GAIN in numbers or {ARM, OVER} <= numbers.keys()):
            common = {"arm": unit_name(unit), SOURCE: str(row.get(SOURCE, "")), "conditions": unit}
            values += [
                {**common, "metric": f"{PUBLISHED}/{key}", "value": float(number)} for key, number in numbers.items()
            ]
    columns = f"columns {', '.join(settings)} and {GAIN}, or {ARM} and {OVER}"
    why = "" if values else f"no row has a unit and its gain; expected are the {columns}"
    return {"file": FilePath(name).name, "values": values, "notes": notes}, why


def _is_number(cell: Any) -> bool:
    return isinstance(cell, int | float) and not isinstance(cell, bool)
