"""`saddle status`, `saddle stop` and `saddle studies`: what runs, and ending it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from saddle.cli.options import AsJson, Storage, StudyName

if TYPE_CHECKING:
    from saddle.store.local import LocalStore


def status(
    study: StudyName,
    storage: Storage = None,
    as_json: AsJson = False,
    watch: Annotated[bool, typer.Option("--watch", help="Keep showing it until the study ends.")] = False,
) -> None:
    """Show how far a study is: trials done, outcomes, best so far, time left.

    Example: saddle status quickstart --watch
    """
    from saddle.archive.finding import find_studies
    from saddle.cli.display import status_line
    from saddle.cli.tables import print_json
    from saddle.store.opening import open_store

    store = open_store(storage, create=False)
    names = [stored.study.study for stored in find_studies(store, study)]
    while True:
        facts = [read_status(store, name) for name in names]
        if as_json:
            print_json([fact["json"] for fact in facts])
        else:
            for fact in facts:
                outcomes = ", ".join(f"{count} {outcome}" for outcome, count in fact["progress"].outcomes.items())
                typer.echo(
                    f"{fact['json']['study']} ({fact['json']['state']}): {status_line(fact['progress'])}  {outcomes}"
                )
        if not watch or not any(fact["json"]["state"] == "running" for fact in facts):
            return
        time.sleep(1)


def read_status(store: LocalStore, name: str) -> dict[str, Any]:
    """What the driver last said, and whether it is alive."""
    from dataclasses import asdict

    from saddle.execute.progress import Progress, read_progress
    from saddle.store.lock import holder
    from saddle.store.opening import study_folder

    progress = read_progress(store, name) or Progress(name, state="not started")
    pid = holder(store.path(f"{study_folder(name)}.lock"))
    if progress.state == "running" and pid is None:
        progress.state = "interrupted"
    facts = asdict(progress) | {"seconds_left": progress.seconds_left, "process": pid}
    return {"progress": progress, "json": facts}


def stop(study: StudyName, storage: Storage = None) -> None:
    """Ask a running study to stop after the epochs under way; `saddle run` goes on with it later.

    Example: saddle stop quickstart-search
    """
    from saddle.archive.finding import find_studies
    from saddle.errors import UserError
    from saddle.execute.stopping import stop_path
    from saddle.store.lock import holder
    from saddle.store.opening import open_store, study_folder

    store = open_store(storage, create=False)
    running = [
        s.study.study for s in find_studies(store, study) if holder(store.path(f"{study_folder(s.study.study)}.lock"))
    ]
    if not running:
        raise UserError(f"{study} is not running")
    for name in running:
        store.write(stop_path(name), b"")
        typer.echo(f"{name} stops after the epochs under way")


def studies(storage: Storage = None, as_json: AsJson = False) -> None:
    """List the stored studies.

    Example: saddle studies --storage runs
    """
    from saddle.archive.studies import read_study, study_names
    from saddle.cli.tables import print_json, print_table
    from saddle.store.opening import open_store

    store = open_store(storage, create=False)
    rows = []
    for name in study_names(store):
        stored, facts = read_study(store, name), read_status(store, name)["json"]
        assert stored is not None
        kind = "search" if stored.study.ablation is None else "ablation"
        counts = {count: facts[count] for count in ("state", "done", "total", "outcomes")}
        rows.append({"study": name, "kind": kind, **counts, "question": stored.study.question})
    if as_json:
        print_json(rows)
    elif rows:
        print_table(tuple(rows[0]), [tuple(row.values()) for row in rows])
    else:
        typer.echo(f"no studies in {store.url}; start with: saddle run quickstart")
