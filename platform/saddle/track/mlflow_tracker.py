"""MLflow through the outbox: study → arm → seed in an ablation, study → unit → seed in a relation, or study → trial."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from saddle.design.blocks import block_name
from saddle.errors import HostRefused
from saddle.external_names import LONGEST_MLFLOW_NAME, mlflow_names, run_key, shorten
from saddle.redaction import redact
from saddle.store.base import Store
from saddle.store.files import driver_folder
from saddle.store.open import study_folder
from saddle.study.grey_levels import with_grey_levels
from saddle.study.trainable.declarations import UNDECLARED, Declarations
from saddle.track.artifact_root import relocate
from saddle.track.base import METRIC_TAG, NOTE, ArmSummary, StudySummary, Tracker
from saddle.track.client_settings import be_brief
from saddle.track.host_guard import host_refusal
from saddle.track.open_runs import Started
from saddle.track.outbox import Deliver, Outbox
from saddle.track.shared_views import arms_name, arms_view, units_view
from saddle.track.trial_payload import (
    check_tags,
    cut,
    final_metrics,
    final_status,
    final_tags,
    group_of,
    measured,
    param_texts,
    trial_params,
    trial_tags,
)
from saddle.trial.progress import TrialProgress
from saddle.trial.record import TrialRecord
from saddle.trial.run_id import STUDIES, RunId
from saddle.trial.spec import TrialSpec

log = logging.getLogger("saddle")

DELIVERY_TIMEOUT = 60
"""Seconds that an answer may take: a request given up too early may still be carried out, and then repeated."""


class MlflowTracker(Tracker):
    """A `Tracker` that writes operations to an outbox; the run's instance distinguishes it from others of its study."""

    def __init__(
        self,
        uri: str,
        run: RunId,
        store: Store,
        artifacts: str | None = None,
        declared: Declarations = UNDECLARED,
        *,
        by_unit: bool = False,
    ) -> None:
        be_brief(DELIVERY_TIMEOUT)
        folder = outbox_folder(store, run)

        def read(path: str) -> bytes:
            # written when the run's folder may have had another name, which now may be that of another run's
            return store.read(run.place(path) if path.startswith(f"{STUDIES}/") else path)

        def connect() -> Deliver:
            # importing MLflow takes seconds: here it costs the delivering thread's time, not the study's
            from mlflow.exceptions import MlflowException

            from saddle.track.mlflow_sink import MlflowSink

            relocate(store)
            try:
                return MlflowSink(uri, run.study, artifacts, read)
            except MlflowException as error:
                refusal = host_refusal(uri, str(error))
                if refusal is None:
                    raise
                self._warn_once(refusal)
                raise refusal from error

        self._run = run
        self._declared = declared
        self._by_unit = by_unit
        self._study = run.study
        self._root = run.instance
        self._warned = False
        self._arms: set[str] = set()
        self._reported: dict[str, set[int]] = {}
        self._outbox = Outbox(folder, connect)
        self._started = Started(folder / "started.json")

    def _warn_once(self, refusal: HostRefused) -> None:
        """Report at a study's start what waiting does not fix; the outbox would hide it until the end."""
        if not self._warned:
            self._warned = True
            log.warning("%s; until then, messages for MLflow wait in the outbox", refusal)

    def _key(self, *parts: str) -> str:
        return "/".join((self._root, *map(run_key, parts)))

    def _add_run(
        self,
        key: str,
        parent: str | None,
        name: str,
        start: float,
        tags: Mapping[str, str],
        params: Mapping[str, str],
        *,
        replaces_ended: bool = False,
    ) -> None:
        shown = shorten(with_grey_levels(name), LONGEST_MLFLOW_NAME)
        self._outbox.add({"do": "run", "key": key, "parent": parent, "name": shown,
                          "time": int(1000 * start), "tags": cut(tags), "params": mlflow_names(params),
                          "replaces_ended": replaces_ended})  # fmt: skip

    def _add_files(self, key: str, files: Sequence[str], folder: str | None = None) -> None:
        for path in files:
            self._outbox.add({"do": "file", "key": key, "path": path, "folder": folder})

    def _add_metrics(self, key: str, metrics: Mapping[str, float], step: int, when: float) -> None:
        if metrics:
            self._outbox.add(
                {"do": "metrics", "key": key, "values": mlflow_names(metrics), "step": step, "time": int(1000 * when)}
            )

    def _add_end(self, key: str, status: str, tags: Mapping[str, str], when: float) -> None:
        if tags:
            self._outbox.add({"do": "tags", "key": key, "values": cut(tags)})
        self._outbox.add({"do": "end", "key": key, "status": status, "time": int(1000 * when)})

    def start_study(
        self, params: Mapping[str, Any], tags: Mapping[str, str], files: Sequence[str], when: float | None = None
    ) -> None:
        tags = {**tags, "saddle.level": "study"}
        self._add_run(self._key(), None, self._study, when or time.time(), tags, param_texts(params))
        self._add_files(self._key(), files)

    def tag_study(self, tags: Mapping[str, str]) -> None:
        self._outbox.add({"do": "tags", "key": self._key(), "values": cut(tags)})

    def _parent(self, spec: TrialSpec, started: float) -> str:
        """The run above a trial's: its arm's or unit's, which is made with the first trial there, or the study's."""
        name = group_of(spec, by_unit=self._by_unit)
        if name is None:
            return self._key()
        key = self._key("arm", name)
        if name not in self._arms:
            self._arms.add(name)
            level = "unit" if self._by_unit else "arm"
            of_arm = {field: value for field, value in spec.settings.items() if field not in spec.block}
            settings = spec.block if self._by_unit else of_arm
            tags = {"saddle.level": level, f"saddle.{level}": name}
            self._add_run(key, self._key(), name, started, tags, param_texts(settings))
        return key

    def start_trial(self, trial: TrialProgress, *, resent: bool = False) -> None:
        """A trial begins or continues; unless it is `resent`, a run of it that has ended was of an earlier attempt."""
        spec = trial.spec
        self._started.add(spec.key)
        parent = self._parent(spec, trial.started)
        block = [block_name(spec.block)] if spec.block and not self._by_unit else []
        seed = " · ".join([f"seed {spec.seed}", *block])
        name = spec.key if spec.arm is None else f"{seed} · {spec.arm}"
        key, tags, params = self._key(spec.key), trial_tags(spec), trial_params(spec)
        self._add_run(key, parent, name, trial.started, tags, params, replaces_ended=not resent)

    def report(self, key: str, epoch: int, metrics: Mapping[str, float], time: float) -> None:
        self._reported.setdefault(key, set()).add(epoch)
        self._add_metrics(self._key(key), metrics, epoch, time)

    def _add_unreported_epochs(self, entry: TrialRecord) -> None:
        """Add epochs that were over before this driver knew the trial, and that a killed one may not have reported."""
        reported = self._reported.pop(entry.key, set())
        for epoch, (metrics, when) in enumerate(zip(entry.curve, entry.epoch_times, strict=True), start=1):
            if epoch not in reported:
                self._add_metrics(self._key(entry.key), measured(metrics), epoch, when)

    def finish_trial(self, entry: TrialRecord, files: Sequence[str]) -> None:
        key = self._key(entry.key)
        self._add_unreported_epochs(entry)
        for step, when, metrics in final_metrics(entry):
            self._add_metrics(key, metrics, step, when)
        self._add_files(key, files)
        self._add_end(key, final_status(entry), final_tags(entry, self._declared), entry.ended)
        self._started.remove(entry.key)

    def measure_again(self, entry: TrialRecord, files: Sequence[str]) -> None:
        key = self._key(entry.key)
        # all of them, as a driver that was stopped may not have sent the one before; a resend changes nothing
        for step, when, metrics in final_metrics(entry)[1:]:
            self._add_metrics(key, metrics, step, when)
        self._add_files(key, files)
        self._outbox.add({"do": "tags", "key": key, "values": cut(final_tags(entry, self._declared))})

    def note_checks(self, entry: TrialRecord) -> None:
        self._outbox.add({"do": "tags", "key": self._key(entry.key), "values": cut(check_tags(entry, self._declared))})

    def settle(self, finished: Iterable[TrialRecord]) -> None:
        for entry in finished:
            if entry.key in self._started:
                self.finish_trial(entry, list(entry.images.values()))

    def finish_study(
        self,
        status: str,
        arms: Mapping[str, ArmSummary],
        answer: StudySummary,
        files: Sequence[str],
        when: float | None = None,
    ) -> None:
        then = when or time.time()
        for arm in sorted({*self._arms, *arms}):
            summary = arms.get(arm, ArmSummary({}))
            self._add_metrics(self._key("arm", arm), summary.metrics, 0, then)
            self._add_name(self._key("arm", arm), summary.name)
            self._add_end(self._key("arm", arm), status, summary.tags, then)
        self._add_view(arms)
        self._add_files(self._key(), files)
        self._add_metrics(self._key(), answer.metrics, 0, then)
        described = {NOTE: answer.description} if answer.description else {}
        if described:
            self._outbox.add({"do": "describe", "key": self._key(), "text": cut(described)[NOTE]})
        self._add_end(self._key(), status, {**answer.tags, **described}, then)
        # trials that ran when the driver was stopped, and all that a killed one left
        self._outbox.add(
            {
                "do": "sweep",
                "key": self._key(),
                "status": {"arm": status, "unit": status, "trial": "KILLED"},
                "time": int(1000 * then),
            }
        )

    def _add_name(self, key: str, name: str) -> None:
        if name:
            self._outbox.add({"do": "name", "key": key, "name": shorten(with_grey_levels(name), LONGEST_MLFLOW_NAME)})

    def _add_view(self, arms: Mapping[str, ArmSummary]) -> None:
        """Let MLflow's page show the arms with the columns that compare them."""
        metric = next((arm.tags[METRIC_TAG] for arm in arms.values() if METRIC_TAG in arm.tags), None)
        if metric is not None:
            state = units_view(self._root) if self._by_unit else arms_view(metric, self._root)
            self._outbox.add({"do": "view", "key": self._key(), "name": arms_name(self._root), "state": state})

    def remove_runs(self, key: str, runs: Sequence[str]) -> None:
        """Delete these runs of a trial, so that what is sent about it next creates a new one."""
        self._outbox.add({"do": "remove", "key": self._key(key), "runs": list(runs)})

    def close(self, timeout: float) -> str | None:
        backlog = self._outbox.close(timeout)
        if not backlog.operations:
            return None
        reason = redact(backlog.error) if backlog.error else "no answer yet"
        return f"{backlog.operations} messages for MLflow wait in the outbox ({reason})"


def outbox_folder(store: Store, run: RunId) -> Path:
    """Where a run's messages for MLflow wait, on this machine."""
    return driver_folder(store, f"{study_folder(run)}/outbox")
