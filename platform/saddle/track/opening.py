"""Which tracker a study gets."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import time
from pathlib import Path

from saddle.errors import StorageError
from saddle.store.base import Store
from saddle.store.files import driver_file, open_or_make
from saddle.store.open import local_owner, study_folder
from saddle.store.ownership.lock import lock_study
from saddle.study.trainable.declarations import UNDECLARED, Declarations
from saddle.track.artifact_root import DATABASE, artifact_root
from saddle.track.base import Tracker
from saddle.track.mlflow_tracker import MlflowTracker, outbox_folder
from saddle.track.outbox import has_backlog
from saddle.trial.run_id import RunId

log = logging.getLogger(__name__)


def tracking_uri(store: Store) -> str:
    """`MLFLOW_TRACKING_URI`, else a SQLite database in the storage; raises `StorageError` for MLflow's file store."""
    uri = os.environ.get("MLFLOW_TRACKING_URI")
    if not uri:
        return sqlite_url(make_database(store))
    if "://" not in uri or uri.startswith("file:"):
        raise StorageError(
            f"MLFLOW_TRACKING_URI is {uri!r}, MLflow's file store, which is being withdrawn; "
            "use a server (http://…) or a database (sqlite:///…, postgresql://…)"
        )
    return uri


def sqlite_url(database: Path) -> str:
    """The URL of a SQLite file, for any characters in its path: a bare `?` or `%` would name another file."""
    plain = f"sqlite:///{database}"
    # MLflow's modules take seconds to import, and SQLAlchemy a tenth of one
    from sqlalchemy import URL

    quoted = URL.create("sqlite", database=str(database)).render_as_string(hide_password=False)
    # naming the driver keeps MLflow from making the folder of the quoted path
    return plain if quoted == plain else quoted.replace("sqlite:", "sqlite+pysqlite:", 1)


def artifact_location(store: Store) -> str | None:
    """Where runs keep their files: next to the database in the storage, or where the server says."""
    if os.environ.get("MLFLOW_TRACKING_URI"):
        return None
    return artifact_root(store)


def database_path(store: Store) -> Path:
    """The path of the SQLite database of a storage; raises `ForeignPath` if it is a link."""
    return driver_file(store, DATABASE)


def make_database(store: Store) -> Path:
    """The database, made empty if it is missing: SQLite itself would make one that only its owner may write."""
    path = database_path(store)
    if damage := damage_of(path):
        aside = path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%dT%H%M%S')}")
        path.rename(aside)
        log.warning(
            "MLflow's database %s was damaged (%s) and is kept as %s; `saddle verify STUDY --repair` fills the new "
            "one from the ledger", path, damage, aside,
        )  # fmt: skip
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(open_or_make(path, os.O_RDWR))
    return path


def damage_of(path: Path) -> str:
    """Why no process can read the SQLite database at `path`; empty if it can be read, is empty, or isn't there."""
    if not path.is_file() or not path.stat().st_size:
        return ""
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=1.0)) as connection:
            connection.execute("select count(*) from sqlite_master").fetchone()
    except sqlite3.OperationalError:  # in use, or a problem of the machine, which is not damage
        return ""
    except sqlite3.DatabaseError as error:
        return str(error)
    return ""


def marker(run: RunId) -> str:
    """The file that marks a run as tracked."""
    return f"{study_folder(run)}/tracked"


def was_tracked(store: Store, run: RunId) -> bool:
    """Whether a run was ever trained without `--no-mlflow`; older ones are known by their outbox."""
    return store.exists(marker(run)) or outbox_folder(store, run).exists()


def open_tracker(
    store: Store,
    run: RunId,
    *,
    enabled: bool = True,
    declared: Declarations = UNDECLARED,
    by_unit: bool = False,
) -> Tracker:
    """The tracker of one run of a study; `declared` says what is known about its trials' metrics.

    `by_unit` puts trials below their unit, as in a relation, not below their arm.
    """
    if not enabled:
        return Tracker()
    if not store.exists(marker(run)):
        store.write(marker(run), b"MLflow has this study; `saddle verify` compares it\n")
    return MlflowTracker(tracking_uri(store), run, store, artifact_location(store), declared, by_unit=by_unit)


def deliver_rest(store: Store, run: RunId, timeout: float) -> str | None:
    """Deliver what waits in a run's outbox, unless its driver runs; what is left after `timeout`, in words."""
    if not has_backlog(outbox_folder(store, run)) or local_owner(store, run) not in ("", run.instance):
        return None
    with contextlib.suppress(StorageError), lock_study(store, run):
        return open_tracker(store, run).close(timeout)
    return None
