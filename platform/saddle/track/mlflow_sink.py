"""Delivers the outbox's operations to MLflow, each of them idempotent."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from mlflow.entities import Metric, Param, Run, RunTag
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from requests import HTTPError

from saddle.errors import Damaged, ForeignPath
from saddle.redaction import redact
from saddle.store.scratch import scratch_folder
from saddle.track.base import NOTE
from saddle.track.mlflow_internals import KIND, PARENT_TAG, SHARED_VIEW_TAG, artifact_repository
from saddle.track.outbox import Operation
from saddle.track.shared_views import KEY_TAG, LEVEL_TAG, OUTCOME_TAG

PERMANENT = frozenset({"INVALID_PARAMETER_VALUE", "BAD_REQUEST", "RESOURCE_ALREADY_EXISTS", "FEATURE_DISABLED"})
"""Errors that a second attempt does not fix."""

WORTH_ANOTHER_TRY = frozenset({401, 403, 404, 408, 425, 429})
"""Answers to an upload that a server may give now and not later, in addition to its own errors."""

FIELDS: Mapping[str, Mapping[str, type | tuple[type, ...]]] = {
    "run": {"key": str, "parent": (str, type(None)), "name": str, "time": int, "tags": dict, "params": dict},
    "metrics": {"key": str, "values": dict, "step": int, "time": int},
    "tags": {"key": str, "values": dict},
    "file": {"key": str, "path": str, "folder": (str, type(None))},
    "end": {"key": str, "status": str, "time": int},
    "view": {"key": str, "name": str, "state": str},
    "describe": {"key": str, "text": str},
    "name": {"key": str, "name": str},
    "remove": {"key": str, "runs": list},
    "sweep": {"key": str, "status": dict, "time": int},
    "nothing": {},
}
"""What an operation of each kind holds; one that lacks any of it was damaged, and would block all that waits behind it.

