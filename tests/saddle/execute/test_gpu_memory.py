"""How many trials of a study share a GPU, by what was measured on a cluster; Ray and the GPU are stand-ins."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from saddle.cluster.gpu.share import TrialMemory
from saddle.errors import DoesNotFit, StudyError
from saddle.execute import gpu_memory
from saddle.execute.gpu_memory import FILE, GpuMemory
from saddle.execute.plan.study_plan import plan_study
from saddle.nightly.policy_of_study import study_of_seeds
from saddle.store.local import LocalStore
from saddle.store.ownership.fence import NO_LOCK
from saddle.study.models import Study
from saddle.studyfile.dump import dump_study
from saddle.studyfile.loader import parse_studies

GB = 10**9
NODES = [{"CPU": 64.0, "GPU": 2.0}]
STUDY = """
study: s
trainable: parabola
resources: {gpus_per_worker: 1, trials_per_gpu: 4}
ablation:
  baseline: {x: 0.3}
  factors: {x: [LEVELS]}
  seeds: 9
  compare: {metric: test/score}
"""


def study(levels: str = "0.3, 0.5") -> Study:
    [parsed] = parse_studies(STUDY.replace("LEVELS", levels), "s.yaml")
    return parsed


class Cluster:
    """Says what a trial takes, and remembers what it was asked."""

    def __init__(self, used: int | None, smallest: int | None = None) -> None:
        self.used, self.smallest = used, smallest
        self.asked: list[list[float]] = []

    def measure(
        self, study: Study, configurations: Sequence[Mapping[str, Any]], left_out: int, data_root: str | None
    ) -> TrialMemory | None:
        self.asked.append(sorted(params["x"] for params in configurations))
        return None if self.used is None else TrialMemory(self.used, GB, 80 * GB, "a GPU", len(configurations))


@pytest.fixture
def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A study's memory as a cluster measures it, in one storage."""

    def measure(cluster: Cluster, given: Study | None = None) -> GpuMemory:
        monkeypatch.setattr(gpu_memory, "measure_on_cluster", cluster.measure)
        monkeypatch.setattr(gpu_memory, "smallest_gpu", lambda: cluster.smallest)
        memory = GpuMemory(given or study(), {"x": 0.3}, LocalStore(tmp_path), None)
        memory.find()
        return memory

    return measure


@pytest.mark.parametrize(
    ("used", "smallest", "share"),
    [
        (20 * GB, None, 0.3333),  # 25 GB each
        (2 * GB, None, 0.25),  # the cap
        (20 * GB, 40 * GB, 1.0),  # the smallest of the cluster's GPUs counts
        (None, None, 1.0),  # nothing could be measured
    ],
)
def test_a_trial_gets_the_share_that_its_memory_wants(
    measured: Any, used: int | None, smallest: int | None, share: float
) -> None:
    assert measured(Cluster(used, smallest)).shared(NODES).resources.gpus_per_worker == share


def test_the_share_is_that_of_a_study_which_a_file_may_hold(measured: Any) -> None:
    shared = measured(Cluster(20 * GB)).shared(NODES)
    [read] = parse_studies(dump_study(shared), "study.yaml", stored=True)
    assert read.resources == shared.resources


def test_what_fits_no_gpu_is_refused(measured: Any) -> None:
    with pytest.raises(DoesNotFit, match="needs 97 GB of GPU memory, and a GPU has 80 GB"):
        measured(Cluster(80 * GB))


def test_it_is_measured_again_only_for_other_configurations(measured: Any, tmp_path: Path) -> None:
    cluster = Cluster(20 * GB)
    measured(cluster).note(NO_LOCK)
    again = measured(cluster)
    assert cluster.asked == [[0.3, 0.5]]
    assert again.memory.used == 20 * GB
    measured(cluster, study("0.3, 0.5, 0.7"))
    assert cluster.asked == [[0.3, 0.5], [0.3, 0.5, 0.7]]
    path = tmp_path / "studies/s" / FILE
    path.write_text(json.dumps({"of": "something"}))
    measured(cluster)
    assert len(cluster.asked) == 3, "a note that says nothing is not a measurement"


def test_it_says_what_it_rests_on(measured: Any) -> None:
    assert str(measured(Cluster(2 * GB))) == (
        "a trial took up to 2 GB of a GPU in 2 configurations, and gets 3.4 GB of 80 GB (a GPU)"
    )
    assert "each trial gets a whole one" in str(measured(Cluster(None)))


def test_a_plan_says_that_it_will_be_measured(tmp_path: Path) -> None:
    assert any("up to 4 trials share a GPU" in note for note in plan_study(study(), LocalStore(tmp_path)).notes)


def test_the_memory_of_a_program_is_not_measured(tmp_path: Path) -> None:
    text = STUDY.replace(
        "trainable: parabola", 'trainable: {command: "sh train.sh {x}", metrics: {test/score: maximize}}'
    )
    (tmp_path / "train.sh").write_text("")
    with pytest.raises(StudyError, match="the memory of a program is not measured"):
        parse_studies(text.replace("LEVELS", "0.3, 0.5"), str(tmp_path / "s.yaml"))


def test_a_night_shares_no_gpu_by_measurement() -> None:
    night = study_of_seeds(study(), [0])
    assert (night.resources.trials_per_gpu, night.resources.gpus_per_worker) == (None, 1.0)
