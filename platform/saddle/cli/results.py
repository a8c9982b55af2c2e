"""`saddle results`: the finished trials of a study."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from saddle.cli.options import AsJson, Storage, StudyName
from saddle.cli.output.terminal import echo

if TYPE_CHECKING:
    from saddle.archive.studies import StoredStudy
    from saddle.store.base import Store
    from saddle.study.models import Study


def results(
    study: StudyName,
    storage: Storage = None,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, a column for every parameter and metric.")] = False,
    latex: Annotated[
        bool, typer.Option("--latex", help="Print the report's table of results in LaTeX (booktabs) instead of trials.")
    ] = False,
    samples: Annotated[
        bool,
        typer.Option(
            "--samples",
            help="Compare an ablation's networks on single test images instead of listing trials; with --csv, a row "
            "for each pair.",
        ),
    ] = False,
) -> None:
    """List the finished trials of a study with their outcomes and metrics.

    Example: saddle results quickstart-ablation --json
    """
    from saddle.archive.lookup import find_studies
    from saddle.archive.rows import flat_row, study_rows
    from saddle.archive.study_url import open_named
    from saddle.cli.output.tables import print_csv, print_json
    from saddle.cli.paths import command, storage_option

    store, study = open_named(study, storage)
    if samples:
        from saddle.cli.samples import print_samples

        print_samples(store, find_studies(store, study), as_json, as_csv)
        return
    if latex:
        tables = [(stored.run.name, in_latex(store, stored)) for stored in find_studies(store, study)]
        if as_json:
            print_json([{"study": name, "latex": text} for name, text in tables])
        else:
            echo("".join(text for _, text in tables), nl=False)
        return
    by_study = [(stored, study_rows(store, stored)) for stored in find_studies(store, study)]
    rows = [row for _, part in by_study for row in part]
    if as_json:
        print_json(rows)
    elif as_csv:
        print_csv([flat_row(row) for row in rows])
    else:
        for stored, part in by_study:
            if part:
                show(stored, part)
                show_published(store, stored)
            else:
                status = command("status", stored.run.name, *storage_option(store.url))
                echo(f"{stored.run} has no finished trial yet; see: {status}")


def in_latex(store: Store, stored: StoredStudy) -> str:
    """The table of a study's answer in LaTeX; raises `UserError` if nothing can be compared yet."""
    from saddle.errors import UserError
    from saddle.report.blocks import Table
    from saddle.report.latex import latex_table
    from saddle.report.study_report import StudyReport
    from saddle.report.study_sections.results import results

    tables = [block for block in results(StudyReport(stored.read_results(store))) if isinstance(block, Table)]
    if not tables:
        raise UserError(f"{stored.run} has no table yet: {stored.read_results(store).answer.sentence}")
    return latex_table(tables[0], stored.run.name)


def show(stored: StoredStudy, rows: Sequence[Mapping[str, Any]]) -> None:
    """Print the trials of one study, and why some have no metrics."""
    from saddle.analyse.text.formatting import label
    from saddle.archive.rows import headline_metrics
    from saddle.cli.output.tables import print_table, say

    study = stored.study
    searched = study.search is not None
    # an ablation's trials are distinguished by their keys, which name arm and seed
    names = list(dict.fromkeys(name for row in rows for name in row["settings"])) if searched else []
    metrics = headline_metrics(rows, stored.declared, asked_metric(study))
    table = [
        (
            row["trial"],
            f"{row['outcome']}, flagged" if row["flags"] else row["outcome"],
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
    left_out = print_table(columns, table, title=stored.run.name, optional=len(columns) - 3)
    if left_out:
        say(f"not shown here: {', '.join(left_out)}; --csv and --json have everything")
    for line in told_beside(rows):
        say(line)
    for row in rows:
        if row["outcome"] not in ("completed", "pruned"):
            say(f"{row['trial']} {row['outcome']}: {(row['why'].strip().splitlines() or ['unknown reason'])[-1]}")


MOST_FLAGS = 10
"""Flagged trials whose reasons are printed; of further ones only the number."""


def told_beside(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The flags of trials, and the settings with which trials were measured again."""
    from saddle.analyse.text.formatting import listed, settings

    flagged = [row for row in rows if row["flags"]]
    for row in flagged[:MOST_FLAGS]:
        yield f"{row['trial']} is flagged: it {listed(row['flags'])}"
    if len(flagged) > MOST_FLAGS:
        yield f"{len(flagged) - MOST_FLAGS} more are flagged; --json has the reasons"
    completed = [row for row in rows if row["outcome"] == "completed"]
    counts = Counter(settings(row["evaluation"].items()) for row in completed)
    for how, count in counts.items() if set(counts) - {""} else ():
        terms = f"again, with {how}" if how else "as trained"
        yield f"{count} of {len(completed)} completed trials are measured {terms}"


def show_published(store: Store, stored: StoredStudy) -> None:
    """Print the published values that the study names, and ours."""
    if stored.study.published is None or stored.study.relation is not None:  # whose figure has the points
        return
    from saddle.cli.output.tables import print_table, say
    from saddle.report.study_sections.published import published_table

    table = published_table(stored.read_results(store))
    if table is not None:
        print_table(table.columns, table.rows, title="Compared with published values")
        say(f"note: {table.note}", indent=2)


def asked_metric(study: Study) -> str:
    """The metric that a study asks about, or else the split."""
    if study.ablation is not None:
        return study.ablation.compare.metric or "test/"
    if study.relation is not None:
        return study.relation.gain.metric or "test/"
    return study.objective[0].metric if study.objective else "validation/"
