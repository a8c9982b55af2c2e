"""`saddle import`: results that were trained elsewhere, as a study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from saddle.cli.options import AsJson, Settings, Storage, Track

if TYPE_CHECKING:
    from saddle.archive.imported.results import TableColumns
    from saddle.archive.imported.store import ImportedStudy
    from saddle.archive.imported.table import ResultTable
    from saddle.store.base import Store


Metrics = Annotated[
    list[str],
    typer.Option(
        "--metric",
        help="Column with values of a metric, also as COLUMN=METRIC; arms are compared by the first. May be given "
        "several times.",
        metavar="COLUMN",
    ),
]
Unit = Annotated[
    list[str] | None,
    typer.Option(
        "--unit",
        help="The unit of all metrics, or of one: percent, fraction, or any other word.",
        metavar="[COLUMN=]UNIT",
    ),
]


def import_table(
    table: Annotated[
        str,
        typer.Argument(
            help="A CSV or Parquet file with a row for each arm and seed, mlflow:EXPERIMENT, or a Ray Tune folder."
        ),
    ],
    study: Annotated[str, typer.Option("--study", help="Name of the new study.", metavar="NAME")],
    arm: Annotated[str, typer.Option("--arm", help="Column with the arm.", metavar="COLUMN")],
    seed: Annotated[str, typer.Option("--seed", help="Column with the seed.", metavar="COLUMN")],
    metrics: Metrics,
    baseline: Annotated[str, typer.Option("--baseline", help="Arm that the others are compared with.", metavar="ARM")],
    blocks: Annotated[
        list[str] | None,
        typer.Option(
            "--block",
            help="Column that blocks the comparison, such as the dataset: every arm is measured at each of its values.",
        ),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--where", help="Use only rows with this value. May be given several times.", metavar="COLUMN=VALUE"
        ),
    ] = None,
    unit: Unit = None,
    smaller: Annotated[
        list[str] | None,
        typer.Option("--smaller-is-better", help="Column of a metric to minimize.", metavar="COLUMN"),
    ] = None,
    question: Annotated[str, typer.Option("--question", help="Question that the study answers.")] = "",
    settings: Settings = None,
    storage: Storage = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Keep the study that has this name and make a new one.")
    ] = False,
    track: Track = True,
    as_json: AsJson = False,
) -> None:
    """Make a study of results that were trained elsewhere, and answer its question.

    Importing the same table again changes nothing. Further seeds are added; changed values are refused.

    Example: saddle import results.csv --study methods --arm method --seed seed --metric accuracy --baseline plain
    """
    from saddle.archive.imported.results import TableColumns, metric_column
    from saddle.archive.imported.source import read_source
    from saddle.store.open import open_store

    units, chosen = by_column(unit or ()), by_column(where or ())
    smaller_names = smaller or []
    columns = TableColumns(arm, seed, [metric_column(text, units, smaller_names) for text in metrics], blocks or ())
    read = read_source(table)
    read.require([*columns.names, *(name for name in units if name), *smaller_names])
    options = written(
        {"--study": [study], "--arm": [arm], "--seed": [seed], "--metric": metrics, "--baseline": [baseline],
         "--block": blocks, "--where": where, "--unit": unit, "--smaller-is-better": smaller, "--set": settings}
    )  # fmt: skip
    request = Asked(study, baseline, question, chosen, settings or (), options)
    show(import_results(open_store(storage), read, columns, request, fresh=fresh, track=track), as_json=as_json)


@dataclass(frozen=True)
class Asked:
    """The study to make of a table: its name, baseline and question, which rows, and the options that say so."""

    study: str
    baseline: str
    question: str
    rows: Mapping[str, str]
    settings: Sequence[str]
    options: Sequence[str]


def import_results(
    store: Store, table: ResultTable, columns: TableColumns, request: Asked, *, fresh: bool, track: bool
) -> ImportedStudy:
    """Store the table's results as a study that says how it is imported again."""
    from saddle.archive.imported.results import read_results
    from saddle.archive.imported.store import declare_results, seeds_of_import, store_results
    from saddle.archive.imported.study import study_of_results
    from saddle.cli.paths import command
    from saddle.study.imported_table import ImportedTable

    results = read_results(table.where(request.rows), columns)
    seeds = () if fresh else seeds_of_import(store, request.study)
    ablation = study_of_results(
        request.study, columns, results, request.baseline,
        question=request.question, fixed=request.rows, seeds=seeds, settings=request.settings,
    )  # fmt: skip
    again = command("import", table.file, *request.options)
    declared = declare_results(columns, ImportedTable(table.file, table.sha256, again))
    return store_results(store, ablation, declared, results, fresh=fresh, track=track)


def by_column(texts: Sequence[str]) -> dict[str, str]:
    """`COLUMN=VALUE` texts as a mapping; a value without a column has an empty name."""
    pairs = [text.rpartition("=") for text in texts]
    return {column: value for column, _, value in pairs}


def written(options: Mapping[str, Sequence[str] | None]) -> list[str]:
    """Options as they are written on a command line."""
    return [word for name, values in options.items() for value in values or () for word in (name, value)]


def show(imported: ImportedStudy, *, as_json: bool) -> None:
    """Print what was imported and the answer."""
    from saddle.cli.output.tables import print_json, print_table, say
    from saddle.cli.paths import short

    results = imported.results
    answer = results.answer
    if as_json:
        facts = {"study": results.run.name, "trials": len(results.records), "new": imported.new}
        print_json({**facts, "answer": answer.sentence, "report": imported.report})
        return
    total = len(results.records)
    if imported.new:
        say(f"{results.run}: {imported.new} trials imported, {total} in all")
    else:
        say(f"{results.run}: nothing to do, all {total} trials of the table are imported")
    say(answer.sentence, style="bold")
    print_table(answer.columns, answer.rows)
    for warning in answer.warnings:
        say(f"note: {warning}", indent=2)
    say(f"report: {short(imported.report)}", indent=2)
    if imported.undelivered:
        say(f"{imported.undelivered}; they are sent when the table is imported again, or by saddle ui", indent=2)
