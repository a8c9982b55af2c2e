"""`saddle export`: a trained model in a separate folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from saddle.cli.options import AsJson, DataRoot, Storage, StudyName
from saddle.cli.output.display import note_doubt
from saddle.cli.output.terminal import echo


def export(
    study: StudyName,
    trial: Annotated[str | None, typer.Option("--trial", help="The trial to export; the best one by default.")] = None,
    storage: Storage = None,
    data_root: DataRoot = None,
    to: Annotated[
        Path | None, typer.Option("--to", help="Folder to write to; by default STUDY-TRIAL in the working directory.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a trained model to a folder that loads with torch alone: state, code, preprocessing and a model card.

    Example: saddle export quickstart-search --to digits-model
    """
    from saddle.archive.export.exported_folder import export_trial
    from saddle.archive.lookup import find_trial
    from saddle.archive.study_url import open_named
    from saddle.cli.output.tables import print_json

    store, study = open_named(study, storage)
    stored_trial = find_trial(store, study, trial)
    if not as_json:
        note_doubt(stored_trial)
    folder = to or Path(stored_trial.name.replace("/", "-"))
    root = None if data_root is None else str(data_root.expanduser().absolute())
    trouble = export_trial(store, stored_trial, folder, root)
    if as_json:
        facts = {"trial": stored_trial.name, "folder": str(folder), "load": f"python {folder}/load.py"}
        print_json({**facts, "hindrance": trouble or "", "doubt": stored_trial.doubt})
        return
    if trouble:
        echo(f"saddle: load.py doesn't work here: {trouble}", err=True)
    echo(f"{stored_trial.name} → {folder}\nits model card: {folder}/README.md\nload it with: python {folder}/load.py")
