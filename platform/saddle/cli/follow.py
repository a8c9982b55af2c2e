"""`saddle run --follow`: watch the process that runs a study already, and show its answer."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from saddle.cli.output.terminal import echo

if TYPE_CHECKING:
    from saddle.execute.driver import EndedStudy
    from saddle.store.base import Store
    from saddle.trial.run_id import RunId

BETWEEN_STUDIES = 3.0
"""A driver lets go of one study of a file a moment before it takes up the next."""


def follow_driver(study: str, settings: Sequence[str], storage: str | None) -> bool:
    """Whether another process ran the studies, which then have been shown to their end.

    Raises `typer.Exit` if that process was stopped before they were finished.
    """
    from saddle.archive.studies import read_study, refuse_changes
    from saddle.archive.study_status import read_state
    from saddle.cli.output.display import conclude
    from saddle.cli.paths import command, storage_option
    from saddle.cli.status import show
    from saddle.cluster.failures.leave import INTERRUPTED
    from saddle.store.open import open_store
    from saddle.store.ownership.lock import driver_of
    from saddle.studyfile.loader import load_studies
    from saddle.trial.run_id import RunId

    store = open_store(storage)
    studies = load_studies(study, settings)
    runs = [RunId(each.study) for each in studies]
    if not any(driver_of(store, run) for run in runs):
        return False
    for each in studies:
        stored = read_study(store, each.study)
        if stored is not None:
            refuse_changes(store, stored, each)
    while any(driver_of(store, run) for run in runs):
        show(lambda: [read_state(store, run) for run in runs], watch=True)
        time.sleep(BETWEEN_STUDIES)
    results = [stored_result(store, run) for run in runs]
    for result in results:
        if result is None or result.interrupted:
            again = command("run", study, *storage_option(store.url), settings=settings)
            echo(f"\nStopped. Continue with: {again}")
            raise typer.Exit(INTERRUPTED)
        conclude(result)
    return True


def stored_result(store: Store, run: RunId) -> EndedStudy | None:
    """A run's result as its driver left it; None if there is none."""
    from saddle.archive.studies import read_study
    from saddle.archive.study_status import read_state
    from saddle.execute.driver import EndedStudy
    from saddle.report.write import report_path

    stored = read_study(store, run.name)
    if stored is None:
        return None
    finished = read_state(store, run).progress.state == "finished"
    return EndedStudy(stored.read_results(store), store.url, store.locate(report_path(run)), not finished)
