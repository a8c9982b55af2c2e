"""`saddle stop`: end a study that another process runs."""

from __future__ import annotations

import typer

from saddle.cli.options import Storage, StudyName


def stop(study: StudyName, storage: Storage = None) -> None:
    """Ask a running study to stop after the epochs under way; `saddle run` goes on with it later.

    Example: saddle stop quickstart
    """
    from saddle.archive.finding import find_studies
    from saddle.archive.state import read_state
    from saddle.errors import UserError
    from saddle.execute.stopping import stop_path
    from saddle.store.opening import open_store

    store = open_store(storage, create=False)
    names = [stored.study.study for stored in find_studies(store, study)]
    running = [name for name in names if read_state(store, name).running]
    if not running:
        raise UserError(f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} not running")
    for name in running:
        store.write(stop_path(name), b"")
        typer.echo(f"{name} stops after the epochs under way")
