"""`saddle results`: the finished trials of a study."""

from __future__ import annotations

from typing import Annotated

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
    from saddle.archive.rows import flat_row, headline_metrics
    from saddle.cli.tables import print_csv, print_json, print_table

    rows = api.results(study, storage=storage)
    if as_json:
        print_json(rows)
    elif as_csv:
        print_csv([flat_row(row) for row in rows])
    else:
        metrics = headline_metrics(rows)
        columns = ("trial", "outcome", "settings", "epochs", "seconds")
        print_table(
            (*columns, *metrics),
            [(*(row[name] for name in columns), *(row["metrics"].get(metric) for metric in metrics)) for row in rows],
        )
