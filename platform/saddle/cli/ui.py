"""`saddle ui`: MLflow's pages on this machine."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from saddle.cli.options import AsJson, Storage
from saddle.cli.output.terminal import echo

if TYPE_CHECKING:
    from saddle.trial.run_id import RunId

DELIVERY_SECONDS = 30.0
"""How long to wait for MLflow to take what a run of the study could not deliver."""


def ui(
    study: Annotated[
        str | None,
        typer.Argument(help="Study whose runs are opened; all studies by default.", metavar="[STUDY]"),
    ] = None,
    storage: Storage = None,
    port: Annotated[int, typer.Option("--port", help="Port to listen on; a free one by default.")] = 0,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")] = True,
    as_json: AsJson = False,
) -> None:
    """Start the MLflow UI on loopback and open a study's training runs; Ctrl-C ends it.

    If MLFLOW_TRACKING_URI is a server, its page is opened and no server is started.

    Example: saddle ui quickstart-ablation
    """
    import os
    import signal

    from saddle.archive.lookup import find_studies
    from saddle.archive.study_url import open_named
    from saddle.cli.paths import short
    from saddle.errors import UserError
    from saddle.store.open import open_store
    from saddle.track.opening import deliver_rest, tracking_uri
    from saddle.track.server import serve

    store, name = (open_store(storage, create=False), "") if study is None else open_named(study, storage)
    named = [] if study is None else find_studies(store, name)
    runs: list[RunId | None] = [None] if study is None else [stored.run for stored in named]
    if not any(store.names("studies")) and not os.environ.get("MLFLOW_TRACKING_URI"):
        raise UserError(f"no studies in {short(store.url)}; start with: saddle run quickstart")
    # a shell starts background jobs with SIGINT ignored, and SIGTERM would leave the server behind
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    uri = tracking_uri(store)
    for stored in named:
        undelivered = deliver_rest(store, stored.run, timeout=DELIVERY_SECONDS)
        if undelivered:
            echo(f"{stored.run}: {undelivered}", err=True)
    if uri.startswith(("http://", "https://")):
        show(uri, runs, browser, as_json=as_json)
        return
    with serve(store, port) as server:
        show(server.uri, runs, browser, as_json=as_json)
        echo("Ctrl-C ends it.", err=as_json)
        server.wait()


def show(uri: str, runs: Sequence[RunId | None], browser: bool, *, as_json: bool) -> None:
    """Print the pages of each study, and open the first: an ablation's arms side by side."""
    from saddle.cli.output.tables import print_json
    from saddle.track.server import arms_page_of, page_of

    uri = uri.rstrip("/")
    pages = [(run, page_of(uri, run), None if run is None else arms_page_of(uri, run)) for run in runs]
    if as_json:
        print_json([{"study": run and run.name, "page": page, "arms": arms} for run, page, arms in pages])
        sys.stdout.flush()  # the server runs on
    for _, page, arms in [] if as_json else pages:
        echo(f"MLflow: {page}")
        if arms is not None:
            echo(f"  its arms, side by side: {arms}")
    if browser:
        page, arms = pages[0][1:]
        typer.launch(arms or page)
