"""The plans of a run, in its folder: a file each, written once, so that none replaces another."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, replace

from saddle.errors import StorageError
from saddle.store.base import Store
from saddle.store.open import study_folder
from saddle.store.ownership.fence import StudyLock, write_once
from saddle.store.parallel import in_parallel
from saddle.study.history import NO_GROWTH, PlanGrowth, PlanHistory, SeedPlan, plan_of
from saddle.study.models import Study
from saddle.trial.json_text import to_json
from saddle.trial.run_id import RunId

VERSION = 2
"""Of a plan's file; a file of a later version is not read. 2 has arms that were added, 1 none."""


def plan_path(run: RunId, number: int) -> str:
    """Where the plan of a number, from 1, is kept."""
    return f"{study_folder(run)}/plans/{number:04d}.json"


def read_plans(store: Store, run: RunId) -> list[SeedPlan]:
    """The plans of a run as they were made; none if an older saddle kept none. Raises `StorageError`."""
    folder = f"{study_folder(run)}/plans"
    paths = [f"{folder}/{name}" for name in store.names(folder) if name.endswith(".json")]
    return list(in_parallel(store, lambda path: _parse(store, path), paths))


def _parse(store: Store, path: str) -> SeedPlan:
    try:
        facts = json.loads(store.read(path))
        if facts["version"] > VERSION:
            raise ValueError(f"it was written by a later version of saddle ({facts['version']})")
        seeds, looks = (tuple(int(number) for number in facts[name]) for name in ("seeds", "looks"))
        growth = PlanGrowth(**{name: tuple(map(str, each)) for name, each in facts.get("growth", {}).items()})
        analysis = dict(facts.get("analysis", {}))
        return SeedPlan(seeds, looks, float(facts["when"]), int(facts["finished"]), analysis, growth)
    except (ValueError, KeyError, TypeError) as error:
        raise StorageError(
            f"{store.locate(path)} is damaged ({error}); it says which seeds were planned, and whether they were "
            "added after a look. Restore it, or delete it to continue without that plan"
        ) from error


def history_of(store: Store, run: RunId, study: Study) -> PlanHistory:
    """The plans of a stored ablation or relation; where none is kept, that of its file is the first and only one.

    Saddles that kept none counted seeds from 0, around the best of a search as well.
    """
    if study.ablation is not None:
        study = study.model_copy(update={"ablation": study.ablation.model_copy(update={"best_of": None})})
    plan = plan_of(study)
    if plan is None:
        return PlanHistory()
    plans = tuple(read_plans(store, run))
    return PlanHistory(plans or (plan,))


def record_plan(
    store: Store,
    run: RunId,
    before: PlanHistory | None,
    study: Study,
    *,
    finished: int,
    lock: StudyLock,
    growth: PlanGrowth = NO_GROWTH,
) -> PlanHistory:
    """Keep the plan of `study` if it isn't the latest one; returns the history with it. Raises `TakenOver`.

    `before` are the plans so far, None for a new run; `finished` counts the trials that have ended; `growth` is
    how the study grew since the latest plan. The plan of a run whose storage keeps none yet is written first.
    """
    planned = plan_of(study)
    if planned is None:
        return PlanHistory()
    plans, stored = list(before.plans if before is not None else ()), len(read_plans(store, run))
    plan = replace(planned, when=time.time(), finished=finished, growth=growth)
    if not plans or growth or not plan.is_same(plans[-1]):
        plans.append(plan)
    for number in range(stored, len(plans)):
        _write(store, plan_path(run, number + 1), plans[number], lock)
    return PlanHistory(tuple(plans))


def _write(store: Store, path: str, plan: SeedPlan, lock: StudyLock) -> None:
    facts = {"seeds": list(plan.seeds), "looks": list(plan.looks), "when": plan.when, "finished": plan.finished}
    facts |= {"analysis": dict(plan.analysis)} if plan.analysis else {}
    facts |= {"growth": {name: list(each) for name, each in asdict(plan.growth).items()}} if plan.growth else {}
    version = VERSION if plan.growth else 1  # which earlier saddles read
    write_once(store, path, to_json({"version": version, "token": lock.token, **facts}).encode(), lock)
