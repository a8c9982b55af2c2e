"""Delivers the outbox's operations to MLflow, each of them idempotent."""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from saddle.track.outbox import Operation

KEY_TAG = "saddle.key"
KIND = {"mlflow.experimentKind": "custom_model_development"}
"""Lets MLflow 3 show training runs; an experiment without it opens as a GenAI one."""

PERMANENT = frozenset({"INVALID_PARAMETER_VALUE", "BAD_REQUEST", "RESOURCE_ALREADY_EXISTS", "FEATURE_DISABLED"})
"""Errors that no second attempt mends."""

METRICS_PER_CALL = 1000
PARAMS_PER_CALL = 100


class MlflowSink:
    """Turns operations into calls of `MlflowClient`; the runs they speak of are found by their key."""

    def __init__(
        self, uri: str, experiment: str, artifacts: str | None, folder: Path, read: Callable[[str], bytes]
    ) -> None:
        """`read` gives the files that operations name; `folder` keeps which runs are known."""
        for name in ("mlflow", "alembic"):  # their news about tables and migrations is nobody's here
            logging.getLogger(name).setLevel(logging.WARNING)
        self._read = read
        self.client = MlflowClient(tracking_uri=uri)
        found = self.client.get_experiment_by_name(experiment)
        self.experiment_id = (
            found.experiment_id if found else self.client.create_experiment(experiment, artifacts, KIND)
        )
        self._known_path = folder / f"runs-{self.experiment_id}.json"
        self._known: dict[str, str] = json.loads(self._known_path.read_text()) if self._known_path.exists() else {}

    def __call__(self, operations: Sequence[Operation]) -> None:
        """Deliver a batch in order, metrics of the same run in one call."""
        metrics: dict[str, list[Metric]] = {}
        for operation in operations:
            if operation["do"] == "metrics":
                points = [Metric(n, v, operation["time"], operation["step"]) for n, v in operation["values"].items()]
                metrics.setdefault(operation["key"], []).extend(points)
                continue
            self._send_metrics(metrics)
            try:
                getattr(self, f"_{operation['do']}")(operation)
            except MlflowException as error:
                if error.error_code not in PERMANENT:
                    raise
                # sent again it would be refused again, and block all that waits behind it
                logging.getLogger("saddle").warning("MLflow refused %s: %s", operation, error)
        self._send_metrics(metrics)

    def _send_metrics(self, waiting: dict[str, list[Metric]]) -> None:
        for key, points in waiting.items():
            for start in range(0, len(points), METRICS_PER_CALL):
                self.client.log_batch(self._run_id(key), metrics=points[start : start + METRICS_PER_CALL])
        waiting.clear()

    def _run(self, operation: Operation) -> None:
        """Create a run, or take up the one with this key again."""
        run_id = self._find(operation["key"])
        if run_id is None:
            tags = {**operation["tags"], KEY_TAG: operation["key"]}
            if operation["parent"] is not None:
                tags[MLFLOW_PARENT_RUN_ID] = self._run_id(operation["parent"])
            run = self.client.create_run(
                self.experiment_id, start_time=operation["time"], tags=tags, run_name=operation["name"]
            )
            run_id = run.info.run_id
        else:
            self.client.update_run(run_id, status="RUNNING")
        self._remember(operation["key"], run_id)
        params = [Param(name, value) for name, value in operation["params"].items()]
        for start in range(0, len(params), PARAMS_PER_CALL):
            self.client.log_batch(run_id, params=params[start : start + PARAMS_PER_CALL])

    def _tags(self, operation: Operation) -> None:
        tags = [RunTag(name, value) for name, value in operation["values"].items()]
        self.client.log_batch(self._run_id(operation["key"]), tags=tags)

    def _file(self, operation: Operation) -> None:
        try:
            content = self._read(operation["path"])
        except FileNotFoundError:
            return  # thrown away since, with `--fresh` or by hand
        with tempfile.TemporaryDirectory(prefix="saddle-file-") as folder:
            copy = Path(folder) / PurePosixPath(operation["path"]).name
            copy.write_bytes(content)
            self.client.log_artifact(self._run_id(operation["key"]), str(copy), operation["folder"])

    def _end(self, operation: Operation) -> None:
        self.client.set_terminated(self._run_id(operation["key"]), operation["status"], operation["time"])

    def _run_id(self, key: str) -> str:
        run_id = self._find(key)
        if run_id is None:
            raise MlflowException(f"no run has the key {key}")
        return run_id

    def _find(self, key: str) -> str | None:
        """The run with this key; asked of the server where this outbox doesn't know, as after a crash."""
        if key not in self._known:
            runs: Any = self.client.search_runs([self.experiment_id], f"tags.`{KEY_TAG}` = '{key}'", max_results=1)
            if runs:
                self._remember(key, runs[0].info.run_id)
        return self._known.get(key)

    def _remember(self, key: str, run_id: str) -> None:
        if self._known.get(key) != run_id:
            self._known[key] = run_id
            self._known_path.write_text(json.dumps(self._known))
