"""The MLflow runs of a study against the ledger."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass, field

from mlflow.entities import Run

from saddle.analyse.study_results import StudyResults
from saddle.external_names import mlflow_names
from saddle.track.base import ArmSummary, rounded
from saddle.track.mlflow_internals import PARENT_TAG
from saddle.track.shared_views import OUTCOME_TAG
from saddle.track.trial_payload import (
    all_metrics,
    arm_key,
    cut,
    final_status,
    final_tags,
    group_of,
    trial_params,
    trial_tags,
)
from saddle.trial.record import TrialRecord
from saddle.verify.difference import Difference, Repair, first_few
from saddle.verify.mlflow_runs import Point, Runs
from saddle.verify.optuna import same


@dataclass(frozen=True)
class Situation:
    """What is known about the study in addition to its runs; `status` is that of its own run, None while it runs."""

    results: StudyResults
    unusable: Container[str]
    """Trials whose ledger entries can't be read, which is already reported."""
    unfinished: Collection[str]
    status: str | None
    waiting: Counter[str]
    arms: Mapping[str, ArmSummary] = field(default_factory=dict)
    """What the runs of arms should say once the study has no driver."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """What the study's own run should say then, among others the effects that belong to no single arm."""

    @property
    def by_unit(self) -> bool:
        """Whether trials belong below their units, as in a relation."""
        return self.results.study.relation is not None

    def group(self, record: TrialRecord) -> str | None:
        """The name of the run above a trial's; None if that is the study's."""
        return group_of(record.spec, by_unit=self.by_unit)

    def waits(self, key: str) -> bool:
        """Whether messages for the run with this key are still to be delivered."""
        return self.waiting["/".join([self.results.run.instance, *([key] if key else [])])] > 0


def compare_runs(runs: Runs, now: Situation) -> list[Difference]:
    """Every difference; a run whose messages still wait is not judged."""
    differences = [*above(runs, now)]
    judged: dict[str, Run] = {}
    for key, entry in now.results.by_key.items():
        if now.waits(key):
            continue
        same_key = runs.by_key.get(key, [])
        if not same_key:
            differences.append(Difference("mlflow", key, "its run is missing", Repair.RESEND))
            continue
        if len(same_key) > 1:
            what = f"{len(same_key)} runs have its key: {first_few([r.info.run_id for r in same_key])}"
            differences.append(Difference("mlflow", key, what, Repair.REMAKE, [run.info.run_id for run in same_key]))
            continue
        judged[key] = same_key[0]
        differences += compare_run(same_key[0], entry, now, parent_of(runs, now.group(entry)))
    differences += compare_points(runs, judged, now.results.by_key)
    return [*differences, *unexpected_runs(runs, now)]


def above(runs: Runs, now: Situation) -> list[Difference]:
    """The runs of the study and of its arms or units."""
    kind = "unit" if now.by_unit else "arm"
    arms = sorted({name for record in now.results.records if (name := now.group(record)) is not None})
    by_key = {arm_key(arm): summary for arm, summary in now.arms.items()}
    differences = []
    for key, name in (("", "the study"), *((arm_key(arm), f"the {kind} {arm}") for arm in arms)):
        if now.waits(key):
            continue
        same_key = runs.by_key.get(key, [])
        if not same_key:
            differences.append(Difference("mlflow", None, f"the run of {name} is missing", Repair.RESEND))
        elif len(same_key) > 1:
            differences.append(Difference("mlflow", None, f"{len(same_key)} runs are that of {name}", Repair.RESEND))
        elif now.status is not None and same_key[0].info.status != now.status:
            status = same_key[0].info.status
            what = f"the run of {name} is {status}, and should be {now.status}"
            differences.append(Difference("mlflow", None, what, Repair.END))
        elif now.status is not None:
            summary = by_key.get(key, ArmSummary({})) if key else ArmSummary({}, now.tags)
            data = same_key[0].data
            other = [n for n, v in mlflow_names(summary.metrics).items() if not is_recorded(data.metrics.get(n), v)]
            other += [n for n, v in cut(summary.tags).items() if data.tags.get(n) != v]
            if other:
                what = f"{first_few(other)} of the run of {name} is missing or differs"
                differences.append(Difference("mlflow", None, what, Repair.END))
    return differences


def is_recorded(recorded: float | None, value: float) -> bool:
    """Whether a run has the value, as it is written now or with all the digits that earlier versions wrote."""
    return same(recorded, value) or (
        recorded is not None and math.isfinite(recorded) and same(rounded({"": recorded})[""], value)
    )


