"""Measurements of stored checkpoints that were tested again: files next to the ledger, whose entries never change.

Each measurement of a trial is a file of its own that is written once, under the next number: the latest counts, and
those before it stay. A file names the end of the trial that was measured, so that a trial which is run again under the
same key doesn't inherit it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace

from saddle.errors import StorageError, TakenOver
from saddle.store.base import Conflict, Store
from saddle.store.open import study_folder
from saddle.store.ownership.fence import StudyLock
from saddle.store.parallel import in_parallel
from saddle.trial.json_text import to_json
from saddle.trial.measurement import Measurement
from saddle.trial.record import TrialRecord
from saddle.trial.run_id import RunId

VERSION = 1

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StoredMeasurement:
    """A measurement as its file holds it; `ended` distinguishes the measured trial from one that was run again."""

    key: str
    number: int
    ended: float
    measurement: Measurement


def measurements_folder(run: RunId) -> str:
    """Where the later measurements of a run's trials are stored."""
    return f"{study_folder(run)}/measurements"


def measurement_path(run: RunId, key: str, number: int) -> str:
    """The path of one of them."""
    return f"{measurements_folder(run)}/{key}-{number:04d}.json"


def add_measurement(
    store: Store, run: RunId, entry: TrialRecord, number: int, measurement: Measurement, lock: StudyLock
) -> TrialRecord:
    """Store measurement `number` of a trial, which counts from now on; returns the entry with it.

    Raises `TakenOver` if the study is another driver's, or somebody else has stored this number.
    """
    measured = asdict(measurement.with_paths(run.below))
    trial = {"key": entry.key, "number": number, "ended": entry.ended}
    content = {**measured, **trial, "version": VERSION, "token": lock.token}
    lock.check()
    try:
        store.write_if(measurement_path(run, entry.key, number), to_json(content).encode(), None)
    except Conflict:
        raise TakenOver(
            f"another process has measured {entry.key} of {run.name} at the same time; its result is kept; run the "
            "same command again"
        ) from None
    return with_measurement(entry, measurement)


def next_number(store: Store, run: RunId, key: str) -> int:
    """The number of a trial's next measurement: one more than any that was ever stored of its key, read or not."""
    return 1 + max((number for name in _names(store, run, key) for _, number in [_parsed(name)]), default=0)


def read_measurements(
    store: Store, run: RunId, key: str | None = None, damaged: Callable[[str, str], None] | None = None
) -> dict[str, list[StoredMeasurement]]:
    """The measurements of one trial, or of all, by key, the latest last.

    One that can't be read is left out with a warning; `damaged` is called with its path and what is wrong with it
    instead.
    """
    paths = [f"{measurements_folder(run)}/{name}" for name in _names(store, run, key)]
    by_trial: dict[str, list[StoredMeasurement]] = {}
    for path, measurement in zip(paths, in_parallel(store, lambda path: _read(store, run, path), paths), strict=True):
        if isinstance(measurement, StoredMeasurement):
            by_trial.setdefault(measurement.key, []).append(measurement)
        elif measurement and damaged is not None:
            damaged(path, measurement)
        elif measurement:
            log.warning("the measurement %s can't be used: %s", store.locate(path), measurement)
    return {name: sorted(many, key=lambda measurement: measurement.number) for name, many in by_trial.items()}


def with_measurements(entry: TrialRecord, stored: Iterable[StoredMeasurement]) -> TrialRecord:
    """The entry with its later measurements."""
    for measurement in stored:
        if measurement.ended == entry.ended:
            entry = with_measurement(entry, measurement.measurement)
    return entry


def with_measurement(entry: TrialRecord, later: Measurement) -> TrialRecord:
    """The entry with a later measurement in place of its own, which becomes an earlier one."""
    former = {name: value for name, value in entry.metrics.items() if not name.startswith("test/")}
    shown = {name: path for name, path in entry.images.items() if name not in entry.closing_images}
    latest = replace(
        later,
        metrics={**former, **later.metrics},
        images={**later.images, **shown},
        fingerprints={**entry.fingerprints, **later.fingerprints},
        not_finite=[*(name for name in entry.not_finite if not name.startswith("test/")), *later.not_finite],
    )
    return replace(entry, measurement=latest, earlier=(*entry.earlier, measurement_of(entry)))


def measurement_of(entry: TrialRecord) -> Measurement:
    """What the entry holds of the latest test of its checkpoints."""
    tested = {name: value for name, value in entry.metrics.items() if name.startswith("test/")}
    return replace(entry.measurement, metrics=tested, images=entry.closing_images, when=entry.settled)


def _names(store: Store, run: RunId, key: str | None) -> Sequence[str]:
    names = [name for name in store.names(measurements_folder(run)) if _parsed(name)[1]]
    return names if key is None else [name for name in names if _parsed(name)[0] == key]


def _parsed(name: str) -> tuple[str, int]:
    """Key and number in a file's name; 0 for a file that is not ours."""
    key, _, number = name.removesuffix(".json").rpartition("-")
    return key, int(number) if name.endswith(".json") and number.isdigit() else 0


def _read(store: Store, run: RunId, path: str) -> StoredMeasurement | str:
    """The measurement in a file, or what is wrong with it; empty if it is gone."""
    try:
        content = json.loads(store.read(path))
        if content["version"] > VERSION:
            return f"it has version {content['version']}, and this saddle reads up to {VERSION}"
        key, number = _parsed(path.rpartition("/")[2])
        if (content["key"], content["number"]) != (key, number):
            return f"it holds measurement {content['number']} of {content['key']}"
        return StoredMeasurement(key, number, float(content["ended"]), Measurement.parse(content).with_paths(run.place))
    except FileNotFoundError:
        return ""
    except (ValueError, KeyError, TypeError, AttributeError, StorageError) as error:
        return f"it is damaged: {error}"
