"""`saddle plan`: what a study would do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from saddle.cli.options import AsJson, DataRoot, Settings, Storage, StudyFile

if TYPE_CHECKING:
    from saddle.execute.planning import Plan
    from saddle.study.space import Parameter


def plan(
    study: StudyFile,
    settings: Settings = None,
    storage: Storage = None,
    data_root: DataRoot = None,
    as_json: AsJson = False,
) -> None:
    """Show arms, trials, resources and estimates of time and disk; start nothing.

    Example: saddle plan quickstart --set quickstart-ablation:ablation.seeds=8
    """
    from saddle.cli.tables import print_json
    from saddle.execute.planning import plan_study
    from saddle.store.opening import open_store
    from saddle.study.loader import load_studies

    store = open_store(storage, create=False)
    root = None if data_root is None else str(data_root)
    plans = [plan_study(found, store, root) for found in load_studies(study, settings or ())]
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
    from saddle.cli.tables import print_table, say

    study = plan.study
    say()
    say(study.study, style="bold")
    say(study.question)
    if plan.arms:
        columns = tuple(dict.fromkeys(name for arm in plan.arms for name in arm))
        print_table(columns, [tuple(arm.get(name) for name in columns) for arm in plan.arms])
        say(f"{len(plan.arms)} arms × {len(plan.seeds)} paired seeds = {plan.trials} trials", indent=2)
    else:
        print_table(("searched", "range", "only when"), [search_row(*item) for item in (study.search or {}).items()])
        trials = plan.trials or "as many as fit in the time"
        say(f"{trials} trials by {study.sampler.name}, early stopping: {study.early_stopping.name}", indent=2)
    if plan.done:
        say(f"{plan.done} of them are done", indent=2)
    say(f"{plan.slots} at a time on {plan.shape} each", indent=2)
    if plan.trials is None:
        time = f"{duration(plan.per_trial.seconds)} a trial"
    elif plan.done >= plan.trials:
        time = "none, it is done"
    else:
        time = duration(plan.seconds) + (", if no trial stops early" if may_stop_early(plan) else "")
    disk = "unknown" if plan.bytes is None else f"{plan.bytes / 1e6:.1f} MB"
    say(f"time: {time}; disk: {disk} ({plan.per_trial.basis})", indent=2)
    say(f"rests on assumed values of: {', '.join(plan.assumed) or 'nothing'}", indent=2)
    for note in plan.notes:
        say(f"note: {note}", indent=2)


def may_stop_early(plan: Plan) -> bool:
    """Whether trials may be stopped before their end, so that the time is too long."""
    return plan.study.ablation is None and plan.study.early_stopping.name != "none"


def search_row(name: str, parameter: Parameter) -> tuple[str, str, str]:
    """A searched parameter as `name`, `0.0005 … 0.02 (log)`, `schedule=cyclic`."""
    from saddle.cli.tables import shown

    if parameter.choice is not None:
        values = " | ".join(shown(value) for value in parameter.choice)
    else:
        low, high = parameter.bounds
        extra = " (log)" if parameter.log else f" in steps of {parameter.step:g}" if parameter.step else ""
        values = f"{shown(low)} … {shown(high)}{extra}"
    return name, values, shown(parameter.when)