def parent_of(runs: Runs, group: str | None) -> str | None:
    """The id of the run of an arm, a unit or the study; None if that one is missing, which is already reported."""
    above = runs.by_key.get("" if group is None else arm_key(group), [])
    return above[0].info.run_id if len(above) == 1 else None


def compare_run(run: Run, entry: TrialRecord, now: Situation, parent: str | None) -> list[Difference]:
    """Status, parent, parameters and tags."""
    differences = []

    def differ(what: str, repair: Repair) -> None:
        differences.append(Difference("mlflow", entry.key, what, repair, (run.info.run_id,)))

    status = final_status(entry)
    if run.info.status != status:
        differ(f"its run is {run.info.status}, and should be {status}", Repair.RESEND)
    if parent is None or run.data.tags.get(PARENT_TAG) != parent:
        differ("its run has the wrong parent", Repair.RESEND)
    params = mlflow_names(trial_params(entry.spec))
    missing = [name for name in params if name not in run.data.params]
    other = [name for name in run.data.params if run.data.params[name] != params.get(name)]
    if missing:
        differ(f"the parameter {first_few(missing)} is missing", Repair.RESEND)
    if other:  # MLflow lets no parameter change
        differ(f"the parameter {first_few(other)} differs", Repair.REMAKE)
    tags = cut({**trial_tags(entry.spec), **final_tags(entry, now.results.declared)})
    wrong = [name for name, value in tags.items() if run.data.tags.get(name) != value]
    if wrong:
        differ(f"the tag {first_few(wrong)} is missing or differs", Repair.RESEND)
    return differences


def compare_points(runs: Runs, judged: Mapping[str, Run], finished: Mapping[str, TrialRecord]) -> list[Difference]:
    """Every point of every metric."""
    expected = {key: mlflow_names(all_metrics(finished[key])) for key in judged}
    keys_by_metric: dict[str, list[str]] = defaultdict(list)
    for key, run in judged.items():
        for metric in run.data.metrics:
            keys_by_metric[metric].append(key)
    problems: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for key, metrics in expected.items():
        for metric in metrics:
            if metric not in judged[key].data.metrics:
                problems[key]["missing"].append(metric)
    for metric, keys in keys_by_metric.items():
        points = runs.points([judged[key].info.run_id for key in keys], metric)
        for key in keys:
            problem = compare_metric(points.get(judged[key].info.run_id, []), expected[key].get(metric, {}))
            if problem:
                problems[key][problem].append(metric)
    repairs = {"missing": Repair.RESEND, "different": Repair.REMAKE, "double": Repair.REMAKE, "too many": Repair.REMAKE}
    return [
        Difference("mlflow", key, f"points of {first_few(metrics)} are {problem}", repairs[problem],
                   (judged[key].info.run_id,))
        for key, by_problem in problems.items() for problem, metrics in by_problem.items()
    ]  # fmt: skip


def compare_metric(points: Sequence[Point], expected: Mapping[int, float]) -> str:
    """What is wrong with the points of one metric; empty if nothing is."""
    steps = Counter(step for step, _ in points)
    values = dict(points)
    if any(count > 1 for count in steps.values()):
        return "double"
    if any(step in values and not same(values[step], value) for step, value in expected.items()):
        return "different"
    if set(values) - set(expected):
        return "too many"
    return "missing" if set(expected) - set(values) else ""


def unexpected_runs(runs: Runs, now: Situation) -> list[Difference]:
    """Runs of trials that the ledger lacks: unfinished ones may be RUNNING while a driver runs them, and not ended."""
    differences = []
    for key, same_key in runs.by_key.items():
        if not key or key.startswith("arm/") or key in now.results.by_key or key in now.unusable or now.waits(key):
            continue
        for run in same_key:
            ids = (run.info.run_id,)
            if OUTCOME_TAG in run.data.tags and now.status is not None:
                what = f"its run ended as {run.data.tags[OUTCOME_TAG]}, and the ledger has no entry of it"
                differences.append(Difference("mlflow", key, what, Repair.REMOVE_RUN, ids))
            elif run.info.status == "RUNNING" and now.status is not None:
                what = "its run is left RUNNING, and no driver runs the study"
                differences.append(Difference("mlflow", key, what, Repair.END, ids))
            elif key not in now.unfinished and now.status is not None:
                differences.append(
                    Difference("mlflow", key, "the study has no trial of this run", Repair.REMOVE_RUN, ids)
                )
    return differences
