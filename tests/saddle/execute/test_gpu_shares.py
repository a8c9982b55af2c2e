"""Trials on shares of a GPU: by Ray's logical GPUs, which need no device."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import pytest
import ray
from ray.util import placement_group_table

from saddle.cluster.connection import OBJECT_STORE_BYTES, QUIET
from saddle.cluster.gpu.share import TrialMemory
from saddle.execute.driver import Options, run_study
from saddle.execute.progress import Silent
from saddle.store.local import LocalStore
from saddle.study.models import Study
from saddle.studyfile.loader import parse_studies
from saddle.trial import restart_policy
from saddle.trial.record import TrialRecord
from saddle.trial.run_id import RunId
from saddle.verify.verify_study import verify_study
from tests.support.waiting import join_all

STUDY = """
study: shares
trainable: parabola
fixed: {epochs: 3, pause: 0.3}
resources: {gpus_per_worker: 0.5, cpus_per_worker: 0.5}
ablation:
  baseline: {x: 0.3}
  factors: {x: [0.3, 0.5]}
  seeds: 3
  compare: {metric: test/score}
"""


@pytest.fixture
def mps(tmp_path: Path) -> Path:
    """The folder of MPS, empty as long as no daemon runs."""
    folder = tmp_path / "mps"
    folder.mkdir()
    return folder


@pytest.fixture
def one_gpu(mps: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, float]]:
    """A Ray that believes in a GPU, and in a daemon of MPS where a test writes that there is one."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    monkeypatch.setenv("CUDA_MPS_PIPE_DIRECTORY", str(mps))
    ray.init(
        address="local",
        num_cpus=2,
        num_gpus=1,
        include_dashboard=False,
        log_to_driver=False,
        object_store_memory=OBJECT_STORE_BYTES,
    )
    yield ray.cluster_resources()
    ray.shutdown()


@pytest.mark.slow
def test_two_trials_share_a_gpu_each_in_a_group_of_its_own(one_gpu: dict[str, float], tmp_path: Path) -> None:
    [study] = parse_studies(STUDY, "shares.yaml")
    free: list[float] = []
    bundles: set[tuple[tuple[str, float], ...]] = set()
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.2):
            free.append(ray.available_resources().get("GPU", 0.0))
            for group in placement_group_table().values():
                bundles.update(tuple(sorted(bundle.items())) for bundle in group["bundles"].values())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        entries = run_study(study, LocalStore(tmp_path / "runs"), [one_gpu], Options(track=False)).entries
    finally:
        over.set()
        join_all(watcher)
    assert [entry.outcome for entry in entries] == ["completed"] * 6
    assert len({entry.metrics["test/process"] for entry in entries}) == 2, "two slots, one group each"
    assert min(free) == 0.0, "both halves of the GPU were in use"
    assert (("CPU", 0.5), ("GPU", 0.5)) in bundles
    assert ray.available_resources()["GPU"] == 1.0


SHARED = """
study: shared
trainable: parabola
fixed: {epochs: 2, pause: 0.3}
resources: {gpus_per_worker: 1, trials_per_gpu: 8, cpus_per_worker: 0.5}
ablation:
  baseline: {x: 0.3}
  factors: {x: [0.3, 0.5]}
  seeds: SEEDS
  compare: {metric: test/score}
"""


@pytest.mark.slow
def test_as_many_trials_share_a_gpu_as_its_measured_memory_has_room_for(
    one_gpu: dict[str, float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The measurement is a stand-in: there is no device to measure on."""
    asked: list[int] = []

    def measure(study: Study, configurations: Sequence[object], left_out: int, data_root: str | None) -> TrialMemory:
        asked.append(len(configurations))
        return TrialMemory(25 * 10**9, 10**9, 80 * 10**9, "a GPU", len(configurations))

    monkeypatch.setattr("saddle.execute.gpu_memory.measure_on_cluster", measure)
    store = LocalStore(tmp_path / "runs")
    [study] = parse_studies(SHARED.replace("SEEDS", "1"), "shared.yaml")
    said: list[str] = []
    listener = Silent()
    monkeypatch.setattr(listener, "changed", lambda progress, note="": said.append(note))
    ended = run_study(study, store, [one_gpu], Options(track=False, listener=lambda study: listener))
    assert [entry.outcome for entry in ended.entries] == ["completed"] * 2
    assert any("and gets 31 GB of 80 GB (a GPU)" in note for note in said)
    assert ended.study.resources.gpus_per_worker == 0.5, "80 GB have room for two of 31 GB"
    assert asked == [2]
    assert ray.available_resources()["GPU"] == 1.0

    again = run_study(study, store, [one_gpu], Options(track=False))
    assert len(again.entries) == 2
    assert asked == [2], "it is not measured twice"
    assert verify_study(store, RunId("shared")).differences == ()


FAILING = """
study: faults
trainable: parabola
fixed: {epochs: 3, marker: MARKER}
resources: {gpus_per_worker: 0.5, cpus_per_worker: 0.5, concurrency: SLOTS}
ablation:
  baseline: {trouble: none}
  factors: {trouble: [none, raise]}
  seeds: SEEDS
  compare: {metric: test/score}
"""


def run_failing(tmp_path: Path, node: dict[str, float], *, slots: int, seeds: int) -> list[TrialRecord]:
    """Trials of which every second one fails as on a GPU whose kernel failed."""
    (tmp_path / "said").write_text("CUDA error: unspecified launch failure")
    text = FAILING.replace("MARKER", str(tmp_path / "said")).replace("SLOTS", str(slots)).replace("SEEDS", str(seeds))
    [study] = parse_studies(text, "faults.yaml")
    return list(run_study(study, LocalStore(tmp_path / "runs"), [node], Options(track=False)).entries)


@pytest.mark.slow
@pytest.mark.fault("a GPU failed under a trial")
def test_no_trial_runs_in_a_process_whose_gpu_failed(one_gpu: dict[str, float], tmp_path: Path) -> None:
    entries = sorted(run_failing(tmp_path, one_gpu, slots=1, seeds=2), key=lambda entry: entry.started)
    outcomes = [entry.outcome for entry in entries]
    assert sorted(outcomes) == ["completed"] * 2 + ["failed"] * 2
    assert all("unspecified launch failure" in entry.why for entry in entries if entry.outcome == "failed")
    completed = [index for index, outcome in enumerate(outcomes) if outcome == "completed"]
    for earlier, later in pairwise(completed):
        processes = {entries[index].metrics["test/process"] for index in (earlier, later)}
        assert len(processes) == (1 if later == earlier + 1 else 2), outcomes
    assert completed != [0, 1], "no trial came after one that failed"


@pytest.mark.slow
@pytest.mark.fault("a GPU failed under a trial")
def test_with_mps_the_trial_to_blame_fails_and_all_others_end(
    one_gpu: dict[str, float], mps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restart_policy, "RESTARTS", 0)
    (mps / "nvidia-cuda-mps-control.pid").write_text(str(os.getpid()))
    entries = run_failing(tmp_path, one_gpu, slots=2, seeds=1)
    assert sorted(entry.outcome for entry in entries) == ["completed", "failed"]
    for entry in entries:
        if entry.outcome == "failed":
            assert entry.why.startswith("a GPU failed 1 times under it, the last time of Traceback"), entry.why
            assert entry.epochs == 1
    assert ray.available_resources()["GPU"] == 1.0
