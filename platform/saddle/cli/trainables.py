"""`saddle trainables`: what can be trained, and every hyperparameter."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from saddle.cli.options import AsJson


def trainables(
    name: Annotated[Optional[str], typer.Argument(help="One trainable; all where none is named.")] = None,  # noqa: UP045
    as_json: AsJson = False,
) -> None:
    """List the trainables with each hyperparameter's range, default and where the default comes from.

    Example: saddle trainables adversarial_training
    """
    from saddle.cli.tables import print_json, print_table
    from saddle.study.hyperparameters import describe_trainable
    from saddle.study.trainables import find_trainables

    described = [describe_trainable(found) for found in ([name] if name else find_trainables())]
    if as_json:
        print_json(described)
        return
    for facts in described:
        typer.echo(f"\n{facts['name']}  {facts['about']}")
        for kind in ("recipes", "scales"):
            if facts[kind]:
                typer.echo(f"  {kind}: {', '.join(facts[kind])}")
        typer.echo(f"  metrics: {', '.join(facts['metrics'])}")
        columns = ("name", "type", "range", "unit", "default", "source", "description")
        print_table(columns, [tuple(h[column] for column in columns) for h in facts["hyperparameters"]])
