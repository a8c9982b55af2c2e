"""Views of MLflow's page of runs that saddle prepares: MLflow opens them by name, as it does those that users share."""

from __future__ import annotations

import json
from collections.abc import Sequence

from saddle.external_names import mlflow_name

KEY_TAG = "saddle.key"
"""The tag that identifies a run: the instance of its study's run, and its role in it."""

OUTCOME_TAG = "saddle.outcome"
"""How a trial ended; its run has none before."""

LEVEL_TAG = "saddle.level"
"""The tag that says whether a run is that of a study, an arm, a unit or a trial."""

ARMS = "saddle-arms"
"""The arms of an ablation alone, the largest effect first, with the columns that compare them; of all its runs where an
older saddle made it."""

UNIT_COLUMNS = ("relation.x", "relation.gain", "relation.low", "relation.high", "relation.weight", "relation.seeds")
EFFECT_COLUMNS = ("effect.mean", "effect.low", "effect.high", "effect.p")
"""MLflow's page sorts columns by their names; it should show only what a reader compares."""


def arms_name(instance: str) -> str:
    """The name of the view of the arms of one run of an ablation."""
    return f"{ARMS}-{instance}"


def only_of(instance: str) -> str:
    """The filter with which MLflow shows one run of a study and no other."""
    return f"tags.`{KEY_TAG}` LIKE '{instance}%'"


def arms_view(metric: str, instance: str) -> str:
    """The view of the arms of one run of an ablation that compares `metric`, as MLflow's page stores views."""
    columns = [
        "tags.`saddle.verdict`",
        *(f"metrics.`{mlflow_name(name)}`" for name in (metric, *EFFECT_COLUMNS)),
    ]
    return _view("arm", instance, columns, "effect.mean")


def units_view(instance: str) -> str:
    """The view of the units of one run of a relation, by their gain."""
    columns = ["tags.`saddle.family`", *(f"metrics.`{mlflow_name(name)}`" for name in UNIT_COLUMNS)]
    return _view("unit", instance, columns, "relation.gain")


def _view(level: str, instance: str, columns: Sequence[str], ordered_by: str) -> str:
    return json.dumps(
        {
            "searchFilter": f"tags.`{LEVEL_TAG}` = '{level}' AND {only_of(instance)}",
            "orderByKey": f"metrics.`{ordered_by}`",
            "orderByAsc": False,
            "startTime": "ALL",
            "lifecycleFilter": "Active",
            "modelVersionFilter": "All Runs",
            "datasetsFilter": [],
            "selectedColumns": list(columns),
            "runsPinned": [],
            "runsHidden": [],
            "runsExpanded": {},
            "runListHidden": False,
        }
    )
