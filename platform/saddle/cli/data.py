"""`saddle data`: which datasets are here, getting them, and what is in them."""

from __future__ import annotations

from typing import Annotated, Any, Optional

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
    from trainables.datasets.root import data_root as find_root
    from trainables.datasets.root import is_present

    root = find_root(data_root)
    rows = [{"name": name, "present": is_present(name, root), "classes": facts.classes, "train": facts.train, "test": facts.test,
             "shape": list(facts.shape)} for name, facts in KNOWN.items()]  # fmt: skip
    if as_json:
        print_json(rows)
    else:
        print_table(tuple(rows[0]), [tuple(row.values()) for row in rows], title=f"data root: {root}")


@app.command()
@explain
def fetch(
    name: Name,
    data_root: DataRoot = None,
    mirror: Annotated[Optional[str], typer.Option("--from", help="Download from this address instead.", metavar="URL")] = None,  # noqa: UP007, UP045
) -> None:
    """Download a dataset and check it.

    Example: saddle data fetch mnist
    """
    from trainables.datasets import fetch as fetch_dataset

    where = fetch_dataset(name, data_root, mirror=mirror, progress=typer.echo)
    typer.echo(f"{name} is in {where}")


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
        print_json({"name": name, **facts})
    else:
        print_table((name, ""), list(facts.items()))
