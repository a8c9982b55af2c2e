"""`saddle studies`: what is stored."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from saddle.cli.options import AsJson, Storage
from saddle.cli.output.terminal import echo

if TYPE_CHECKING:
    from saddle.archive.overview import Overview

COLUMNS = ("study", "state", "trials", "date", "best", "verdict", "tags", "kind", "outcomes", "question")
MOST_SET_ASIDE = 3
"""Runs of a study that were set aside and are listed: a nightly leaves one every night."""


def studies(storage: Storage = None, as_json: AsJson = False) -> None:
    """List the stored studies with their best values and verdicts, and the latest runs that `--fresh` has set aside.

    Example: saddle studies --storage runs
    """
    from saddle.archive.overview import read_overview
    from saddle.archive.studies import run_names
    from saddle.cli.output.tables import print_json, print_table, say
    from saddle.cli.paths import short
    from saddle.store.open import open_store
    from saddle.store.parallel import in_parallel

    store = open_store(storage, create=False)
    names = run_names(store)
    shown, hidden = (names, {}) if as_json else listed(names)
    runs = list(in_parallel(store, lambda name: read_overview(store, name), shown))
    if as_json:
        print_json([run.facts() for run in runs])
    elif runs:
        columns = [name for name in COLUMNS if name != "tags" or any(run.tags for run in runs)]
        rows = [tuple(row(run)[name] for name in columns) for run in runs]
        print_table(columns, rows, optional=len(columns) - 3)
        for study, count in hidden.items():
            say(f"{study}: {count} earlier runs were set aside, too; --json lists them")
    else:
        echo(f"no studies in {short(store.url)}; start with: saddle run quickstart")


def listed(names: Sequence[str]) -> tuple[list[str], dict[str, int]]:
    """The runs that are listed, and of each study how many that were set aside are not."""
    from saddle.trial.run_id import RunId

    aside: dict[str, list[str]] = {}
    for run in map(RunId.stored, names):
        if run.is_set_aside:
            aside.setdefault(run.study, []).append(run.name)
    hidden = {study: runs[:-MOST_SET_ASIDE] for study, runs in aside.items() if runs[:-MOST_SET_ASIDE]}
    left_out = {name for runs in hidden.values() for name in runs}
    return [name for name in names if name not in left_out], {study: len(runs) for study, runs in hidden.items()}


def row(run: Overview) -> dict[str, str]:
    """The run as the table has it, by column: the state of one that was set aside says so."""
    from saddle.cli.output.display import trials_done

    facts, progress = run.facts(), run.progress
    return {
        "study": run.run.name,
        "state": f"set aside, {progress.state}" if run.run.is_set_aside else progress.state,
        "trials": trials_done(progress).removesuffix(" trials"),
        "date": "" if facts["updated"] is None else day(facts["updated"]),
        "best": run.best,
        "verdict": run.verdict,
        "tags": ", ".join(run.tags),
        "kind": facts["kind"] or "",
        "outcomes": ", ".join(f"{count} {outcome}" for outcome, count in progress.outcomes.items()),
        "question": facts["question"],
    }


def day(when: float) -> str:
    """A time of day here, in Unix seconds, as `2026-11-29 21:59`."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(when))
