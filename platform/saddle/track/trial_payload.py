"""What MLflow gets about a trial, as it follows from its spec and its record."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from saddle.analyse.evaluation.badge import reasons_against
from saddle.analyse.text.formatting import settings
from saddle.design.blocks import block_name
from saddle.external_names import mlflow_names, run_key
from saddle.store.checkpoint.measurements import measurement_of
from saddle.study.trainable.declarations import Declarations
from saddle.track.shared_views import OUTCOME_TAG
from saddle.trial.json_text import to_json
from saddle.trial.outcome import MEANINGS, Outcome
from saddle.trial.record import TrialRecord
from saddle.trial.spec import TrialSpec

LONGEST_VALUE = 5000
"""MLflow refuses longer parameters and tags."""


def arm_key(arm: str) -> str:
    """What distinguishes an arm's run from the others of its study."""
    return f"arm/{run_key(arm)}"


def group_of(spec: TrialSpec, *, by_unit: bool) -> str | None:
    """The name of the run above a trial's: its arm, in a relation its unit; None if that is the study's."""
    return (block_name(spec.block) or None) if by_unit else spec.arm


def param_texts(params: Mapping[str, Any]) -> dict[str, str]:
    """Nested parameters as `outer.inner` names with text values, as MLflow's table shows them."""
    leaves = [(path, _value_text(value)) for path, value in _leaves(params, ())]
    counts = Counter(".".join(path) for path, _ in leaves)

    def name_of(path: tuple[str, ...]) -> str:
        name = ".".join(path)
        # {a: {b.c: …}} and {a.b: {c: …}} would have one name
        return name if counts[name] == 1 else ".".join(part.replace(".", "_x2E_") for part in path)

    return {name_of(path): text for path, text in leaves}


def _leaves(params: Mapping[str, Any], above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, value in params.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, (*above, str(name)))
        else:
            yield (*above, str(name)), value


def _value_text(value: Any) -> str:
    text = ", ".join(as_text(item) for item in value) if isinstance(value, list | tuple) else as_text(value)
    return text[:LONGEST_VALUE]


def as_text(value: Any) -> str:
    """A value as MLflow shows it; a mapping reads the same before and after it was in the ledger."""
    return to_json(value) if isinstance(value, Mapping) and value else str(value)


def trial_params(spec: TrialSpec) -> dict[str, str]:
    """The parameters of a trial's run."""
    return param_texts({**spec.params, "seed": spec.seed})


def trial_tags(spec: TrialSpec) -> dict[str, str]:
    """The tags of a trial's run from its start on."""
    tags = {"saddle.level": "trial", "saddle.trial": spec.key, "saddle.study": spec.run.study}
    return tags if spec.arm is None else {**tags, "saddle.arm": spec.arm}


def measured(metrics: Mapping[str, float | None]) -> dict[str, float]:
    """An epoch's metrics that are numbers."""
    return {name: value for name, value in metrics.items() if value is not None and math.isfinite(value)}


def final_metrics(entry: TrialRecord) -> list[tuple[int, float, dict[str, float]]]:
    """What is measured after a trial's end: step, Unix seconds and metrics of each measurement, earliest first.

    The first one's step is the last epoch, that of each further one the next, so that MLflow shows the latest.
    """
    points = []
    for place, measurement in enumerate((*entry.earlier, measurement_of(entry))):
        last = {f"last_{name}": value for name, value in measurement.test_last.items()}
        points.append((entry.epochs + place, measurement.when, {**measurement.metrics, **last}))
    points[0][2]["seconds"] = entry.seconds
    return points


def final_tags(entry: TrialRecord, declared: Declarations) -> dict[str, str]:
    """The tags that a trial's run gets when it ends."""
    facts = {f"saddle.{name}": as_text(value) for name, value in entry.fingerprints.items()}
    if entry.earlier:
        facts["saddle.evaluation"] = settings(entry.evaluation.items()) or "as trained"
    why = {"saddle.why": entry.why} if entry.why else {}
    return {**facts, OUTCOME_TAG: entry.outcome, **why, **check_tags(entry, declared)}


def check_tags(entry: TrialRecord, declared: Declarations) -> dict[str, str]:
    """A tag for each item of the checklist, `pass: …`, and reasons against the badge; none if it was not run."""
    tags = {f"saddle.check.{check.item}": f"{check.verdict}: {check.says}" for check in entry.checks}
    against = reasons_against(entry, declared)
    return {**tags, "saddle.badge": f"withheld: {'; '.join(against)}"} if against else tags


def cut(tags: Mapping[str, str]) -> dict[str, str]:
    """Tags as MLflow accepts them."""
    return mlflow_names({name: value[:LONGEST_VALUE] for name, value in tags.items()})


def final_status(entry: TrialRecord) -> str:
    """MLflow's status for the way a trial ended."""
    return MEANINGS[Outcome(entry.outcome)].mlflow


def all_metrics(entry: TrialRecord) -> dict[str, dict[int, float]]:
    """Every point of a finished trial's run: metric, step, value."""
    points: dict[str, dict[int, float]] = {}
    for epoch, metrics in enumerate(entry.curve, start=1):
        for name, value in measured(metrics).items():
            points.setdefault(name, {})[epoch] = value
    for step, _, metrics in final_metrics(entry):
        for name, value in metrics.items():
            points.setdefault(name, {})[step] = value
    return points
