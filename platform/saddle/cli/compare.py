"""`saddle compare`: studies side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from saddle.cli.options import AsJson, Storage
from saddle.cli.output.terminal import echo


def compare(
    studies: Annotated[
        list[str],
        typer.Argument(
            help="Stored studies, by name, file, or URL in a bucket; the others are compared with the first.",
            metavar="STUDY STUDY…",
        ),
    ],
    storage: Storage = None,
    metric: Annotated[
        str | None, typer.Option("--metric", help="Metric to compare, instead of the one that the studies ask about.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", help="Also write a page with figures to this file.", metavar="FILE")
    ] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Write the page and open it in the browser.")] = False,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV: a row for every arm in every study.")] = False,
) -> None:
    """Compare the arms of several studies: across datasets, versions of the code, or dates.

    Example: saddle compare mp-mnist mp-fashion --html mp.html
    """
    from saddle.analyse.study_comparison import compare_studies
    from saddle.archive.load_comparison import load_views
    from saddle.cli.output.tables import print_csv, print_json, print_table, say
    from saddle.errors import UserError
    from saddle.report.comparison import arm_rows, facts, render_comparison, tables_of

    views = load_views(studies, storage, metric)
    if len(views) < 2:
        raise UserError(f"compare needs at least two studies, and only {views[0].name} is given; name another one")
    comparison = compare_studies(views)
    if open_it and html is None:
        html = Path("comparison.html")
    if html is not None:
        html.write_text(render_comparison(comparison), encoding="utf-8")
    if as_json:
        print_json(facts(comparison))
    elif as_csv:
        print_csv(arm_rows(comparison))
    else:
        for title, table in tables_of(comparison):
            print_table(table.columns, table.rows, title=title)
            if table.note:
                say(table.note)
            say()
        for note in comparison.notes:
            say(f"note: {note}")
        if html is not None:
            echo(f"page: {html}")
    if open_it and html is not None:
        typer.launch(html.absolute().as_uri())
