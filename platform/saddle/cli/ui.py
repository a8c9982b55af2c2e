"""`saddle ui`: MLflow's pages on this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from saddle.cli.options import Storage


def ui(
    study: Annotated[str | None, typer.Argument(help="Open the page of this study's runs.", metavar="[STUDY]")] = None,
    storage: Storage = None,
    port: Annotated[int, typer.Option("--port", help="The port; a free one by default.")] = 0,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")] = True,
) -> None:
    """Start the MLflow UI on loopback and open a study's training runs; Ctrl-C ends it.

    Example: saddle ui quickstart-ablation
    """
    from saddle.store.opening import open_store
    from saddle.track.server import serve

    store = open_store(storage, create=False)
    with serve(store, port) as server:
        page = server.page(study)
        typer.echo(f"MLflow: {page}\nCtrl-C ends it.")
        if browser:
            typer.launch(page)
        server.wait()
