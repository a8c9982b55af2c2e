"""The MLflow runs of a study, read in few calls: pages of runs, and the points of a metric for many runs at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from saddle.track.shared_views import KEY_TAG, only_of

PAGE = 1000
RUNS_PER_CALL = 100
MOST_POINTS = 25_000
"""What MLflow answers at most; a call that gets as many may have lost some."""

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
        found: dict[str, list[Point]] = defaultdict(list)
        for start in range(0, len(run_ids), RUNS_PER_CALL):
            for run_id, step, value in self._points(run_ids[start : start + RUNS_PER_CALL], metric):
                found[run_id].append((step, value))
        return found

    def _points(self, run_ids: Sequence[str], metric: str) -> Iterator[tuple[str, int, float]]:
        store: Any = self.client._tracking_client.store
        if hasattr(store, "get_metric_history_bulk"):
            rows = store.get_metric_history_bulk(list(run_ids), metric, MOST_POINTS)
            if len(rows) < MOST_POINTS:
                yield from ((row.run_id, row.step, row.value) for row in rows)
                return
        elif hasattr(store, "get_host_creds"):
            rows = self._ask_server(store, run_ids, metric)
            if rows is not None and len(rows) < MOST_POINTS:
                yield from ((row["run_id"], int(row["step"]), float(row["value"])) for row in rows)
                return
        for run_id in run_ids:
            for point in self.client.get_metric_history(run_id, metric):
                yield run_id, point.step, point.value

    def _ask_server(self, store: Any, run_ids: Sequence[str], metric: str) -> list[dict[str, Any]] | None:
        """Ask as MLflow's own pages do; None where the server doesn't know the question."""
        from mlflow.utils.rest_utils import http_request

        asked = [*(("run_id", run_id) for run_id in run_ids), ("metric_key", metric), ("max_results", MOST_POINTS)]
        answer = http_request(
            store.get_host_creds(), "/ajax-api/2.0/mlflow/metrics/get-history-bulk", "GET", params=asked
        )
        if answer.status_code != 200:
            return None
        rows: list[dict[str, Any]] = answer.json()["metrics"]
        return rows


def read_runs(client: MlflowClient, experiment_id: str, instance: str) -> Runs:
    """All runs of one instance of a study, those deleted left out."""
    found: dict[str, list[Run]] = defaultdict(list)
    wanted, token = only_of(instance), None
    while True:
        page = client.search_runs([experiment_id], wanted, max_results=PAGE, page_token=token)
        for run in page:
            found[run.data.tags[KEY_TAG].removeprefix(instance).removeprefix("/")].append(run)
        token = page.token
        if not token:
            return Runs(client, experiment_id, found)
