"""The sources that results can be imported from."""

from __future__ import annotations

from pathlib import Path

from saddle.archive.imported.mlflow_table import PREFIX, read_experiment
from saddle.archive.imported.table import ResultTable, read_table
from saddle.archive.imported.tune_table import read_tune_folder


def read_source(source: str) -> ResultTable:
    """The table of a CSV or Parquet file, of `mlflow:EXPERIMENT`, or of a folder of Ray Tune results.

    Raises `TableError` if there is none, or it can't be read.
    """
    if source.startswith(PREFIX):
        return read_experiment(source)
    path = Path(source)
    return read_tune_folder(path) if path.is_dir() else read_table(path)
