"""The trials of a Ray Tune experiment as a table: their configuration, and what each reported last."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from saddle.archive.imported.table import ResultTable, digest_of_rows
from saddle.errors import TableError
from saddle.trial.nested_values import flatten

REPORTS, CONFIG, ERROR = "result.json", "params.json", "error.txt"


def read_tune_folder(folder: Path) -> ResultTable:
    """A row for each trial of the experiment in `folder`, with the columns of `ResultGrid.get_dataframe()`.

    `config/NAME` and the names of the metrics, nested ones joined by `/`. A trial that failed has no metrics, even if
    it had reported some; one that neither failed nor reported is left out. Raises `TableError`.
    """
    trials = sorted(path.parent for path in folder.glob(f"*/{CONFIG}"))
    if not trials:
        raise TableError([f"{folder} is not a folder of Ray Tune results: no folder in it has {CONFIG}"])
    rows = {trial.name: row for trial in trials if (row := _row(trial)) is not None}
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    complete = [{column: row.get(column) for column in columns} for row in rows.values()]
    return ResultTable(folder.name, digest_of_rows(complete), columns, complete, list(rows))


def _row(trial: Path) -> dict[str, Any] | None:
    failed, reported = (trial / ERROR).exists(), _last_report(trial / REPORTS)
    if not failed and not reported:
        return None
    config = _read(trial / CONFIG, (trial / CONFIG).read_text())
    settings = {f"config/{name}": value for name, value in flatten(config, "/").items()}
    return settings if failed else {**settings, **flatten({**reported, "config": {}}, "/")}


def _last_report(path: Path) -> Mapping[str, Any]:
    lines = path.read_text().splitlines() if path.exists() else []
    return _read(path, lines[-1]) if lines else {}


def _read(path: Path, text: str) -> Mapping[str, Any]:
    try:
        return dict(json.loads(text))
    except (ValueError, TypeError) as error:
        raise TableError([f"{path} can't be read: {error}"]) from error
