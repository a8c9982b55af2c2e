"""`saddle results`: the finished trials of a study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from saddle.cli.options import AsJson, Storage, StudyName


def results(
    study: StudyName,
    storage: Storage = None,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, a column for every parameter and metric.")] = False,
) -> None:
    """List the finished trials of a study with their outcomes and metrics.

    Example: saddle results quickstart-ablation --json
    """
    from saddle import api
    from saddle.archive.rows import flat_row
    from saddle.cli.tables import print_csv, print_json

    rows = api.results(study, storage=storage)
    if as_json:
        print_json(rows)
    elif as_csv:
        print_csv([flat_row(row) for row in rows])
    else:
        for name in dict.fromkeys(row["study"] for row in rows):
            show([row for row in rows if row["study"] == name])
        if not rows:
            typer.echo(f"{study} has no finished trial yet; see: saddle status {study}")


def show(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print the trials of one study, and why those that have nothing to show have nothing."""
    from saddle.analyse.wording import label
    from saddle.archive.rows import headline_metrics
    from saddle.cli.tables import print_table, say

    searched = rows[0]["arm"] is None
    # an ablation's trials are told apart by their keys, which name arm and seed
    names = list(dict.fromkeys(name for row in rows for name in row["settings"])) if searched else []
    metrics = headline_metrics(rows, "validation/" if searched else "test/")
    table = [
        (
            row["trial"],
            row["outcome"],
            *(row["settings"].get(name) for name in names),
            *(row["metrics"].get(metric) for metric in metrics[:1]),
            row["epochs"],
            row["seconds"],
            *(row["metrics"].get(metric) for metric in metrics[1:]),
        )
        for row in rows
    ]
    labels = [label(metric) for metric in metrics]
    columns = ("trial", "outcome", *names, *labels[:1], "epochs", "seconds", *labels[1:])
    left_out = print_table(columns, table, title=rows[0]["study"], optional=len(columns) - 3)
    if left_out:
        say(f"not shown here: {', '.join(left_out)}; --csv and --json have everything")
    for row in rows:
        if row["outcome"] not in ("completed", "pruned"):
            say(f"{row['trial']} {row['outcome']}: {(row['why'].strip().splitlines() or ['no reason is known'])[-1]}")
