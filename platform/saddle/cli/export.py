"""`saddle export`: a trained model in a folder of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from saddle.cli.options import Storage, StudyName
from saddle.cli.output.display import note_doubt
from saddle.cli.output.terminal import echo


def export(
    study: StudyName,
    trial: Annotated[str | None, typer.Option("--trial", help="Which trial; the best one by default.")] = None,
    storage: Storage = None,
    to: Annotated[Path | None, typer.Option("--to", help="The folder to write; STUDY-TRIAL here by default.")] = None,
) -> None:
    """Write a trained model and its configuration to a folder that loads without saddle.

    Example: saddle export quickstart-search --to digits-model
    """
    from saddle.archive.lookup import find_trial
    from saddle.archive.model.exporting import export_trial
    from saddle.archive.model.models import trainable_of
    from saddle.archive.study_url import open_named
    from saddle.errors import TrainableError

    store, study = open_named(study, storage)
    stored_trial = find_trial(store, study, trial)
    note_doubt(stored_trial)
    folder = to or Path(stored_trial.name.replace("/", "-"))
    export_trial(store, stored_trial, folder)
    try:
        trainable_of(stored_trial.stored)
    except TrainableError as error:
        echo(f"saddle: load.py won't work here: {error}", err=True)
    echo(f"{stored_trial.name} → {folder}\nload it with: python {folder}/load.py")