The kind, which comes from a file, is the name of a method.
"""

PER_CALL = {"metrics": 1000, "params": 100, "tags": 100}
PAGE = 500

log = logging.getLogger("saddle")


def is_whole(operation: Operation) -> bool:
    """Whether the operation is of a known kind and has all it needs."""
    fields = FIELDS.get(operation["do"]) if isinstance(operation.get("do"), str) else None
    return fields is not None and all(
        name in operation and isinstance(operation[name], kind) for name, kind in fields.items()
    )


class Refused(Exception):
    """A second attempt will not fix it."""


class MlflowSink:
    """Turns operations into calls of `MlflowClient`; the runs that they name are found by their key."""

    def __init__(self, uri: str, experiment: str, artifacts: str | None, read: Callable[[str], bytes]) -> None:
        """`read` gives the files that operations name."""
        for name in ("mlflow", "alembic"):  # their messages about tables and migrations don't concern the user
            logging.getLogger(name).setLevel(logging.WARNING)
        self._read = read
        self.client = MlflowClient(tracking_uri=uri)
        existing = self.client.get_experiment_by_name(experiment)
        if existing is not None and existing.lifecycle_stage != "active":
            raise Refused(
                f"the experiment {experiment} was deleted in MLflow; restore it there, or delete it permanently"
            )
        self.experiment_id: str = (
            existing.experiment_id if existing else self.client.create_experiment(experiment, artifacts, KIND)
        )
        self._uri = uri
        self._known: dict[str, str] = {}
        self._repositories: dict[str, Any] = {}

    def __call__(self, operations: Sequence[Operation]) -> Iterator[int]:
        """Deliver a batch in order, metrics of the same run in one call; yields how many are delivered."""
        waiting: dict[str, list[Metric]] = {}
        for index, operation in enumerate(operations):
            do = operation["do"] if is_whole(operation) else "nothing"
            if do == "metrics":
                points = [Metric(n, v, operation["time"], operation["step"]) for n, v in operation["values"].items()]
                waiting.setdefault(operation["key"], []).extend(points)
                continue
            if waiting:
                self._send_metrics(waiting)
                yield index
            self._unless_refused(do, operation.get("key"), getattr(self, f"_{do}"), operation)
            yield index + 1
        if waiting:
            self._send_metrics(waiting)
            yield len(operations)

    def _unless_refused(self, kind: str, key: str | None, call: Callable[..., None], *arguments: Any) -> None:
        """Call; what is refused now would be refused again, and block all that waits behind it."""
        try:
            call(*arguments)
        except Refused as error:
            log.warning("MLflow refused %s of %s: %s", kind, key, error)
        except MlflowException as error:
            if error.error_code not in PERMANENT:
                raise
            log.warning("MLflow refused %s of %s: %s", kind, key, redact(str(error))[:500])

    def _send_metrics(self, waiting: dict[str, list[Metric]]) -> None:
        for key, points in waiting.items():
            self._unless_refused("metrics", key, self._send, key, "metrics", points)
        waiting.clear()

    def _send(self, key: str, kind: str, items: Sequence[Any]) -> None:
        """Log metrics, params or tags; of a refused batch, all is sent except what it was refused for."""
        run_id = self._run_id(key)
        for start in range(0, len(items), PER_CALL[kind]):
            part = items[start : start + PER_CALL[kind]]
            try:
                self.client.log_batch(run_id, **{kind: part})
            except MlflowException as error:
                if error.error_code not in PERMANENT:
                    raise
                if len(part) == 1 or self.client.get_run(run_id).info.lifecycle_stage != "active":
                    raise
                for half in (part[: len(part) // 2], part[len(part) // 2 :]):
                    self._unless_refused(kind, key, self._send, key, kind, half)

    def _nothing(self, operation: Operation) -> None:
        log.warning("a line of the outbox was damaged; `saddle verify` lists what MLflow lacks")

    def _run(self, operation: Operation) -> None:
        """Create a run, or continue the one with this key.

        With `replaces_ended` a trial's run that has ended is deleted first: the trial was started over since, and its
        epochs would be stored twice.
        """
        key, run_id = operation["key"], self._find(operation["key"])
        if run_id is not None and operation.get("replaces_ended") and self._has_ended(run_id):
            self.client.delete_run(run_id)
            del self._known[key]
            run_id = self._find(key)
        tags = {KEY_TAG: key}
        if operation["parent"] is not None:
            tags[PARENT_TAG] = self._run_id(operation["parent"])
        if run_id is None:
            run = self.client.create_run(
                self.experiment_id, start_time=operation["time"], tags=tags, run_name=operation["name"]
            )
            self._known[key] = run.info.run_id
        else:
            self.client.update_run(run_id, status="RUNNING")
        params = [Param(name, value) for name, value in operation["params"].items()]
        for kind, items in (("tags", as_tags({**tags, **operation["tags"]})), ("params", params)):
            self._unless_refused(kind, key, self._send, key, kind, items)

    def _has_ended(self, run_id: str) -> bool:
        return OUTCOME_TAG in self.client.get_run(run_id).data.tags

    def _tags(self, operation: Operation) -> None:
        self._send(operation["key"], "tags", as_tags(operation["values"]))

    def _file(self, operation: Operation) -> None:
        try:
            content = self._read(operation["path"])
        except FileNotFoundError:
            return  # removed since, with `--fresh` or manually
        except (Damaged, ForeignPath) as error:
            raise Refused(str(error)) from error
        run_id = self._run_id(operation["key"])
        with scratch_folder() as folder:
            copy = folder / PurePosixPath(operation["path"]).name
            copy.write_bytes(content)
            try:
                self._repository(run_id).log_artifact(str(copy), operation["folder"])
            except PermissionError as error:  # a server that keeps files where only it may write
                raise Refused(f"{error.strerror}: {error.filename}") from error
            except HTTPError as error:
                status = 0 if error.response is None else error.response.status_code
                if 400 <= status < 500 and status not in WORTH_ANOTHER_TRY:
                    raise Refused(f"{operation['path']} was answered with {status}") from error
                raise

    def _repository(self, run_id: str) -> Any:
        """Where the run keeps its files, asked once per study: a storage and its copy have runs of the same ids."""
        if run_id not in self._repositories:
            address = self.client.get_run(run_id).info.artifact_uri
            self._repositories[run_id] = artifact_repository(address, self._uri)
        return self._repositories[run_id]

    def _end(self, operation: Operation) -> None:
        key = operation["key"]
        if runs := self._all_of(key):
            self._keep_one(key, runs)
        run_id = self._run_id(key)
        self.client.set_terminated(run_id, operation["status"], operation["time"])

    def _describe(self, operation: Operation) -> None:
        """Let the page of all runs begin with the study's result."""
        self.client.set_experiment_tag(self.experiment_id, NOTE, operation["text"])

    def _name(self, operation: Operation) -> None:
        self.client.update_run(self._run_id(operation["key"]), name=operation["name"])

    def _view(self, operation: Operation) -> None:
        """Store a view of the runs' page under its name."""
        self.client.set_experiment_tag(self.experiment_id, SHARED_VIEW_TAG + operation["name"], operation["state"])

    def _remove(self, operation: Operation) -> None:
        """Delete runs, which MLflow keeps among its deleted ones."""
        for run_id in operation["runs"]:
            self.client.delete_run(run_id)
        self._known.pop(operation["key"], None)

    def _sweep(self, operation: Operation) -> None:
        """End the runs below a study that no driver ended, because it was stopped or killed.

        Duplicates are deleted here once more: a run that was given up may be created after the other one was ended.
        """
        root, levels = operation["key"], operation["status"]
        by_key: dict[str, list[Run]] = defaultdict(list)
        for run in (*self._all_of(root), *self._search(f"tags.`{KEY_TAG}` LIKE '{root}/%'")):
            by_key[run.data.tags[KEY_TAG]].append(run)
        for key, runs in by_key.items():
            run = self._keep_one(key, runs)
            if run.info.status == "RUNNING":
                status = levels.get(run.data.tags.get(LEVEL_TAG), "KILLED")
                self.client.set_terminated(run.info.run_id, status, operation["time"])

    def _run_id(self, key: str) -> str:
        run_id = self._find(key)
        if run_id is None:  # its run was refused or deleted, or the study ran without tracking until now
            raise Refused(f"no run has the key {key}")
        return run_id

    def _find(self, key: str) -> str | None:
        """The run with this key; looked up at the server if this sink doesn't know it, as after a crash."""
        if key not in self._known and (runs := self._all_of(key)):
            self._known[key] = runs[0].info.run_id
        return self._known.get(key)

    def _all_of(self, key: str) -> list[Run]:
        """The runs with this key, the one with most in it first.

        There may be two where a server was so slow that the first was given up before it was made.
        """
        return sorted(self._search(f"tags.`{KEY_TAG}` = '{key}'"), key=fullest_first)

    def _search(self, condition: str) -> list[Run]:
        """All runs of the experiment that are not deleted and meet the condition."""
        runs: list[Run] = []
        token = None
        while True:
            page = self.client.search_runs([self.experiment_id], condition, max_results=PAGE, page_token=token)
            runs += page
            token = page.token
            if not token:
                return runs

    def _keep_one(self, key: str, runs: Sequence[Run]) -> Run:
        """Of the runs with this key delete all but the one that was written to, and return that."""
        written_to = self._known.get(key)
        chosen, *others = sorted(runs, key=lambda run: (run.info.run_id != written_to, fullest_first(run)))
        for run in others:
            self.client.delete_run(run.info.run_id)
        return chosen


def fullest_first(run: Run) -> tuple[int, int, str]:
    return -len(run.data.metrics), -len(run.data.params), run.info.run_id


def as_tags(values: Mapping[str, str]) -> list[RunTag]:
    return [RunTag(name, value) for name, value in values.items()]
