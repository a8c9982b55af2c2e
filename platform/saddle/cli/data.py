"""`saddle data`: which datasets are here, getting them, and what is in them."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Annotated, Any

import typer

from saddle.cli.data_stats import stats
from saddle.cli.data_tasks import tasks
from saddle.cli.options import AsJson, DataRoot, accept_storage
from saddle.cli.output.errors import explain
from saddle.cli.output.terminal import echo, overwrite

app = typer.Typer(help="List, fetch and describe datasets.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="A known dataset, such as mnist.", metavar="NAME")]


@app.command("list")
@explain
@accept_storage
def list_datasets(data_root: DataRoot = None, as_json: AsJson = False) -> None:
    """List the known datasets and how much of each is on this machine.

    Example: saddle data list --data-root ~/data
    """
    from saddle.cli.output.tables import print_json, print_table
    from trainables.datasets.registry import KNOWN
    from trainables.datasets.root import data_root as find_root

    root = find_root(data_root)
    rows = [presence_row(name, root) for name in KNOWN]
    if as_json:
        print_json(rows)
        return
    print_table(
        ("name", "here", "training images", "test images", "classes", "shape", "files"),
        [
            (
                row["name"],
                "whole" if row["complete"] else "part" if row["present"] else "no",
                of_all(row["train_here"], row["train"]),
                of_all(row["test_here"], row["test"]),
                row["classes"],
                [*row["shape"], "tiles"] if row["tile"] else row["shape"],
                row["problem"] or row["files"] or None,
            )
            for row in rows
        ],
        title=f"data root: {root}",
    )


def presence_row(name: str, root: Any) -> dict[str, Any]:
    """The facts about a dataset, and which of its files are in the data root."""
    from trainables.datasets.availability import look
    from trainables.datasets.registry import KNOWN

    facts, availability = KNOWN[name].facts, look(name, root)
    train, test = facts.stored
    return {
        "name": name,
        "present": availability is not None and not availability.problem,
        "complete": availability is not None and availability.complete(name),
        "classes": len(facts.classes),
        "train": train,
        "test": test,
        "train_here": availability.train if availability is not None else 0,
        "test_here": availability.test if availability is not None else 0,
        "shape": list(facts.shape),
        "tile": facts.tile,
        "files": availability.form if availability is not None else "",
        "problem": availability.problem if availability is not None else "",
    }


def of_all(here: int, whole: int) -> str:
    """How many of how many, so that a part is never taken for the whole."""
    return f"{whole:,}" if here in (0, whole) else f"{here:,} of {whole:,}"


@app.command()
@explain
@accept_storage
def fetch(
    name: Name,
    data_root: DataRoot = None,
    mirror: Annotated[
        str | None,
        typer.Option("--mirror", help="Address of a mirror with the same files.", metavar="URL"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Download a dataset and check it.

    Example: saddle data fetch mnist
    """
    from saddle.cli.output.tables import print_json
    from trainables.datasets import data_root as find_root
    from trainables.datasets import fetch as fetch_dataset

    files = fetch_dataset(name, data_root, mirror=mirror, progress=show_progress)
    if as_json:
        print_json({"name": name, "root": str(find_root(data_root)), "files": [str(file) for file in files]})
        return
    echo(f"{name} is in {find_root(data_root)}" if files else f"{name} needs no files, so there is nothing to fetch")


def show_progress(file: str, done: int, total: int | None) -> None:
    """A line per file and, on a terminal, how far it is."""
    if done == total or (total is None and not sys.stderr.isatty()):
        echo(f"  {file}: {done / 1e6:.1f} MB", err=True)
    elif sys.stderr.isatty():
        overwrite(f"  {file}: {done / 1e6:.1f} MB")


app.command()(tasks)
app.command()(stats)


@app.command()
@explain
@accept_storage
def cache(
    clear: Annotated[
        bool, typer.Option("--clear", help="Remove files that no process uses; they are made again when needed.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List this machine's cache of decoded images of your own, which all trials share.

    `SADDLE_CACHE` says where it is, `SADDLE_CACHE_BYTES` how large it may become. Example: saddle data cache --clear
    """
    from saddle.cli.output.tables import print_json, print_table
    from trainables.datasets.cache.space import budget, cache_root, entries, make_room

    root = cache_root()
    removed = make_room(root, room=0) if clear and root.is_dir() else []
    cached = entries(root)
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
        for entry in cached
    ]
    if as_json:
        print_json(rows)
        return
    if clear:
        echo(f"removed {len(removed)} of {len(removed) + len(rows)}, {sum(e.size for e in removed) / 1e6:.1f} MB")
    if rows:
        print_table(tuple(rows[0]), [tuple(row.values()) for row in rows], title=f"cache: {root}")
        echo(f"{sum(entry.size for entry in cached) / 1e6:.1f} MB of {budget(root) / 1e9:.1f} GB it may have")
    elif not clear:
        echo(f"the cache {root} is empty")
