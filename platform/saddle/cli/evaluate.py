"""`saddle evaluate`: measure a stored checkpoint again."""

from __future__ import annotations

from typing import Annotated

import typer

from saddle.cli.options import AsJson, DataRoot, Settings, Storage


def evaluate(
    trial: Annotated[str, typer.Argument(help="STUDY/TRIAL, or STUDY for its best trial.", metavar="STUDY[/TRIAL]")],
    settings: Settings = None,
    storage: Storage = None,
    data_root: DataRoot = None,
    last: Annotated[bool, typer.Option("--last", help="The last checkpoint instead of the selected one.")] = False,
    as_json: AsJson = False,
) -> None:
    """Measure a trained model on the test split again, for example under a stronger attack.

    Example: saddle evaluate quickstart-search --set attack_steps=100
    """
    from saddle.archive.evaluating import evaluate_trial
    from saddle.archive.finding import find_trial
    from saddle.archive.naming import open_named
    from saddle.cli.tables import print_json, print_table

    store, trial = open_named(trial, storage)
    found = find_trial(store, trial)
    root = None if data_root is None else str(data_root)
    metrics = evaluate_trial(store, found, settings or (), root, "last" if last else "best")
    before = {**found.entry.test_last} if last else {**found.entry.metrics}
    if as_json:
        print_json({"trial": found.name, "metrics": metrics, "when_trained": {n: before.get(n) for n in metrics}})
    else:
        rows = [(name, value, before.get(name)) for name, value in metrics.items()]
        print_table(("metric", "now", "when trained"), rows, title=found.name)
