"""`saddle run`: train what a study file says and answer its question."""

from __future__ import annotations

from typing import Annotated

import typer

from saddle.cli.options import DataRoot, Settings, Storage, StudyFile


def run(
    study: StudyFile,
    settings: Settings = None,
    storage: Storage = None,
    data_root: DataRoot = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start anew beside what was run under this name.")] = False,
    retry: Annotated[
        list[str] | None,
        typer.Option("--retry", help="Run trials of this outcome again: failed or timed_out.", metavar="OUTCOME"),
    ] = None,
    track: Annotated[bool, typer.Option("--mlflow/--no-mlflow", help="Track the study in MLflow.")] = True,
) -> None:
    """Run every study of a file, or go on with it, and answer its question.

    Ctrl-C stops after the epochs under way, a second Ctrl-C at once; the same command goes on.

    Example: saddle run quickstart --set quickstart-search:budget.trials=20
    """
    from saddle import api
    from saddle.cli.display import conclude, display
    from saddle.cli.paths import command
    from saddle.errors import UserError
    from saddle.execute.interrupt import INTERRUPTED

    wrong = set(retry or ()) - {"failed", "timed_out"}
    if wrong:
        raise UserError(f"--retry {wrong.pop()}: only failed and timed_out trials can be run again")
    results = api.run(
        study,
        settings or (),
        storage=storage,
        data_root=data_root,
        fresh=fresh,
        retry=retry or (),
        track=track,
        listener=display,
        settled=conclude,
    )
    if any(result.interrupted for result in results):
        where = [] if storage is None else ["--storage", storage]
        again = command("run", study, *where, settings=settings or (), data_root=data_root)
        typer.echo(f"\nStopped. Go on with: {again}")
        raise typer.Exit(INTERRUPTED)
