"""`saddle init`: a commented file to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from saddle.cli.options import AsJson
from saddle.cli.output.terminal import echo

Kind = Literal["search", "ablation", "relation", "nightly", "trainable"]


def init(
    kind: Annotated[Kind, typer.Argument(help="Kind of study to write.")] = "trainable",
    to: Annotated[Path, typer.Option("--to", help="Folder to write to.")] = Path(),
    as_json: AsJson = False,
) -> None:
    """Write a commented study file that runs unchanged; for `trainable`, also a training script.

    Example: saddle init trainable --to my-study
    """
    from saddle.cli.output.tables import print_json
    from saddle.cli.paths import command
    from saddle.errors import UserError
    from saddle.studyfile.starters import starter

    files = starter(kind)
    existing = [name for name in files if (to / name).exists()]
    if existing:
        raise UserError(f"{to / existing[0]} is there already; name another folder with --to")
    to.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (to / name).write_text(text, encoding="utf-8")
    study = next(name for name in files if name.endswith(".yaml"))
    paths, plan = [str(to / name) for name in files], command("plan", str(to / study))
    if as_json:
        print_json({"kind": kind, "files": paths, "next": plan})
        return
    for path in paths:
        echo(path)
    echo(f"next: {plan}")
