"""`saddle data`: which datasets are here, getting them, and what is in them."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from saddle.cli.errors import explain
from saddle.cli.options import AsJson, DataRoot

app = typer.Typer(help="List, fetch and describe datasets.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="A known dataset, such as mnist.", metavar="NAME")]


@app.command("list")
@explain
def list_datasets(data_root: DataRoot = None, as_json: AsJson = False) -> None:
    """List the known datasets and whether they are on this machine.

    Example: saddle data list --data-root ~/data
    """
    from saddle.cli.tables import print_json, print_table
    from trainables.datasets.config import KNOWN
    from trainables.datasets.presence import is_present
    from trainables.datasets.root import data_root as find_root

    root = find_root(data_root)
    rows = [
        {
            "name": name,
            "present": is_present(name, root),
            "classes": len(facts.classes),
            "train": facts.train,
            "test": facts.test,
            "shape": list(facts.shape),
        }
        for name, facts in KNOWN.items()
    ]
    if as_json:
        print_json(rows)
    else:
        print_table(tuple(rows[0]), [tuple(row.values()) for row in rows], title=f"data root: {root}")


@app.command()
@explain
def fetch(
    name: Name,
    data_root: DataRoot = None,
    mirror: Annotated[
        str | None, typer.Option("--from", help="Download from this address instead.", metavar="URL")
    ] = None,
) -> None:
    """Download a dataset and check it.

    Example: saddle data fetch mnist
    """
    from trainables.datasets import data_root as find_root
    from trainables.datasets import fetch as fetch_dataset

    files = fetch_dataset(name, data_root, mirror=mirror, progress=show_progress)
    typer.echo(f"{name} is in {find_root(data_root)}" if files else f"{name} comes with scikit-learn; nothing to fetch")


def show_progress(file: str, done: int, total: int | None) -> None:
    """A line per file and, on a terminal, how far it is."""
    if done == total or (total is None and not sys.stderr.isatty()):
        typer.echo(f"  {file}: {done / 1e6:.1f} MB", err=True)
    elif sys.stderr.isatty():
        typer.echo(f"\r  {file}: {done / 1e6:.1f} MB", nl=False, err=True)


@app.command()
@explain
def stats(
    name: Annotated[str, typer.Argument(help="A known dataset, or a folder of class folders.", metavar="NAME")],
    data_root: DataRoot = None,
    as_json: AsJson = False,
) -> None:
    """Describe a dataset: classes, sizes, shape and inter-class variance (S3, eq. 8).

    Example: saddle data stats mnist --json
    """
    from pathlib import Path

    from saddle.cli.tables import print_json, print_table
    from trainables.datasets import describe, load
    from trainables.datasets.config import KNOWN

    spec: Any = {"folder": name} if name not in KNOWN and Path(name).is_dir() else name
    facts = describe(load(spec, data_root))
    if as_json:
        print_json(facts)
    else:
        print_table((name, ""), list(facts.items()))
