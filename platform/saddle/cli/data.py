"""`saddle data`: which datasets are here, getting them, and what is in them."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from saddle.cli.errors import explain
from saddle.cli.options import AsJson, DataRoot, accept_storage

app = typer.Typer(help="List, fetch and describe datasets.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="A known dataset, such as mnist.", metavar="NAME")]


@app.command("list")
@explain
@accept_storage
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
@accept_storage
def fetch(
    name: Name,
    data_root: DataRoot = None,
    mirror: Annotated[
        str | None,
        typer.Option("--mirror", help="An address that has the same .gz files.", metavar="URL"),
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
@accept_storage
def stats(
    name: Annotated[
        str | None,
        typer.Argument(help="A known dataset, or a folder of class folders (or s3://…).", metavar="[NAME | FOLDER]"),
    ] = None,
    parquet: Annotated[
        tuple[str, str] | None,
        typer.Option(
            "--parquet",
            help="The Parquet files of training and test split, or folders of them, here or s3://….",
            metavar="TRAIN TEST",
        ),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option("--size", help="Resize images of your own to so many pixels a side.", min=4, max=4096),
    ] = None,
    data_root: DataRoot = None,
    as_json: AsJson = False,
) -> None:
    """Describe a dataset: classes, sizes, shape and inter-class variance (S3, eq. 8).

    Example: saddle data stats mnist --json
    """
    from saddle.cli.tables import print_json, print_table

    spec = dataset_spec(name, parquet, size)
    from trainables.datasets import describe, load

    facts = describe(load(spec, data_root))
    if as_json:
        print_json(facts)
    else:
        print_table((facts["name"], ""), list(facts.items())[1:])


@app.command()
@explain
@accept_storage
def cache(
    clear: Annotated[
        bool, typer.Option("--clear", help="Remove what no process uses; it is made again when it is needed.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List this machine's cache of decoded images of your own, which all trials share.

    `SADDLE_CACHE` says where it is, `SADDLE_CACHE_BYTES` how large it may become. Example: saddle data cache --clear
    """
    from saddle.cli.tables import print_json, print_table
    from trainables.datasets.cache_space import budget, cache_root, entries, make_room

    root = cache_root()
    removed = make_room(root, room=0) if clear and root.is_dir() else []
    kept = entries(root)
    rows: list[dict[str, Any]] = [
        {
            "name": entry.facts.get("name"),
            "images": entry.facts.get("images"),
            "shape": entry.facts.get("shape"),
            "megabytes": round(entry.size / 1e6, 1),
            "used": datetime.fromtimestamp(entry.used).isoformat(" ", "minutes"),
            "in_use": entry.held,
            "source": entry.facts.get("source"),
        }
        for entry in kept
    ]
    if as_json:
        print_json(rows)
        return
    if clear:
        typer.echo(f"removed {len(removed)} of {len(removed) + len(rows)}, {sum(e.size for e in removed) / 1e6:.1f} MB")
    if rows:
        print_table(tuple(rows[0]), [tuple(row.values()) for row in rows], title=f"cache: {root}")
        typer.echo(f"{sum(entry.size for entry in kept) / 1e6:.1f} MB of {budget(root) / 1e9:.1f} GB it may have")
    elif not clear:
        typer.echo(f"the cache {root} is empty")


def dataset_spec(name: str | None, parquet: tuple[str, str] | None, size: int | None) -> Any:
    """What a study file would say under `dataset`; raises `UserError` where that is nothing or too much."""
    from saddle.errors import UserError
    from saddle.study.problems import nearest
    from trainables.datasets.config import KNOWN

    own: dict[str, Any] = {} if size is None else {"size": size}
    if (name is None) == (parquet is None):
        raise UserError("name one dataset, a folder of class folders, or --parquet TRAIN TEST")
    if parquet is not None:
        train, test = parquet
        return {"parquet": {"train": train, "test": test}, **own}
    assert name is not None
    if name in KNOWN:
        if own:
            raise UserError(f"--size is for images of your own; those of {name} stay as they are")
        return name
    if name.startswith("s3://") or Path(name).expanduser().is_dir():
        return {"folder": name, **own}
    hint = nearest(name, KNOWN)
    raise UserError(
        f"{name!r} is neither a known dataset ({', '.join(KNOWN)}) nor a folder"
        + (f"; did you mean {hint}?" if hint else "")
    )
