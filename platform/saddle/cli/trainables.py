"""`saddle trainables`: what can be trained, and every hyperparameter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

import typer

from saddle.cli.options import AsJson


def trainables(
    name: Annotated[str | None, typer.Argument(help="A trainable; all of them by default.")] = None,
    recipe: Annotated[str | None, typer.Option(help="Show the defaults of this recipe.")] = None,
    scale: Annotated[str | None, typer.Option(help="Show the defaults of this scale.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="Show the defaults that follow from this value, such as dataset=mnist. May be given several times.",
            metavar="NAME=VALUE",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the trainables with the range and default of each hyperparameter, and the source of the default.

    Example: saddle trainables adversarial_training --recipe customary --scale full --set dataset=cifar10
    """
    from saddle.cli.output.tables import print_json, print_table, say
    from saddle.errors import UserError
    from saddle.study.trainable.hyperparameters import describe_trainable
    from saddle.study.trainable.loading import find_trainables

    if name is None and (recipe or scale or settings):
        raise UserError("--recipe, --scale and --set need a trainable; name one, such as adversarial_training")
    values = values_given(settings or ())
    described = [
        describe_trainable(installed, recipe, scale, values) for installed in ([name] if name else find_trainables())
    ]
    if as_json:
        print_json(described)
        return
    for facts in described:
        say()
        say(facts["name"], style="bold")
        say(facts["about"])
        for kind in ("recipes", "scales"):
            if facts[kind]:
                say(f"{kind}: {', '.join(facts[kind])}", indent=2)
        print_table(("metrics", "measured in", "in detail"), metric_rows(facts["metrics"]))
        print_table(("name", "default, source", "range, meaning"), [row(h) for h in facts["hyperparameters"]])
        if facts["components"]:
            say("Components, which an ablation may name as factors:", indent=2)
            print_table(("name", "without it", "meaning"), [component_row(part) for part in facts["components"]])


def values_given(settings: Sequence[str]) -> dict[str, Any]:
    """`NAME=VALUE` texts as fields; raises `UserError` for other texts."""
    from saddle.errors import UserError
    from saddle.studyfile.yaml_reader import read_value

    values: dict[str, Any] = {}
    for text in settings:
        name, equals, value = text.partition("=")
        field, _, problems = read_value(value, f"--set {text}")
        if not equals or not name.strip() or problems:
            raise UserError(f"--set {text} sets nothing; write NAME=VALUE, such as dataset=mnist")
        values[name.strip()] = field
    return values


MOST_DETAILS = 4
"""Details of a group of metrics that are named; of further ones only the number."""


def metric_rows(metrics: Iterable[str]) -> list[tuple[str, str, str]]:
    """The groups of metrics in three cells: measures, splits, details; `--json` has every metric."""
    from saddle.study.trainable.metric_groups import metric_groups

    return [
        (", ".join(group.measures), ", ".join(group.splits), detail_cell(group.details))
        for group in metric_groups(metrics)
    ]


def detail_cell(details: Sequence[str]) -> str:
    """Some details, and how many there are; empty if a measure has none."""
    nonempty = [detail for detail in details if detail]
    alone = "as a whole, " if nonempty and "" in details else ""
    more = f", … ({len(nonempty)})" if len(nonempty) > MOST_DETAILS else ""
    return alone + ", ".join(nonempty[:MOST_DETAILS]) + more


def component_row(component: Mapping[str, Any]) -> tuple[str, str, str]:
    """A component's name, the settings of a trial without it, and its description."""
    from saddle.cli.output.tables import shown

    without = ", ".join(f"{name}: {shown(value)}" for name, value in component["off"].items())
    return component["name"], without, component["description"]


def row(hyperparameter: Mapping[str, Any]) -> tuple[str, str, str]:
    """A hyperparameter in three cells of two lines."""
    from saddle.cli.output.tables import shown

    facts = [str(hyperparameter[part]) for part in ("type", "range", "unit") if hyperparameter[part]]
    default = shown(hyperparameter["default"]) or "none"
    reference = hyperparameter["reference"]
    return (
        hyperparameter["name"],
        f"{default}\n{hyperparameter['source']}" + (f": {reference}" if reference else ""),
        f"{' '.join(facts)}\n{hyperparameter['description']}",
    )
