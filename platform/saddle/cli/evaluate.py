"""`saddle evaluate`: measure stored checkpoints again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from saddle.cli.options import Address, AsJson, DataRoot, Insecure, Settings, Storage
from saddle.cli.output.terminal import echo

if TYPE_CHECKING:
    from saddle.execute.remeasurement import Remeasurement
    from saddle.store.base import Store
    from saddle.study.trainable.declarations import Declarations
    from saddle.trial.record import TrialRecord


def evaluate(
    trial: Annotated[
        str,
        typer.Argument(help="STUDY/TRIAL, a whole ablation, or a search for its best trial.", metavar="STUDY[/TRIAL]"),
    ],
    settings: Settings = None,
    storage: Storage = None,
    data_root: DataRoot = None,
    last: Annotated[
        bool, typer.Option("--last", help="Measure the last checkpoint instead of the selected one.")
    ] = False,
    every: Annotated[
        bool,
        typer.Option(
            "--all",
            help="Measure all completed trials of a search, too.",
        ),
    ] = False,
    anew: Annotated[
        bool,
        typer.Option("--anew", help="Measure again also those trials that have been measured with these settings."),
    ] = False,
    address: Address = None,
    insecure: Insecure = False,
    as_json: AsJson = False,
) -> None:
    """Measure trained models on the test split again, for example under a stronger attack.

    All completed trials of an ablation (or with --all of a search) are measured without training, and results, report
    and MLflow show the new measurements; the earlier ones are kept. If it is stopped, the same command resumes it.
    Measurements of a single trial, or of a search's best one, are only printed.

    Example: saddle evaluate quickstart-ablation --set attack_steps=100
    """
    from saddle.archive.lookup import find_trial
    from saddle.archive.study_url import open_named
    from saddle.errors import UserError

    store, trial = open_named(trial, storage)
    root = None if data_root is None else str(data_root.expanduser().absolute())
    names = whole_studies(store, trial, every=every)
    if not names:
        if anew:
            raise UserError("--anew goes with whole studies; a single trial is measured whenever it is asked for")
        evaluate_one(store, find_trial(store, trial), settings or (), root, last=last, as_json=as_json)
        return
    if last:
        raise UserError(
            "a whole study is measured by the selected and the last checkpoint of each trial; leave --last out, or name"
            f" one trial: saddle evaluate {names[0]}/TRIAL --last"
        )
    evaluate_all(store, names, settings or (), root, anew=anew, address=address, insecure=insecure, as_json=as_json)


def whole_studies(store: Store, name: str, *, every: bool) -> list[str]:
    """The stored studies that are measured as wholes: with `every` all that `name` names, else ablations alone."""
    from saddle.archive.lookup import find_studies
    from saddle.errors import UserError

    if "/" in name and not name.endswith((".yaml", ".yml")):
        if every:
            raise UserError(f"--all measures a whole study; write saddle evaluate {name.partition('/')[0]} --all")
        return []
    studies = find_studies(store, name)
    if every or all(stored.study.ablation is not None for stored in studies):
        return [stored.run.name for stored in studies]
    return []


def evaluate_one(store: Store, trial: Any, settings: Any, root: str | None, *, last: bool, as_json: bool) -> None:
    """Measure one trial and print it with what is stored of it."""
    from saddle.archive.model.reevaluate import evaluate_trial
    from saddle.cli.output.display import note_doubt
    from saddle.cli.output.tables import print_json, print_table

    if not as_json:
        note_doubt(trial)
    metrics = evaluate_trial(store, trial, settings, root, "last" if last else "best")
    before = {**trial.entry.test_last} if last else {**trial.entry.metrics}
    if as_json:
        doubt = {"doubt": trial.doubt} if trial.doubt else {}
        when_trained = {name: before.get(name) for name in metrics}
        print_json({"trial": trial.name, "metrics": metrics, "when_trained": when_trained, **doubt})
    else:
        rows = [(name, value, before.get(name)) for name, value in metrics.items()]
        stored = "measured before" if trial.entry.measured else "when trained"
        print_table(("metric", "now", stored), rows, title=trial.name)


def evaluate_all(store: Store, names: list[str], settings: Any, root: str | None, *, as_json: bool, **how: Any) -> None:
    """Measure the trials of each study; ends with an error where some could not be."""
    from saddle.cli.output.tables import print_json
    from saddle.errors import UserError
    from saddle.execute.remeasurement import Options, remeasure

    remeasured = []
    for name in names:
        lines = Lines(name, quiet=as_json)
        options = Options(data_root=root, on_measured=lines.on_measured, begun=lines.begun, **how)
        remeasured.append(remeasure(store, name, settings, options))
        if not as_json:
            conclude(remeasured[-1])
    if as_json:
        print_json([facts(remeasurement) for remeasurement in remeasured])
    left_out = {
        f"{remeasurement.study}/{key}": why
        for remeasurement in remeasured
        for key, why in remeasurement.left_out.items()
    }
    if left_out:
        listed = "\n".join(f"  {name}: {why}" for name, why in left_out.items())
        raise UserError(
            f"{len(left_out)} trials could not be measured, and keep what was measured of them before:\n{listed}"
        )


class Lines:
    """Says of each trial how its headline changed."""

    def __init__(self, study: str, *, quiet: bool) -> None:
        self.study, self.quiet, self.total, self.done = study, quiet, 0, 0

    def begun(self, pending: int, already: int) -> None:
        self.total = pending
        if not self.quiet:
            more = f"; {already} have been measured in this way" if already else ""
            echo(f"{self.study}: {pending} trials to measure{more}")

    def on_measured(self, before: TrialRecord, now: TrialRecord, declared: Declarations) -> None:
        from saddle.analyse.text.formatting import Scale, label
        from saddle.archive.rows import headline_metrics
        from saddle.report.trial_name import trial_name

        self.done += 1
        if self.quiet:
            return
        [metric, *_] = [*headline_metrics([{"metrics": now.metrics}], declared), "test/"]
        values = [Scale.of(declared.metric(metric)).value(entry.metrics.get(metric)) for entry in (before, now)]
        echo(f"  {self.done}/{self.total} {trial_name(now)}: {label(metric)} {' → '.join(values)}")


def conclude(remeasurement: Remeasurement) -> None:
    """Say what was measured, with what, and where to read on."""
    from saddle.analyse.text.formatting import settings
    from saddle.cli.paths import short

    how = settings(remeasurement.evaluation.settings.items()) or "the settings that they were trained with"
    echo(f"{remeasurement.study}: {len(remeasurement.measured) + remeasurement.already} trials are measured with {how}")
    echo(f"report: {short(remeasurement.report)}")
    if remeasurement.undelivered:
        echo(f"MLflow: {remeasurement.undelivered}", err=True)


def facts(remeasurement: Remeasurement) -> dict[str, Any]:
    """The same for JSON."""
    return {
        "study": remeasurement.study,
        "evaluation": dict(remeasurement.evaluation.settings),
        "measured": {entry.key: dict(entry.metrics) for entry in remeasurement.measured},
        "already": remeasurement.already,
        "left_out": dict(remeasurement.left_out),
        "report": remeasurement.report,
    }
