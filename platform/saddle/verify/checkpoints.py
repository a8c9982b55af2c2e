"""Checkpoints, arrays and images against the ledger that names them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Container, Mapping

from saddle.errors import Damaged, ForeignPath
from saddle.search.unfinished import number_of
from saddle.store.base import Store
from saddle.store.checkpoint.checkpoints import Checkpoints
from saddle.store.checkpoint.curve import chunk_paths, read_chunk
from saddle.store.checkpoint.manifest import Manifest, manifest_path, read_manifest, recover_manifest
from saddle.store.checkpoint.retention import removed
from saddle.store.open import study_folder, trial_folder
from saddle.trial.measurement import finite
from saddle.trial.record import TrialRecord
from saddle.trial.run_id import RunId
from saddle.verify.difference import Difference, Repair
from saddle.verify.optuna import same


def compare_checkpoints(store: Store, run: RunId, finished: Mapping[str, TrialRecord]) -> tuple[list[Difference], int]:
    """Every difference, and how many checkpoints the policy has removed, which isn't one."""
    gone = removed(store, run)
    differences: list[Difference] = []
    by_policy = 0
    for key, entry in finished.items():
        folder = f"{trial_folder(run, key)}/checkpoints"
        manifest, problem = find_manifest(store, folder)
        if entry.epochs and problem:
            again = same_curve(Checkpoints(store, folder, recover_manifest(store, folder)), entry)
            repair = Repair.RECOVER if again else Repair.NONE
            differences.append(Difference("checkpoints", key, problem, repair, (folder,)))
        elif entry.epochs:
            differences += curve_troubles(Checkpoints(store, folder, manifest), entry)
        checksums = {saved.path: saved.sha256 for saved in manifest.saved}
        for path, names in named(entry.checkpoints).items():
            try:
                content = store.read(path)
            except (Damaged, ForeignPath) as error:
                differences.append(Difference("checkpoints", key, f"the {names} checkpoint can't be read: {error}"))
                continue
            except FileNotFoundError:
                by_policy += path in gone
                if path not in gone:
                    differences.append(
                        Difference("checkpoints", key, f"the {names} checkpoint {base(path)} is missing")
                    )
                continue
            if not problem and hashlib.sha256(content).hexdigest() != checksums.get(path):
                what = f"the {names} checkpoint {base(path)} is damaged: its checksum is another"
                differences.append(Difference("checkpoints", key, what))
        blobs = [("array", entry.arrays), ("image", entry.images)]
        blobs += [
            (f"earlier {kind}", getattr(measurement, f"{kind}s"))
            for measurement in entry.earlier
            for kind in ("array", "image")
        ]
        for kind, paths in blobs:
            for name, path in paths.items():
                problem = why_unusable(store, path)
                if problem:
                    differences.append(Difference("checkpoints", key, f"the {kind} {name} {problem}"))
    return differences, by_policy


def why_unusable(store: Store, path: str) -> str:
    """What is wrong with a blob that the ledger names; empty if it is there."""
    try:
        return "" if store.exists(path) else "is missing"
    except ForeignPath as error:
        return f"can't be read: {error}"


def find_manifest(store: Store, folder: str) -> tuple[Manifest, str]:
    """The manifest in a folder of checkpoints, or an empty one and why it can't be used."""
    if not store.exists(manifest_path(folder)):
        return Manifest(), "the manifest of its checkpoints is missing"
    try:
        return read_manifest(store, folder), ""
    except Damaged as error:
        return Manifest(), f"the manifest of its checkpoints is damaged: {error}"


def curve_troubles(checkpoints: Checkpoints, entry: TrialRecord) -> list[Difference]:
    """Chunks of the curve that can't be read, or how it differs from the ledger's."""
    damaged: list[Difference] = []
    for path in chunk_paths(checkpoints.folder, checkpoints.manifest.sealed):
        try:
            read_chunk(checkpoints.store, path)
        except Damaged as error:
            damaged.append(Difference("checkpoints", entry.key, f"a part of its curve can't be read: {error}"))
    if damaged or same_curve(checkpoints, entry):
        return damaged
    epochs = checkpoints.manifest.epochs
    what = f"the manifest's curve of {epochs} epochs differs from the ledger's of {entry.epochs}"
    return [Difference("checkpoints", entry.key, what)]


def same_curve(checkpoints: Checkpoints, entry: TrialRecord) -> bool:
    """Whether manifest and ledger agree on every epoch."""
    curve = checkpoints.curve().metrics
    return same([finite(metrics) for metrics in curve], [finite(metrics) for metrics in entry.curve])


def named(checkpoints: Mapping[str, str]) -> dict[str, str]:
    """Every path once, with the names it has: `best and last`."""
    by_trial: dict[str, list[str]] = {}
    for name, path in checkpoints.items():
        by_trial.setdefault(path, []).append(name)
    return {path: " and ".join(names) for path, names in by_trial.items()}


def base(path: str) -> str:
    """The last part of a path."""
    return path.rpartition("/")[2]


def orphans(store: Store, run: RunId, known: Container[str]) -> list[Difference]:
    """Folders of trials that the study doesn't have; `known` are the keys of ledger, started trials and replicates.

    A folder without a manifest is garbage, and so is that of a search's trial, as its settings are stored nowhere:
    nothing in it could ever be used.
    """
    differences = []
    for key in store.names(f"{study_folder(run)}/trials"):
        if key in known:
            continue
        folder = trial_folder(run, key)
        empty = not store.exists(f"{folder}/checkpoints/manifest.json")
        garbage = empty or number_of(key) is not None
        what = f"the study has no trial of this folder ({store.size(folder) / 1e6:.3g} MB)"
        differences.append(Difference("checkpoints", key, what, Repair.REMOVE if garbage else Repair.NONE, (folder,)))
    return differences


def keys_of(entries: Collection[TrialRecord]) -> dict[str, TrialRecord]:
    """Entries by key."""
    return {entry.key: entry for entry in entries}
