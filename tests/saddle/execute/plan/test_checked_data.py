"""Data that passed a check are not read again while data, trainable and configurations stay the same."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from saddle.execute.plan import checked_data, preflight
from saddle.execute.plan.checked_data import key_of, notes_folder
from saddle.execute.plan.checking_run import CheckingRun
from saddle.execute.plan.preflight import check_data, data_notes
from saddle.execute.plan.units import measure_data
from saddle.study.models import Study
from saddle.study.trainable.loading import LoadedTrainable, load_trainable
from saddle.studyfile.loader import parse_studies
from tests.trainables.datasets.encoding import noise, write_parquet
from trainables.datasets import identity
from trainables.datasets.errors import DataError

STUDY = """
study: own
trainable: adversarial_training
fixed: {{dataset: {{parquet: {{train: {folder}/train.parquet, test: {folder}/test.parquet}}}}, epochs: 1,
  tasks: [{{mine: {{0: 1, default: 0}}}}], validation_fraction: 0.2, train_size: {size}}}
search: {{lr: {{float: [0.1, 0.2]}}}}
objective: {{maximize: validation/clean_accuracy}}
sampler: random
budget: {{trials: {trials}}}
"""


@pytest.fixture(autouse=True)
def _own_notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SADDLE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The configurations that the trainable was asked to check so far."""
    asked: list[Any] = []
    check = LoadedTrainable.check

    def counted(self: LoadedTrainable, config: Any, run: Any) -> None:
        asked.append(config)
        check(self, config, run)

    monkeypatch.setattr(LoadedTrainable, "check", counted)
    return asked


def write_data(folder: Path, height: int = 28) -> None:
    write_parquet(folder / "train.parquet", noise(60, (height, 28, 3)))
    write_parquet(folder / "test.parquet", noise(30, (height, 28, 3), seed=1))


def study_of(folder: Path, trials: int = 2, size: int = 30) -> Study:
    [study] = parse_studies(STUDY.format(folder=folder, trials=trials, size=size), "own.yaml")
    return study


def test_unchanged_data_are_looked_at_once(tmp_path: Path, checks: list[Any]) -> None:
    write_data(tmp_path)
    first = data_notes([study_of(tmp_path)], None)
    looked = len(checks)
    assert looked > 0
    assert data_notes([study_of(tmp_path, trials=9)], None) == first, "more trials of the same configurations"
    assert check_data([study_of(tmp_path)], None) == first
    assert len(checks) == looked
    data_notes([study_of(tmp_path, size=20)], None)
    assert len(checks) > looked, "another configuration is another question"


@pytest.mark.parametrize("change", ["content", "time", "trainable", "library"])
def test_a_change_makes_the_note_void(
    change: str, tmp_path: Path, checks: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_data(tmp_path)
    data_notes([study_of(tmp_path)], None)
    looked = len(checks)
    if change == "content":
        write_data(tmp_path, height=32)
    elif change == "time":
        os.utime(tmp_path / "train.parquet", ns=(1, 1))
    elif change == "trainable":
        monkeypatch.setattr(checked_data, "source_states", lambda code: iter(["changed"]))
    else:
        monkeypatch.setattr(checked_data, "version_of", lambda library: "0.0.1")
    data_notes([study_of(tmp_path)], None)
    assert len(checks) > looked


def test_what_did_not_pass_is_looked_at_again_and_said_again(tmp_path: Path, checks: list[Any]) -> None:
    write_data(tmp_path)
    (tmp_path / "test.parquet").write_bytes(b"no Parquet")
    for _ in range(2):
        checks.clear()
        with pytest.raises(DataError, match=r"test\.parquet"):
            data_notes([study_of(tmp_path)], None)
        assert checks
    assert not notes_folder().exists()


def test_remarks_of_what_passed_are_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_data(tmp_path)
    study = study_of(tmp_path)
    key = key_of(load_trainable(study.source), list(preflight.configs(study)), None)
    assert key is not None
    checked_data.note_passed(key, ["dataset own: one class is small"])
    assert data_notes([study], None) == ["dataset own: one class is small"]


def test_notes_are_kept_within_bounds_and_a_damaged_one_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checked_data, "MOST_NOTES", 3)
    for number in range(5):
        checked_data.note_passed(f"note{number}", [])
        os.utime(notes_folder() / f"note{number}.json", (number, number))
    assert sorted(path.stem for path in notes_folder().iterdir()) == ["note2", "note3", "note4"]
    (notes_folder() / "note2.json").write_text('{"remarks"')
    assert checked_data.read_remarks("note2") is None
    assert checked_data.read_remarks("note4") == []


