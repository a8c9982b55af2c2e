"""`saddle studies`: what is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from saddle.cli.options import AsJson, Storage
from saddle.cli.output.terminal import echo

if TYPE_CHECKING:
    from saddle.store.base import Store


COLUMNS = ("study", "kind", "state", "done", "total", "tags", "outcomes", "question")


def studies(storage: Storage = None, as_json: AsJson = False) -> None:
    """List the stored studies, and the runs of them that `--fresh` has set aside.

    Example: saddle studies --storage runs
    """
    from saddle.archive.studies import run_names
    from saddle.cli.output.tables import print_json, print_table
    from saddle.cli.paths import short
    from saddle.store.open import open_store
    from saddle.store.parallel import in_parallel

    store = open_store(storage, create=False)
    rows = list(in_parallel(store, lambda name: describe(store, name), run_names(store)))
    if as_json:
        print_json(rows)
    elif rows:
        columns = [name for name in COLUMNS if name != "tags" or any(row["tags"] for row in rows)]
        print_table(columns, [tuple(row[name] for name in columns) for row in map(for_people, rows)], optional=2)
    else:
        echo(f"no studies in {short(store.url)}; start with: saddle run quickstart")


def for_people(row: dict[str, Any]) -> dict[str, Any]:
    """The row as the table has it: the state of a run that was set aside says so."""
    return {**row, "state": f"set aside, {row['state']}"} if row["set_aside"] else row


def describe(store: Store, name: str) -> dict[str, Any]:
    """A stored run in a row; one that can't be read any more says why instead of its question."""
    from saddle.archive.progress import Progress
    from saddle.archive.studies import read_study
    from saddle.archive.study_status import read_state
    from saddle.errors import UserError
    from saddle.store.notes import read_notes, tags_in
    from saddle.trial.run_id import RunId

    run = RunId.stored(name)
    notes = read_notes(store, run)
    try:
        progress, trouble = read_state(store, run).progress, None
    except UserError as error:  # its lock is a link, or its lease can't be reached
        progress, trouble = Progress(name, state="unknown"), error
    counts = {
        "set_aside": run.is_set_aside,
        "state": progress.state,
        "done": progress.done,
        "total": progress.total,
        "outcomes": progress.outcomes,
        "tags": tags_in(notes),
        "notes": [note.line for note in notes],
    }
    try:
        if trouble is not None:
            raise trouble
        stored = read_study(store, name)
    except UserError as error:
        return {"study": name, "kind": None, **counts, "question": f"can't be read: {error}"}
    assert stored is not None, name
    return {"study": name, "kind": stored.study.kind, **counts, "question": stored.study.question}
