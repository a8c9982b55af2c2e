"""An entry's paths as its file holds them: relative to the run's folder, which `--fresh` renames."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from saddle.trial.record import SCHEMA_VERSION, TrialRecord
from saddle.trial.run_id import RunId


def written(entry: TrialRecord, run: RunId) -> TrialRecord:
    """The entry as it is written: its paths in the storage made relative to the run's folder."""
    return replace(with_paths(entry, run.below), version=max(entry.version, SCHEMA_VERSION))


def placed(entry: TrialRecord, run: RunId) -> TrialRecord:
    """The entry as it is used: the paths that were written made paths in the storage, below the run's folder."""
    return with_paths(entry, run.place)


def with_paths(entry: TrialRecord, change: Callable[[str], str]) -> TrialRecord:
    """The entry with every path of an array, image or checkpoint changed."""

    def changed(paths: Mapping[str, str]) -> dict[str, str]:
        return {name: change(path) for name, path in paths.items()}

    return replace(
        entry,
        arrays=changed(entry.arrays),
        images=changed(entry.images),
        checkpoints=changed(entry.checkpoints),
    )
