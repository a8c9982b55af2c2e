"""`saddle report`: write a study's report again from its ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from saddle.cli.options import Storage, StudyName


def report(
    study: StudyName,
    storage: Storage = None,
    open_it: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    """Write the HTML report of a study, also of one that still runs, and print where it is.

    Example: saddle report quickstart-ablation --open
    """
    from saddle.archive.finding import find_studies
    from saddle.archive.naming import open_named
    from saddle.cli.paths import short
    from saddle.report.writing import write_report
    from saddle.store.ledger import Ledger
    from saddle.study.trainables import load_trainable

    store, study = open_named(study, storage)
    for stored in find_studies(store, study):
        entries = Ledger(store, stored.study.study).entries()
        path = write_report(store, stored.study, load_trainable(stored.study.trainable), entries, stored.baseline)
        typer.echo(short(path))
        if open_it:
            typer.launch(path if "://" in path else Path(path).as_uri())
