"""`saddle data tasks`: the auxiliary tasks that have a name, and the label of every class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from saddle.cli.options import AsJson, accept_storage
from saddle.cli.output.errors import explain


@explain
@accept_storage
def tasks(
    name: Annotated[str | None, typer.Argument(help="A known dataset; without it, all.", metavar="[DATASET]")] = None,
    as_json: AsJson = False,
) -> None:
    """List the named auxiliary tasks of datasets, or those of one with the label of each of its classes.

    Example: saddle data tasks gtsrb
    """
    from saddle.cli.output.tables import print_json, print_table, say
    from saddle.errors import UserError
    from saddle.study.nearest import nearest
    from trainables.datasets.registry import KNOWN

    if name is not None and name not in KNOWN:
        hint = nearest(name, KNOWN)
        raise UserError(
            f"{name!r} is not a known dataset ({', '.join(KNOWN)})" + (f"; did you mean {hint}?" if hint else "")
        )
    if name is None:
        rows = [row for dataset in KNOWN for row in task_rows(dataset)]
        if as_json:
            print_json(rows)
        else:
            print_table(tuple(rows[0]), [tuple(row.values()) for row in rows])
            say("saddle data tasks DATASET shows the label of each class.")
        return
    table = KNOWN[name].tasks
    labelled = [] if table is None else class_rows(table)
    if as_json:
        print_json({"dataset": name, "tasks": task_rows(name), "classes": labelled})
    elif table is None:
        say(f"{name} has no named tasks; a task of your own is a mapping, such as {example(name)}")
    else:
        cells = [
            tuple(table.meanings[key][value] if key in table.meanings else value or None for key, value in row.items())
            for row in labelled
        ]
        print_table(
            tuple(labelled[0]),
            cells,
            title="; ".join(numbered(task, meanings) for task, meanings in table.meanings.items()),
        )


def task_rows(dataset: str) -> list[dict[str, Any]]:
    """The tasks of one dataset, and how many of its classes have each label."""
    from trainables.datasets.registry import KNOWN

    table = KNOWN[dataset].tasks
    if table is None:
        return []
    return [
        {
            "dataset": dataset,
            "task": task,
            "labels": {meaning: labels.count(number) for number, meaning in enumerate(table.meanings[task])},
        }
        for task, labels in table.tasks.items()
    ]


def class_rows(table: Any) -> list[dict[str, Any]]:
    """The classes of a table with their labels."""
    return [
        {
            "class": table.keys[index],
            "name": title,
            **{task: labels[index] for task, labels in table.tasks.items()},
            "note": table.notes[index],
        }
        for index, title in enumerate(table.classes)
    ]


def numbered(task: str, meanings: Sequence[str]) -> str:
    """The meaning of a task's labels."""
    return f"{task}: {', '.join(f'{number} {meaning}' for number, meaning in enumerate(meanings))}"


def example(dataset: str) -> str:
    """A custom task, as it is written in a study file."""
    from trainables.datasets.auxiliary_tasks.tasks import example_task

    return example_task(dataset)
