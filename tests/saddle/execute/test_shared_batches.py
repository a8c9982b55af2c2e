"""Two ranks over gloo train what one worker trains on the joined batch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader

from saddle.archive.trial_logs import read_log
from saddle.execute.driver import Options, run_study
from saddle.execute.worker.sharded_sampler import share_out
from saddle.store.checkpoint.checkpoints import Checkpoints, load_state
from saddle.store.local import LocalStore
from saddle.studyfile.loader import parse_studies
from saddle.trial.run_id import RunId
from trainables import adversarial_training
from trainables.contract import InProcessRun, resolve

pytestmark = pytest.mark.long

STUDY = """
study: workers-{workers}
trainable: double
fixed: {{dataset: digits, tasks: [odd_even], steps: 3, train_size: 135, batch_size: 50,
        optimizer: sgd, lr: 0.05, width: 2, epochs: {epochs}, {more}}}
resources: {{workers: {workers}, cpus_per_worker: 0.5, concurrency: 1}}
ablation:
  factors: {{momentum: [0.9, 0.5]}}
  seeds: 1
"""


def trained(workers: int, store: LocalStore, more: str, epochs: int) -> tuple[Any, dict[str, Any]]:
    """The first entry of a study and its last state."""
    text = STUDY.format(workers=workers, more=more, epochs=epochs)
    [study] = parse_studies(text, "test.yaml")
    entry = run_study(study, store, [{"CPU": 2.0}], Options(track=False)).entries[0]
    assert entry.outcome == "completed", entry.why
    last = Checkpoints.of_trial(store, RunId(study.study), entry.key).manifest.last
    assert last is not None
    return entry, load_state(store, last)


@pytest.mark.usefixtures("ray_session")
@pytest.mark.parametrize(
    ("more", "epochs"),
    [
        ("perturbation: mp", 2),
        ("perturbation: sta, network: resnet18", 1),
        pytest.param("perturbation: sta_shrunk, augmentation: crop_flip", 1, marks=pytest.mark.slow),
    ],
)
def test_gradients_and_weights_are_those_of_one_worker_on_the_joined_batch(
    tmp_path: Path, more: str, epochs: int
) -> None:
    """In float64, without and with BatchNorm, with uneven last batches (135 = 50 + 50 + 35); all draws are shared."""
    store = LocalStore(tmp_path / "runs")
    (one, alone), (two, together) = trained(1, store, more, epochs), trained(2, store, more, epochs)
    for part in ("gradients", "weights"):
        assert alone[part].keys() == together[part].keys()
        for name, tensor in alone[part].items():
            if not tensor.is_floating_point():  # how many batches a norm has seen
                assert torch.equal(together[part][name], tensor)
                continue
            assert tensor.dtype == torch.float64
            assert tensor.abs().max() > 1e-4, "nothing to compare"
            torch.testing.assert_close(together[part][name], tensor, rtol=0, atol=1e-12)
    assert two.curve[-1]["train/loss"] == pytest.approx(one.curve[-1]["train/loss"], abs=1e-12)


GAN = """
study: gan
trainable: counterfactual_gan
fixed: {dataset: synthetic_cracks, epochs: 2, train_size: 60, test_size: 24, batch_size: 20, image_size: 16,
        generator_width: 4, generator_levels: 2, discriminator_width: 4, judge_width: 4, judges: 1, judge_epochs: 1,
        draws: 2, quantised: true, update_ratio: "2:1", half_cycles: 2, gallery_epochs: 1}
resources: {workers: 2, cpus_per_worker: 0.5, concurrency: 1}
ablation:
  factors: {adversarial: [true, false]}
  seeds: 1
  compare: {metric: test/accuracy.d}
"""


@pytest.mark.slow
@pytest.mark.usefixtures("ray_session")
def test_two_networks_with_turns_and_several_passes_train_on_two_ranks(tmp_path: Path) -> None:
    """G runs twice before its backward pass, D alone has a turn, and no rank waits for gradients that never come."""
    [study] = parse_studies(GAN, "test.yaml")
    found = run_study(study, LocalStore(tmp_path / "runs"), [{"CPU": 2.0}], Options(track=False)).entries
    assert [(entry.outcome, entry.epochs, entry.attempts) for entry in found] == [("completed", 2, 1)] * 2
    for entry in found:
        assert {name.partition(",")[0] for name in entry.images} >= {"epoch 00001", "epoch 00002"}


TESTED = """
study: tested
trainable: shared_test
fixed: {dataset: digits, tasks: [odd_even], train_size: 120, test_size: 60, batch_size: 50, width: 2, epochs: 3,
        attacks: [pgd, cw_l2], attack_steps: 2, l2_iterations: 5, analyses: [calibration]}
resources: {workers: 2, cpus_per_worker: 0.5, concurrency: 1}
ablation:
  factors: {perturbation: [sta, none]}
  seeds: 1
"""


@pytest.mark.usefixtures("ray_session")
def test_a_trial_of_two_ranks_is_tested_by_both_as_one_worker_tests_it(tmp_path: Path) -> None:
    [study] = parse_studies(TESTED, "test.yaml")
    store = LocalStore(tmp_path / "runs")
    for entry in run_study(study, store, [{"CPU": 2.0}], Options(track=False)).entries:
        assert entry.outcome == "completed", entry.why
        config: Any = resolve(adversarial_training, {**study.fixed, **entry.settings}).config
        manifest = Checkpoints.of_trial(store, RunId(study.study), entry.key).manifest
        assert manifest.best is not None
        report = adversarial_training.evaluate(config, load_state(store, manifest.best), InProcessRun(entry.seed))
        assert {name: value for name, value in entry.metrics.items() if name in report.metrics} == report.metrics
        assert set(entry.arrays) == set(report.arrays)
        log = "".join(text for _, text in read_log(store, RunId(study.study), entry.key).parts)
        assert all(f"attacked the test split as rank {rank} of 2" in log for rank in (0, 1))


@pytest.mark.parametrize("world_size", [1, 2, 3])
@pytest.mark.parametrize("samples", [10, 11, 12, 13])
def test_every_sample_of_a_batch_goes_to_one_rank(samples: int, world_size: int) -> None:
    whole = DataLoader(range(samples), batch_size=4)  # type: ignore[arg-type]
    parts = [share_out(whole, rank, world_size) for rank in range(world_size)]
    batches = [[batch.tolist() for batch in part] for part in parts]
    assert {len(part) for part in parts} == {len(b) for b in batches}, "ranks step equally often, and say how often"
    joined = [sorted(sample for part in step for sample in part) for step in zip(*batches, strict=True)]
    assert joined == [b.tolist() for b in whole if len(b) >= world_size]


def test_what_has_no_batches_of_samples_is_refused() -> None:
    with pytest.raises(TypeError, match="needs a torch DataLoader that makes batches of samples, not \\[1, 2\\]"):
        share_out([1, 2], 0, 2)
