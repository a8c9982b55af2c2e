"""`saddle note`: notes about a study, an arm or a trial."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from saddle.cli.options import AsJson, Storage
from saddle.cli.output.terminal import echo

if TYPE_CHECKING:
    from saddle.archive.studies import StoredStudy
    from saddle.store.base import Store
    from saddle.store.run_files.notes import Note


def note(
    study: Annotated[str, typer.Argument(help="A study, or one of its trials.", metavar="STUDY[/TRIAL]")],
    text: Annotated[
        str | None, typer.Argument(help="Text of the note; without it and --tag, the stored notes are listed.")
    ] = None,
    tags: Annotated[
        list[str] | None,
        typer.Option("--tag", help="Tag to add. May be given several times.", metavar="TAG"),
    ] = None,
    arm: Annotated[str | None, typer.Option("--arm", help="Arm that the note is about.")] = None,
    storage: Storage = None,
    as_json: AsJson = False,
) -> None:
    """Add a note or tags to a study, an arm or a trial, or list the stored ones.

    They are shown by studies, status, the report and MLflow and have no other effect; none is ever overwritten.

    Example: saddle note quickstart-search/3 "the loss jumps in epoch 4" --tag look-again
    """
    from saddle.archive.notes import keep_note
    from saddle.archive.study_url import open_named
    from saddle.archive.trial_logs import find_key
    from saddle.cli.output.tables import print_json
    from saddle.store.run_files.notes import read_notes

    store, name = open_named(study, storage)
    stored, trial = find_about(store, name)
    key = find_key(store, stored, trial) if trial else ""
    if text is None and not tags:
        show_notes(read_notes(store, stored.run), key, arm or "", as_json=as_json)
        return
    stored_note, undelivered = keep_note(store, stored, text or "", tags or (), arm=arm or "", trial=key)
    if as_json:
        print_json([asdict(stored_note)])
    else:
        echo(f"{stored.run.name}, {stored_note.about}: {stored_note.line}")
    if undelivered:
        echo(f"MLflow: {undelivered}", err=True)


def find_about(store: Store, name: str) -> tuple[StoredStudy, str]:
    """The study, and the trial that is named after it; empty for none."""
    from saddle.archive.lookup import find_study
    from saddle.cli.logs import names_a_trial

    study, _, trial = name.partition("/") if names_a_trial(name) else (name, "", "")
    return find_study(store, study), trial


def show_notes(notes: list[Note], trial: str, arm: str, *, as_json: bool) -> None:
    """Print the notes, or those of one trial or arm."""
    from saddle.cli.output.tables import print_json, print_table

    listed = [each for each in notes if (not trial or each.trial == trial) and (not arm or each.arm == arm)]
    if as_json:
        print_json([asdict(each) for each in listed])
        return
    when = [time.strftime("%Y-%m-%d %H:%M", time.localtime(each.when)) for each in listed]
    rows = [(date, each.who, each.about, each.line) for date, each in zip(when, listed, strict=True)]
    if rows:
        print_table(("when", "who", "about", "note"), rows)
    else:
        echo("no notes", err=True)
