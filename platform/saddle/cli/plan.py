"""`saddle plan`: what a study would do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from saddle.cli.options import AsJson, Settings, Storage, StudyFile

if TYPE_CHECKING:
    from saddle.execute.planning import Plan


def plan(study: StudyFile, settings: Settings = None, storage: Storage = None, as_json: AsJson = False) -> None:
    """Show arms, trials, resources and estimates of time and disk; start nothing.

    Example: saddle plan quickstart --set quickstart-ablation:ablation.seeds=8
    """
    from saddle.cli.tables import print_json
    from saddle.execute.planning import plan_study
    from saddle.store.opening import open_store
    from saddle.study.loader import load_studies

    store = open_store(storage, create=False)
    plans = [plan_study(found, store) for found in load_studies(study, settings or ())]
    if as_json:
        print_json([as_plain(found) for found in plans])
    else:
        for found in plans:
            show(found)


def as_plain(plan: Plan) -> dict[str, Any]:
    """The plan as JSON has it."""
    return {
        "study": plan.study.study,
        "question": plan.study.question,
        "trials": plan.trials,
        "done": plan.done,
        "arms": [dict(arm) for arm in plan.arms],
        "seeds": list(plan.seeds),
        "concurrency": plan.slots,
        "resources_per_trial": plan.shape,
        "seconds": plan.seconds,
        "seconds_per_trial": plan.per_trial.seconds,
        "bytes": plan.bytes,
        "basis": plan.per_trial.basis,
        "config": dict(plan.config),
        "assumed": list(plan.assumed),
        "notes": list(plan.notes),
    }


def show(plan: Plan) -> None:
    """Print the plan."""
    from saddle.cli.display import duration
    from saddle.cli.tables import print_table

    study = plan.study
    typer.echo(f"\n{study.study}  {study.question}")
    if plan.arms:
        columns = tuple(dict.fromkeys(name for arm in plan.arms for name in arm))
        print_table(columns, [tuple(arm.get(name) for name in columns) for arm in plan.arms])
        typer.echo(f"  {len(plan.arms)} arms × {len(plan.seeds)} paired seeds = {plan.trials} trials")
    else:
        space = study.search or {}
        rows = [
            (name, p.choice or list(p.bounds), "log" if p.log else "", dict(p.when) or "") for name, p in space.items()
        ]
        print_table(("searched", "range", "scale", "only when"), rows)
        trials = plan.trials or "as many as fit in the time"
        typer.echo(f"  {trials} trials by {study.sampler.name}, early stopping: {study.early_stopping.name}")
    if plan.done:
        typer.echo(f"  {plan.done} of them are done")
    typer.echo(f"  {plan.slots} at a time on {plan.shape} each")
    disk = "unknown" if plan.bytes is None else f"{plan.bytes / 1e6:.1f} MB"
    typer.echo(f"  time: {duration(plan.seconds)}, disk: {disk} ({plan.per_trial.basis})")
    typer.echo(f"  rests on assumed values of: {', '.join(plan.assumed) or 'nothing'}")
    for note in plan.notes:
        typer.echo(f"  note: {note}")
