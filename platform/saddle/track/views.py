"""Views of MLflow's page of runs that saddle prepares: MLflow opens them by name, as it does those that users share."""

from __future__ import annotations

import json

ARMS = "saddle-arms"
"""The arms of an ablation alone, the largest effect first, with the columns that compare them."""

SHARED_VIEW_TAG = "mlflow.sharedViewState."
"""What the tag of an experiment is called that holds a view; MLflow's page reads it for `viewStateShareKey`."""

EFFECT_COLUMNS = ("effect.mean", "effect.low", "effect.high", "effect.p", "effect.n", "failure.rate")


def arms_view(metric: str) -> str:
    """The view `ARMS` of an ablation that compares `metric`, as MLflow's page stores views."""
    columns = [
        "attributes.`Created`",
        "tags.`saddle.verdict`",
        *(f"metrics.`{name}`" for name in (*EFFECT_COLUMNS, metric, f"{metric}.sd")),
    ]
    return json.dumps(
        {
            "searchFilter": "tags.`saddle.level` = 'arm'",
            "orderByKey": "metrics.`effect.mean`",
            "orderByAsc": False,
            "startTime": "ALL",
            "lifecycleFilter": "Active",
            "modelVersionFilter": "All Runs",
            "datasetsFilter": [],
            "selectedColumns": columns,
            "runsPinned": [],
            "runsHidden": [],
            "runsExpanded": {},
            "runListHidden": False,
        }
    )