def test_a_cache_that_can_not_be_written_only_costs_time(tmp_path: Path, checks: list[Any]) -> None:
    write_data(tmp_path)
    first = data_notes([study_of(tmp_path)], None)
    looked = len(checks)
    for path in notes_folder().iterdir():
        path.unlink()
    notes_folder().rmdir()
    notes_folder().write_text("a file where the folder should be")
    assert data_notes([study_of(tmp_path)], None) == first
    assert len(checks) == 2 * looked


def test_a_trainable_that_names_no_data_is_always_asked(tmp_path: Path) -> None:
    trainable = load_trainable("adversarial_training")
    study = study_of(tmp_path)
    looked_at = list(preflight.configs(study))
    assert key_of(trainable, looked_at, None) is None, "its files are not there"
    write_data(tmp_path)
    assert key_of(trainable, looked_at, None) is not None
    assert key_of(replace(trainable, data_identity=None), looked_at, None) is None


def test_every_source_of_the_trainables_package_is_looked_at() -> None:
    trainable = load_trainable("adversarial_training")
    states = list(checked_data.source_states(trainable.code))
    for module in ("trainables/datasets/loading.py", "trainables/adversarial_training/data.py"):
        [state] = [state for state in states if module in state]
        path, size, changed = state.rsplit(" ", 2)
        assert (int(size), int(changed)) == (Path(path).stat().st_size, Path(path).stat().st_mtime_ns)


def test_the_files_of_a_dataset_are_looked_at_once_for_all_configurations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_data(tmp_path)
    study = study_of(tmp_path)
    sought: list[Any] = []
    find = identity.find_source
    monkeypatch.setattr(identity, "find_source", lambda *args: sought.append(args) or find(*args))
    looked_at = list(preflight.configs(study))
    assert len(looked_at) > 1
    key_of(load_trainable(study.source), looked_at, None)
    assert len(sought) == 1


def test_data_are_measured_once_for_each_seed_until_they_change(tmp_path: Path) -> None:
    write_data(tmp_path)
    measured: list[int] = []

    def measure(config: Any, run: Any) -> dict[str, float]:
        measured.append(run.seed)
        return {"size": 30.0, "unknown": float("nan")}

    trainable = replace(load_trainable("adversarial_training"), measure_data=measure)
    [config, *_] = preflight.configs(study_of(tmp_path))
    for seed in (0, 0, 1, 0):
        assert measure_data(trainable, config, CheckingRun(seed=seed)) == {"size": 30.0}
    assert measured == [0, 1]
    write_data(tmp_path, height=32)
    measure_data(trainable, config, CheckingRun(seed=0))
    assert measured == [0, 1, 0]


def test_a_note_that_is_none_of_measures_is_measured_anew(tmp_path: Path) -> None:
    write_data(tmp_path)
    trainable = replace(load_trainable("adversarial_training"), measure_data=lambda config, run: {"size": 1.0})
    [config, *_] = preflight.configs(study_of(tmp_path))
    assert measure_data(trainable, config, CheckingRun()) == {"size": 1.0}
    for note in notes_folder().iterdir():
        note.write_text("[]")
    assert measure_data(trainable, config, CheckingRun()) == {"size": 1.0}
