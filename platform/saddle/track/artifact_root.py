"""Where the runs in a storage's own MLflow database keep their files: in the storage at its present location.

MLflow writes the whole address of that folder into its tables, for each experiment and each run: a storage that was
moved, renamed or copied would continue to fill the folder of its earlier place. No call of MLflow changes an address,
and the database is ours, so it is changed there.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from saddle.store.base import Store
from saddle.store.files import driver_file, driver_folder

FOLDER = "mlflow/artifacts"
DATABASE = "mlflow/mlflow.db"
LOCKED_SECONDS = 30.0
"""How long another process may keep the database locked."""

ADDRESSES = (("experiments", "experiment_id", "artifact_location"), ("runs", "run_uuid", "artifact_uri"))
"""Table, key and column of all that holds an address."""


def own_database(store: Store) -> Path | None:
    """The storage's own MLflow database, None if there is none or a server is used, whose files are its own."""
    path = driver_file(store, DATABASE)
    return path if not os.environ.get("MLFLOW_TRACKING_URI") and path.exists() else None


def artifact_root(store: Store) -> str:
    """The address of the folder in which a storage's runs keep their files now."""
    return driver_folder(store, FOLDER).as_uri()


def run_folder(store: Store, run_id: str) -> Path:
    """The folder of the files of one MLflow run on this machine."""
    return driver_folder(store, f"{FOLDER}/{run_id}/artifacts")


def earlier_roots(store: Store) -> Counter[str]:
    """The addresses of folders in which this storage was before, with the experiments and runs that still name each."""
    database = own_database(store)
    if database is None:
        return Counter()
    with opened(database, "ro") as connection:
        return Counter(root for _, root, _, _ in outdated(connection, artifact_root(store)))


def relocate(store: Store) -> None:
    """Replace this storage's earlier folder by its present one in all addresses."""
    if not earlier_roots(store):
        return
    with opened(driver_file(store, DATABASE), "rw") as connection, connection:
        for update, _, address, key in list(outdated(connection, artifact_root(store))):
            connection.execute(update, (address, key))


def outdated(connection: sqlite3.Connection, root: str) -> Iterator[tuple[str, str, str, str | int]]:
    """Rows that name another root than `root`: the statement that corrects one, that root, the right address, the key.

    The root is what comes before the id of an experiment or run, and ends as saddle's do; other addresses were set
    deliberately.
    """
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    for table, id_column, column in ADDRESSES if tables else ():  # the file is made before MLflow makes its tables
        for key, address in connection.execute(f"SELECT {id_column}, {column} FROM {table}").fetchall():
            before, separator, rest = str(address).rpartition(f"/{FOLDER}")
            old = before + separator
            if separator and rest[:1] in ("", "/") and old != root:
                yield f"UPDATE {table} SET {column} = ? WHERE {id_column} = ?", old, root + rest, key


@contextlib.contextmanager
def opened(database: Path, mode: str) -> Iterator[sqlite3.Connection]:
    """A connection to the database, `ro` or `rw`, closed afterwards; the database is never created."""
    connection = sqlite3.connect(f"{database.as_uri()}?mode={mode}", uri=True, timeout=LOCKED_SECONDS)
    try:
        yield connection
    finally:
        connection.close()
