"""The MLflow runs of a study, read in few calls: pages of runs, and the points of a metric for many runs together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from saddle.track.mlflow_internals import points_of_runs
from saddle.track.shared_views import KEY_TAG, only_of

PAGE = 1000
RUNS_PER_CALL = 100
Point = tuple[int, float]
"""Step and value."""


@dataclass
class Runs:
    """The runs of one instance of a study by key, the part of `saddle.key` after the instance; "" is the study's."""

    client: MlflowClient
    experiment_id: str
    by_key: Mapping[str, list[Run]] = field(default_factory=dict)

    def points(self, run_ids: Sequence[str], metric: str) -> Mapping[str, list[Point]]:
        """Every point of a metric, by run."""
        points: dict[str, list[Point]] = defaultdict(list)
        for start in range(0, len(run_ids), RUNS_PER_CALL):
            for run_id, step, value in points_of_runs(self.client, run_ids[start : start + RUNS_PER_CALL], metric):
                points[run_id].append((step, value))
        return points


def read_runs(client: MlflowClient, experiment_id: str, instance: str) -> Runs:
    """All runs of one instance of a study, those deleted left out."""
    by_key: dict[str, list[Run]] = defaultdict(list)
    wanted, token = only_of(instance), None
    while True:
        page = client.search_runs([experiment_id], wanted, max_results=PAGE, page_token=token)
        for run in page:
            by_key[run.data.tags[KEY_TAG].removeprefix(instance).removeprefix("/")].append(run)
        token = page.token
        if not token:
            return Runs(client, experiment_id, by_key)
