"""The runs of an MLflow experiment as a table: parameters, last values of metrics, and tags."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from saddle.archive.imported.table import ResultTable, digest_of_rows
from saddle.errors import TableError
from saddle.redaction import redact
from saddle.study.nearest import nearest
from saddle.track.mlflow_internals import PARENT_TAG

PREFIX = "mlflow:"
PAGE = 1000
WITHOUT_RESULT = ("FAILED", "KILLED")
"""A run that ended in one of these ways has no result, even if it had logged some."""
NOT_ENDED = ("RUNNING", "SCHEDULED")


def read_experiment(address: str) -> ResultTable:
    """A row for each run of `mlflow:EXPERIMENT` at `MLFLOW_TRACKING_URI`, with the columns of `mlflow.search_runs`.

    `params.NAME`, `metrics.NAME`, `tags.NAME`, `run_id`, `run_name` and `status`. Runs that others are nested in are
    left out, and so are runs that have not ended. Failed runs have empty metrics. Raises `TableError`.
    """
    import mlflow.exceptions

    name = address.removeprefix(PREFIX)
    try:
        rows = list(_rows(name))
    except mlflow.exceptions.MlflowException as error:
        raise TableError([f"MLflow does not answer for {address}: {redact(str(error))}"]) from error
    columns = list(dict.fromkeys(column for row in rows for column in row))
    complete = [{column: row.get(column) for column in columns} for row in rows]
    return ResultTable(address, digest_of_rows(complete), columns, complete, [f"run {row['run_id']}" for row in rows])


def _rows(name: str) -> Iterator[dict[str, Any]]:
    from mlflow.tracking import MlflowClient

    client = MlflowClient()
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        names = [other.name for other in client.search_experiments(max_results=PAGE)]
        hint = nearest(name, names)
        right = f"did you mean {hint}?" if hint else f"there are: {', '.join(names)}"
        raise TableError([f"MLflow has no experiment {name!r}; {right} (its address is MLFLOW_TRACKING_URI)"])
    runs = list(_runs(client, experiment.experiment_id))
    parents = {run.data.tags.get(PARENT_TAG) for run in runs}
    for run in sorted(runs, key=lambda run: (run.info.start_time, run.info.run_id)):
        if run.info.run_id not in parents and run.info.status not in NOT_ENDED:
            yield _row(run)


def _runs(client: Any, experiment: str) -> Iterator[Any]:
    token = None
    while True:
        page = client.search_runs([experiment], max_results=PAGE, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _row(run: Any) -> dict[str, Any]:
    metrics = {} if run.info.status in WITHOUT_RESULT else run.data.metrics
    return {
        "run_id": run.info.run_id,
        "run_name": run.info.run_name,
        "status": run.info.status,
        **{f"params.{name}": value for name, value in run.data.params.items()},
        **{f"metrics.{name}": value for name, value in metrics.items()},
        **{f"tags.{name}": value for name, value in run.data.tags.items() if not name.startswith("mlflow.")},
    }
