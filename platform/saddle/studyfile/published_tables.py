"""Published values that a study's results are held against: `published: table4.csv`, read once and kept in the study.

The CSV has the columns `arm`, `metric` and `value`, perhaps `sd`, `n` and `source`; any other column is a condition
under which the value was measured, named as the trainable names its hyperparameter. Lines that begin with # are notes,
which are shown below the table in a report.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from saddle.errors import StudyError
from saddle.study.nearest import nearest
from saddle.study.published import PublishedValue
from saddle.studyfile.packaged import PACKAGE
from saddle.studyfile.problem import Problem, show
from saddle.studyfile.validation_messages import mistakes_in
from saddle.studyfile.yaml_reader import read_value

FOLDER = "published"
REQUIRED = ("arm", "metric", "value")
LARGEST_TABLE = 64 * 1024
MOST_CELLS = 4000
"""What fits into a stored study, where every row repeats the names of its columns."""


def read_published(name: str, study_file: str) -> tuple[dict[str, Any] | None, list[Problem]]:
    """The content of a CSV as a study keeps it, or everything that is wrong with it.

    It is looked for next to the study file, in the folder `published` there, and among the packaged tables. Raises
    `StudyError` if there is none.
    """
    where, content = find_table(name, study_file)
    if len(content) > LARGEST_TABLE:
        right = "keep the rows of this study's arms and the conditions that matter"
        return None, [Problem(where, None, "", f"the file is larger than {LARGEST_TABLE // 1024} KiB", right)]
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None, [Problem(where, None, "", "this is not UTF-8 text", "a table of published values is a CSV file")]
    values, problems = parse_table(text, where)
    notes = [line.lstrip("# ").rstrip() for line in text.splitlines() if line[:1] == "#" and line.strip("# ")]
    return (None if problems else {"file": Path(name).name, "values": values, "notes": notes}), problems


def find_table(name: str, study_file: str) -> tuple[str, bytes]:
    """The name to show and the bytes of a table; raises `StudyError`."""
    folder = Path(study_file).parent
    for path in (folder / name, folder / FOLDER / name):
        try:
            if path.is_file():
                return str(path), path.read_bytes()
        except (OSError, ValueError):  # no rights, or a name that no file can have
            continue
    packaged = packaged_tables()
    matches = [entry for entry in packaged if entry == name or entry.endswith(f"/{name}")]
    if len(matches) == 1:
        return str(packaged[matches[0]]), packaged[matches[0]].read_bytes()
    if matches:
        raise StudyError([Problem(study_file, None, FOLDER, f"several packaged tables are called {show(name)}",
                                  f"write one of: {', '.join(matches)}")])  # fmt: skip
    known = [entry.name for each in (folder, folder / FOLDER) for entry in _listed(each)] + list(packaged)
    right = f"put it next to the study file; packaged are: {', '.join(packaged) or 'none'}"
    raise StudyError([Problem(study_file, None, FOLDER, f"no such file: {show(name)}", right, nearest(name, known))])


def packaged_tables() -> dict[str, Traversable]:
    """The packaged tables by name, such as `mixed_perturbation/published/s3_mnist.csv`."""
    tables: dict[str, Traversable] = {}

    def collect(folder: Traversable, prefix: str) -> None:
        for entry in folder.iterdir():
            if entry.is_dir():
                collect(entry, f"{prefix}{entry.name}/")
            elif entry.name.endswith(".csv"):
                tables[prefix + entry.name] = entry

    collect(files(PACKAGE), "")
    return dict(sorted(tables.items()))


def _listed(folder: Path) -> Iterable[Path]:
    try:
        return sorted(folder.glob("*.csv"))[:100]
    except OSError:
        return []


def parse_table(text: str, where: str) -> tuple[list[dict[str, Any]], list[Problem]]:
    """Rows as mappings with typed cells, and a problem for each mistake."""
    lines = text.splitlines()
    numbered = [(number, line) for number, line in enumerate(lines, start=1) if line.strip() and line[:1] != "#"]
    if not numbered:
        return [], [Problem(where, 1, "", "the file is empty", f"its columns are {', '.join(REQUIRED)} and more")]
    columns = [column.strip() for column in next(csv.reader([numbered[0][1]]))]
    problems = _wrong_columns(columns, where, numbered[0][0])
    if problems:
        return [], problems
    rows = []
    for number, line in numbered[1:]:
        cells = [cell.strip() for cell in next(csv.reader(io.StringIO(line)))]
        if len(cells) != len(columns):
            what = f"{len(cells)} cells, and the table has {len(columns)} columns"
            problems.append(Problem(where, number, "", what, 'put a cell with commas in quotes, such as "[a, b]"'))
            continue
        row = _row(dict(zip(columns, cells, strict=True)))
        _, mistakes = mistakes_in(PublishedValue, row)
        for mistake in mistakes:
            place = ".".join(str(part) for part in mistake.path)
            problems.append(Problem(where, number, place, mistake.what, mistake.right, mistake.nearest))
        rows.append(row)
    if len(rows) * len(columns) > MOST_CELLS:
        what = f"{len(rows)} rows of {len(columns)} cells are more than the {MOST_CELLS} that a study may have"
        right = "keep the rows of this study's arms and the conditions that matter"
        problems.append(Problem(where, None, "", what, right))
    if not rows and not problems:
        problems.append(Problem(where, numbered[0][0], "", "the table has no rows"))
    return rows, problems


def _wrong_columns(columns: Sequence[str], where: str, line: int) -> list[Problem]:
    missing = [name for name in REQUIRED if name not in columns]
    problems = [
        Problem(where, line, "", f"the column {name} is missing", f"there are: {', '.join(columns)}",
                nearest(name, columns))
        for name in missing
    ]  # fmt: skip
    problems += [
        Problem(where, line, "", f"the column {show(name)} is there twice" if name else "a column has no name")
        for name in dict.fromkeys(columns)
        if not name or columns.count(name) > 1
    ]
    return problems


def _row(cells: Mapping[str, str]) -> dict[str, Any]:
    """The cells of a row, numbers as numbers; empty cells are left out."""
    row: dict[str, Any] = {}
    conditions: dict[str, Any] = {}
    for name, cell in cells.items():
        if not cell:
            continue
        if name in ("arm", "metric", "source"):
            row[name] = cell
        elif name in PublishedValue.model_fields and name != "conditions":
            row[name] = as_yaml(cell)
        else:
            conditions[name] = as_yaml(cell)
    return {**row, **({"conditions": conditions} if conditions else {})}


def as_yaml(cell: str) -> Any:
    """A cell as a study file would read it: `0.3` a number, `[odd_even]` a list; what is not YAML stays a text."""
    value, _, problems = read_value(cell, "")
    return cell if problems else value
