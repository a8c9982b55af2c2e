"""`saddle serve`: all studies of a storage in the browser, live."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from saddle.cli.options import AsJson, Storage
from saddle.cli.output.terminal import echo, echo_address


def serve(
    storage: Storage = None,
    port: Annotated[
        int, typer.Option("--port", help="Port to listen on; a free one by default.", min=0, max=65535)
    ] = 0,
    host: Annotated[
        str,
        typer.Option("--host", help="Address to listen on. Except on loopback a token is required, which is printed."),
    ] = "127.0.0.1",
    names: Annotated[
        list[str] | None,
        typer.Option("--name", help="Host name by which browsers may reach this machine. May be given several times."),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            "--token",
            help="Token to require, on loopback, too.",
            envvar="SADDLE_SERVE_TOKEN",
            show_default="none on loopback, else a new one",
        ),
    ] = None,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")] = True,
    as_json: AsJson = False,
) -> None:
    """Show all studies of a storage in the browser, running ones live, with reports, nights and trials.

    Everything is read from the storage, so the studies may run anywhere. Ctrl-C stops the server.

    Example: saddle serve --storage runs --port 8800
    """
    import contextlib
    import signal

    from saddle.cli.output.tables import print_json
    from saddle.serve.server import listen, serve_pages
    from saddle.store.open import open_store

    store = open_store(storage, create=False)
    # a shell starts background jobs with SIGINT ignored
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    listening = listen(host, port, token or "", tuple(names or ()))

    def ready() -> None:
        if as_json:
            print_json({"storage": store.url, "address": listening.address})
            sys.stdout.flush()  # it serves on
        else:
            echo(f"saddle serves {store.url}")
            echo_address(listening.address)
            echo("Ctrl-C ends it.")
        if browser:
            typer.launch(listening.address)

    with contextlib.suppress(KeyboardInterrupt):
        serve_pages(store, listening, ready)
