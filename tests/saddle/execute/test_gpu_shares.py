"""Trials on shares of a GPU: by Ray's logical GPUs, which need no device."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import ray
from ray.util import placement_group_table

from saddle.cluster.connection import OBJECT_STORE_BYTES, QUIET
from saddle.execute.driver import Options, run_study
from saddle.store.local import LocalStore
from saddle.studyfile.loader import parse_studies
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
def one_gpu() -> Iterator[dict[str, float]]:
    """A Ray that believes in a GPU."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    ray.init(
        num_cpus=2, num_gpus=1, include_dashboard=False, log_to_driver=False, object_store_memory=OBJECT_STORE_BYTES
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
