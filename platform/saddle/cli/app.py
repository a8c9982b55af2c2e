"""Gathers the commands."""

from __future__ import annotations

import typer

from saddle.cli import (
    check,
    compare,
    data,
    doctor,
    evaluate,
    export,
    gc,
    logs,
    plan,
    report,
    results,
    run,
    schema,
    status,
    stop,
    studies,
    submit,
    trainables,
    ui,
    verify,
)
from saddle.cli.options import accept_storage
from saddle.cli.output.errors import explain

app = typer.Typer(
    name="saddle",
    help="Sweeps and ablations of adversarial training that answer the question behind them.",
    epilog="Start with: saddle run quickstart",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for command in (
    run.run,
    plan.plan,
    results.results,
    report.report,
    compare.compare,
    status.status,
    stop.stop,
    submit.submit,
    logs.logs,
    studies.studies,
    export.export,
    evaluate.evaluate,
    check.check,
    verify.verify,
    gc.gc,
    trainables.trainables,
    schema.schema,
    ui.ui,
    doctor.doctor,
):
    app.command()(explain(accept_storage(command)))

app.add_typer(data.app, name="data")
