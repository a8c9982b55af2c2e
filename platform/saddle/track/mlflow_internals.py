"""Every private name of MLflow that is used, in one place; this file's tests say what breaks without each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # importing it takes seconds
    from mlflow.tracking import MlflowClient

KIND = {"mlflow.experimentKind": "custom_model_development"}
"""Lets MLflow 3 show training runs; an experiment without it opens as a GenAI one."""

PARENT_TAG = "mlflow.parentRunId"

SHARED_VIEW_TAG = "mlflow.sharedViewState."
"""Precedes the name of a view of the runs' page in an experiment's tags."""

INVALID_HOST = "Invalid Host header"
"""The beginning of a server's answer to a host name that is not among its `--allowed-hosts`."""

MOST_POINTS = 25_000
"""The most that MLflow returns; a call that gets as many may have lost some."""


def artifact_repository(address: str, tracking_uri: str) -> Any:
    """Where a run keeps its files; MLflow's client remembers it for the whole process, even if the run has moved."""
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    return get_artifact_repository(address, tracking_uri=tracking_uri)


def points_of_runs(client: MlflowClient, run_ids: Sequence[str], metric: str) -> Iterator[tuple[str, int, float]]:
    """Every point of a metric of these runs, as run, step and value: in one request where MLflow supports that."""
    store: Any = client._tracking_client.store
    points = None
    if hasattr(store, "get_metric_history_bulk"):
        rows = store.get_metric_history_bulk(list(run_ids), metric, MOST_POINTS)
        points = [(row.run_id, row.step, row.value) for row in rows]
    elif hasattr(store, "get_host_creds"):
        points = _ask_server(store, run_ids, metric)
    if points is not None and len(points) < MOST_POINTS:
        yield from points
        return
    for run_id in run_ids:
        for point in client.get_metric_history(run_id, metric):
            yield run_id, point.step, point.value


def _ask_server(store: Any, run_ids: Sequence[str], metric: str) -> list[tuple[str, int, float]] | None:
    """Ask as MLflow's own pages do; None if the server doesn't support the request."""
    from mlflow.utils.rest_utils import http_request

    parameters = [*(("run_id", run_id) for run_id in run_ids), ("metric_key", metric), ("max_results", MOST_POINTS)]
    answer = http_request(
        store.get_host_creds(), "/ajax-api/2.0/mlflow/metrics/get-history-bulk", "GET", params=parameters
    )
    if answer.status_code != 200:
        return None
    return [(row["run_id"], int(row["step"]), float(row["value"])) for row in answer.json()["metrics"]]
