"""The files of a study's MLflow runs, where these are in the storage's own database: they must be in the storage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from saddle.report.write import report_path
from saddle.store.base import Store
from saddle.store.open import study_folder
from saddle.track.artifact_root import earlier_roots, own_database, run_folder
from saddle.trial.run_id import RunId
from saddle.verify.difference import Difference, Repair, first_few
from saddle.verify.mlflow import Situation
from saddle.verify.mlflow_runs import Runs


def compare_artifacts(store: Store, runs: Runs, now: Situation) -> list[Difference]:
    """Addresses of places where the storage was before, and runs that lack files; none if a server keeps them.

    Artifacts that are still being sent are not judged.
    """
    if own_database(store) is None:
        return []
    differences = [
        Difference("mlflow", None, f"{count} experiments and runs keep their files in {root}", Repair.RELOCATE, (root,))
        for root, count in earlier_roots(store).items()
    ]
    return differences if now.status is None else [*differences, *missing_files(store, runs, now)]


def first_files(run: RunId) -> list[str]:
    """The files that the MLflow run of a study gets when it starts, if they exist."""
    return [f"{study_folder(run)}/{name}" for name in ("study.yaml", "code.diff")]


def missing_files(store: Store, runs: Runs, now: Situation) -> Iterator[Difference]:
    """Runs that lack files which the run of the study has."""
    run = now.results.run
    expected = {"": [*first_files(run), report_path(run)]}
    expected |= {key: list(entry.images.values()) for key, entry in now.results.by_key.items()}
    for key, paths in expected.items():
        same_key = runs.by_key.get(key, [])
        if len(same_key) != 1 or now.waits(key):
            continue
        missing = lacking(store, same_key[0].info.run_id, paths)
        if missing:
            what = f"the file {first_few(missing)} of {'its run' if key else 'the run of the study'} is missing"
            yield Difference("mlflow", key or None, what, Repair.RESEND, (same_key[0].info.run_id,))


def lacking(store: Store, run_id: str, paths: Sequence[str]) -> list[str]:
    """The names of those files of the study that an MLflow run should have and doesn't."""
    folder = run_folder(store, run_id)
    present = {file.name for file in folder.iterdir()} if folder.is_dir() else set()
    absent = [path for path in paths if path.rpartition("/")[2] not in present]
    return [path.rpartition("/")[2] for path in absent if store.exists(path)]
