"""Measures one stored trial again, in any process."""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Callable, Hashable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from saddle.archive.lookup import FoundTrial
from saddle.archive.model.models import stored_state
from saddle.archive.model.trial_arrays import stored_arrays
from saddle.archive.studies import StoredStudy
from saddle.errors import Damaged, ForeignPath, NotFound
from saddle.execute.fingerprint import checksum_of_code, fingerprint_code, fingerprint_data
from saddle.execute.worker.artifacts import store_arrays, store_images
from saddle.execute.worker.run_context import DataCache
from saddle.execute.worker.trainable_calls import exits_are_failures
from saddle.execute.worker.trial_runner import working_folders
from saddle.redaction import redact
from saddle.store.base import Store
from saddle.store.infrastructure_errors import full_folder, infrastructure_error
from saddle.store.open import open_store, trial_folder
from saddle.study.trainable.best_minus_last import best_minus_last
from saddle.study.trainable.loading import LoadedTrainable, load_trainable
from saddle.trial.json_text import to_json
from saddle.trial.measurement import Measurement
from saddle.trial.placement import Placement
from saddle.trial.record import TrialRecord
from trainables.contract import InProcessRun, Report

T = TypeVar("T")

MEASURED_WITH = "measured_with"
"""The fingerprint that says which code measured a trial again."""


@dataclass
class EvaluationRun(InProcessRun):
    """A run of one process that keeps for the next trial what a warm worker keeps."""

    cache: DataCache = field(default_factory=lambda: DataCache(None))

    def data(self, name: Any) -> Any:
        return self.cache.get(name)

    def cached(self, key: Hashable, make: Callable[[], T]) -> T:
        value: T = self.cache.made.get(key, make)
        return value

    def shared(self, key: Hashable, make: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
        return self.cache.shared_state(key, make)


@dataclass(frozen=True)
class MeasureMessage:
    """A trial that is to be measured again, where, with which settings and under which number; travels as JSON."""

    key: str
    study: str
    """The name of the run."""
    evaluation: Mapping[str, Any]
    number: int
    placement: Placement

    def dump(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def parse(cls, text: str) -> MeasureMessage:
        raw = json.loads(text)
        return cls(**{**raw, "placement": Placement(**raw["placement"])})


@dataclass(frozen=True)
class MeasuredMessage:
    """What came of it: a measurement, why the trial has none, or what the machine, disk or network did."""

    key: str
    measurement: Measurement | None = None
    why: str = ""
    fault: str = ""

    def dump(self) -> str:
        return to_json(asdict(self))

    @classmethod
    def parse(cls, text: str) -> MeasuredMessage:
        raw = json.loads(text)
        measurement = raw.pop("measurement")
        return cls(measurement=None if measurement is None else Measurement.parse(measurement), **raw)


def measure_again(message: MeasureMessage, cache: DataCache) -> MeasuredMessage:
    """Measure a trial's checkpoints with other settings; an error of the trainable is reported for that trial alone."""
    try:
        return MeasuredMessage(message.key, _measure(message, cache))
    except (NotFound, Damaged, ForeignPath) as error:  # no checkpoint, or one that can't be used
        return MeasuredMessage(message.key, why=str(error))
    except Exception as error:  # a trainable's own
        fault = infrastructure_error(error) or full_folder(working_folders(message.placement.storage))
        if fault is not None:
            return MeasuredMessage(message.key, fault=str(fault))
        lines = traceback.format_exception_only(error)
        return MeasuredMessage(message.key, why=redact(lines[-1].strip()))


def _measure(message: MeasureMessage, cache: DataCache) -> Measurement:
    from saddle.archive.studies import read_study
    from saddle.store.ledger.ledger import Ledger

    placement = message.placement
    store = open_store(placement.storage, create=False)
    stored = read_study(store, message.study)
    if stored is None:
        raise NotFound(f"no study {message.study} in {store.url}")
    entry = Ledger(store, stored.run).get(message.key)
    trainable = load_trainable(stored.study.source)
    device = "cuda" if placement.gpus_per_worker > 0 else "cpu"
    cache.share_in(store, stored.run, lambda: checksum_of_code(trainable))
    run = EvaluationRun(entry.seed, placement.data_root, device, cache=cache)
    with exits_are_failures():
        config = trainable.Config.model_validate({**entry.params, **message.evaluation})
        report = test_again(trainable, config, store, stored, entry, run)
        last = _test_last(trainable, config, store, FoundTrial(stored, entry), report, run)
    folder = f"{trial_folder(stored.run, entry.key)}/measured-{message.number:04d}-{placement.token}"
    return Measurement(
        evaluation=dict(message.evaluation),
        metrics={**report.metrics, **best_minus_last(trainable.metrics, report.metrics, last)},
        test_last=last,
        arrays=store_arrays(store, f"{folder}/arrays", report.arrays),
        images=store_images(store, f"{folder}/images", report.images),
        fingerprints={
            **fingerprint_data(config, run),
            **report.fingerprints,
            MEASURED_WITH: fingerprint_code(trainable),
        },
        when=time.time(),
    )


def test_again(
    trainable: LoadedTrainable, config: Any, store: Store, stored: StoredStudy, entry: TrialRecord, run: InProcessRun
) -> Report:
    """The test of the selected checkpoint, continuing from what was measured of it where the trainable can."""
    state = stored_state(store, FoundTrial(stored, entry))
    if trainable.reevaluate is None:
        return trainable.evaluate(config, state, run)
    return trainable.reevaluate(config, state, run, earlier_report(store, entry))


def earlier_report(store: Store, entry: TrialRecord) -> Report:
    """What was measured of a trial's selected checkpoint last; an array that can't be read is measured again."""
    return Report(
        metrics=dict(entry.metrics), arrays=stored_arrays(store, entry), fingerprints=dict(entry.fingerprints)
    )


def _test_last(
    trainable: LoadedTrainable, config: Any, store: Store, trial: FoundTrial, selected: Report, run: InProcessRun
) -> dict[str, float]:
    """The last checkpoint's test metrics; none if it isn't kept, for those of before rest on another evaluation."""
    checkpoints = trial.entry.checkpoints
    if checkpoints.get("last") == checkpoints.get("best"):
        return dict(selected.metrics)
    try:
        state = stored_state(store, trial, "last")
    except (NotFound, Damaged):
        return {}
    return dict(trainable.evaluate(config, state, run).metrics)
