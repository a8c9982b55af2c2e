"""Gathers the commands."""

from __future__ import annotations

from typing import Annotated

import typer

from saddle.cli import (
    check,
    compare,
    data,
    doctor,
    evaluate,
    export,
    gc,
    import_table,
    init,
    logs,
    mcp,
    nightly,
    note,
    plan,
    report,
    results,
    run,
    schema,
    serve,
    status,
    stop,
    studies,
    submit,
    trainables,
    ui,
    verdict,
    verify,
)
from saddle.cli.options import accept_storage
from saddle.cli.output.errors import explain
from saddle.cli.output.terminal import echo

app = typer.Typer(
    name="saddle",
    epilog="Start with: saddle run quickstart",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def show_version(wanted: bool) -> None:
    """Print the version and end, where `--version` is among the options."""
    if wanted:
        from saddle import __version__

        echo(f"saddle {__version__}")
        raise typer.Exit


@app.callback()
def options(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=show_version, is_eager=True)
    ] = False,
) -> None:
    """Sweeps and ablations of adversarial training that answer the question behind them."""


for command in (
    init.init,
    run.run,
    plan.plan,
    results.results,
    verdict.verdict,
    report.report,
    compare.compare,
    status.status,
    stop.stop,
    submit.submit,
    logs.logs,
    note.note,
    studies.studies,
    export.export,
    evaluate.evaluate,
    check.check,
    verify.verify,
    gc.gc,
    trainables.trainables,
    schema.schema,
    ui.ui,
    serve.serve,
    mcp.mcp,
    doctor.doctor,
):
    app.command()(explain(accept_storage(command)))

app.command("import")(explain(accept_storage(import_table.import_table)))
app.add_typer(data.app, name="data")
app.add_typer(nightly.app, name="nightly")
