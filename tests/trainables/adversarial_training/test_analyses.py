"""Angles and misled heads: against numpy, by hand where they are known, and on a trained network."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from trainables import adversarial_training
from trainables.adversarial_training import METRICS
from trainables.adversarial_training.analyses.angles import angle_between, angle_names, measure_angles, summarise_angles
from trainables.adversarial_training.analyses.misled_heads import measure_heads, perturbation_names, summarise_heads
from trainables.adversarial_training.analysis import MOST_ANALYSED, PerturbedBatch
from trainables.adversarial_training.analysis_table import ANALYSES
from trainables.adversarial_training.data import splits
from trainables.adversarial_training.evaluation.analysed_batches import AnalysedModel
from trainables.adversarial_training.evaluation.task_attacks import TaskAttacks
from trainables.attacks.frozen import frozen
from trainables.contract import InProcessRun, Report, resolve
from trainables.datasets import Dataset

TASKS = ["odd_even", "prime_composite"]
SMALL = {"tasks": TASKS, "epochs": 3, "steps": 1, "width": 2, "attack_steps": 4, "test_size": 90, "epsilon_warmup": 0}
BOTH = ["misled_heads", "angles"]


def config(**given: Any) -> Any:
    return resolve(adversarial_training, {**SMALL, **given}).config


@pytest.fixture(scope="module")
def state() -> Any:
    *_, last = adversarial_training.train(config(), InProcessRun())
    return last.state


@pytest.fixture(scope="module")
def tested(state: Any) -> Report:
    return adversarial_training.evaluate(config(analyses=[*BOTH, "epoch_seconds"]), state, InProcessRun())


def random_batch(seed: int = 0) -> PerturbedBatch:
    draw = torch.Generator().manual_seed(seed)
    images = torch.rand(5, 2, 3, 4, generator=draw)
    etas = [torch.rand(5, 2, 3, 4, generator=draw) - 0.5 for _ in range(6)]
    return PerturbedBatch(images, torch.zeros(5, 3, dtype=torch.int64), etas[:3], [etas[0], *etas[3:5]], etas[5])


def plain_angle(one: Any, other: Any) -> float:
    one, other = np.ravel(one).astype(float), np.ravel(other).astype(float)
    return float(np.degrees(np.arccos(one @ other / np.sqrt((one @ one) * (other @ other)))))


def test_angles_equal_numpys() -> None:
    batch = random_batch()
    found = measure_angles(batch)
    assert set(found) == {f"angle.{name}" for name in angle_names(2)}
    x, independent, shared = (
        batch.images.double().numpy(),
        [e.double().numpy() for e in batch.etas],
        [e.double().numpy() for e in batch.shared],
    )
    for n in range(5):
        centred = x[n] - x[n].mean()
        expected = {
            "eta0_eta1": plain_angle(independent[0][n], independent[1][n]),
            "eta0_eta2_shared": plain_angle(independent[0][n], shared[2][n]),
            "x_eta0": plain_angle(x[n], independent[0][n]),
            "x_eta0_centred": plain_angle(centred, independent[0][n]),
            "x_eta2_shared": plain_angle(x[n], shared[2][n]),
            "x_eta0_eta1": plain_angle(x[n], independent[0][n] + independent[1][n]),
            "x_eta0_eta2_shared_centred": plain_angle(centred, independent[0][n] + shared[2][n]),
        }
        for name, angle in expected.items():
            assert float(found[f"angle.{name}"][n]) == pytest.approx(angle, abs=1e-4), name


def test_known_angles_and_undefined_ones() -> None:
    one = torch.tensor([[1.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.3, 0.1], [0.0, 0.0]])
    other = torch.tensor([[0.0, 2.0], [-3.0, 0.0], [0.0, 1.0], [0.9, 0.3], [1.0, 0.0]])
    angles = angle_between(one, other)
    assert angles.dtype == torch.float64
    assert angles[:3].tolist() == pytest.approx([90, 180, 45])
    assert float(angles[3]) == pytest.approx(0, abs=1e-3)
    assert angles[4].isnan()
    many = torch.rand(1000, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert float(angle_between(many, 3 * many).max()) < 1e-5, "rounding mustn't leave the cosine's range"


def test_angles_are_summed_up_without_the_undefined() -> None:
    angles = torch.tensor([80.0, 90.0, 100.0, torch.nan, 110.0], dtype=torch.float64)
    found = summarise_angles({"angle.x_eta0": angles, "angle.x_eta0_eta1": angles * 0.5})
    known = np.array([80, 90, 100, 110])
    assert found["angle_mean.x_eta0"] == 95
    assert found["angle_std.x_eta0"] == pytest.approx(known.std(ddof=1))
    assert found["angle_q05.x_eta0"] == pytest.approx(np.quantile(known, 0.05))
    assert found["angle_q50.x_eta0"] == 95
    assert found["angle_skipped.x_eta0"] == 1
    assert found["angle_std_increase.x_eta0_eta1"] == pytest.approx(-0.5 * known.std(ddof=1))
    nothing = summarise_angles({"angle.x_eta0": torch.full((3,), torch.nan)})
    assert nothing == {"angle_skipped.x_eta0": 3}


class TwoHeads(nn.Module):
    """Head 0 sees the first pixel's sign, head 1 the second's."""

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        flat = images.flatten(1) - 0.5
        return tuple(torch.stack([-flat[:, m], flat[:, m]], dim=1) for m in (0, 1))


def test_which_perturbation_misleads_which_head_is_known_of_two_separate_pixels() -> None:
    images = torch.tensor([[0.8, 0.8], [0.2, 0.6]]).reshape(2, 1, 1, 2)
    labels = torch.tensor([[1, 1], [0, 1]])
    settings = config(tasks=["odd_even"], attack_epsilon=0.4, attack_step_size=0.1, attack_steps=10)
    model = TwoHeads()
    batch = TaskAttacks(settings, "a test").perturb(model, images, labels, shared=False)
    found = summarise_heads(measure_heads(model, batch), 0.4)
    expected = {
        "head0.under_clean": 1, "head1.under_clean": 1,
        "head0.under_eta0": 0, "head1.under_eta1": 0,
        "head0.under_mta": 0, "head1.under_mta": 0,
    }  # fmt: skip
    assert {name: found[f"accuracy.{name}"] for name in expected} == expected
    assert found["perturbation_size.mta"] == pytest.approx(1), "both pixels at ε, where [0, 1] allows it"
    assert found["perturbation_size.mp"] < found["perturbation_size.eta0"]
    eta0 = batch.etas[0].flatten(1)
    assert eta0[:, 0].tolist() == pytest.approx([-0.4, 0.4])


def test_everything_is_declared_and_nothing_else_changes(tested: Report, state: Any) -> None:
    plain = adversarial_training.evaluate(config(), state, InProcessRun())
    assert {name: tested.metrics[name] for name in plain.metrics} == plain.metrics
    more = set(tested.metrics) - set(plain.metrics)
    assert more <= set(METRICS)
    made = perturbation_names(2)
    assert {f"test/accuracy.head{h}.under_{name}" for h in range(3) for name in ("clean", *made)} < more
    assert {f"test/angle_std.{name}" for name in angle_names(2)} < more
    assert tested.arrays["angle.eta0_eta1"].shape == (90,)


def test_a_heads_own_perturbation_misleads_it_most(tested: Report) -> None:
    found = tested.metrics
    for head in range(3):
        own = found[f"test/accuracy.head{head}.under_eta{head}"]
        assert own < found[f"test/accuracy.head{head}.under_clean"]
        assert own <= min(found[f"test/accuracy.head{head}.under_{name}"] for name in perturbation_names(2))
    sizes = {name: found[f"test/perturbation_size.{name}"] for name in perturbation_names(2)}
    assert max(sizes.values()) <= 1 + 1e-6
    assert sizes["mp"] < min(sizes["eta0"], sizes["mta"]), "mixing shrinks"


def test_shared_starts_bring_perturbations_closer(tested: Report) -> None:
    mean = {name: tested.metrics[f"test/angle_mean.{name}"] for name in angle_names(2)}
    assert mean["eta0_eta1_shared"] < mean["eta0_eta1"]
    assert mean["eta0_eta2_shared"] < mean["eta0_eta2"]


def test_few_images_are_looked_at_of_many(monkeypatch: Any, state: Any, digits: Dataset) -> None:
    assert MOST_ANALYSED == 1000
    monkeypatch.setattr("trainables.adversarial_training.evaluation.analysed_batches.MOST_ANALYSED", 40)
    settings = config(analyses=["angles"])
    model = adversarial_training.load(settings, state)
    samples = splits(settings, digits, "cpu").test
    everything = torch.ones(len(samples), dtype=torch.bool)
    with frozen(model):
        parts = AnalysedModel(settings, model, samples, everything).parts(ANALYSES.needs(settings))
        found = ANALYSES.run(settings, parts)
    assert {len(array) for array in found.arrays.values()} == {40}


def test_the_analysis_attacks_within_the_evaluations_budget(state: Any, digits: Dataset) -> None:
    settings = config(attack_epsilon=0.07)
    model = adversarial_training.load(settings, state)
    samples = splits(settings, digits, "cpu").test
    images, labels = samples.__getitems__(list(range(20)))
    with frozen(model):
        batch = TaskAttacks(settings, "a test").perturb(model, images, labels, shared=True)
    for eta in (*batch.etas, *batch.shared, batch.mta, batch.mp):
        assert 0 < eta.abs().max() <= 0.07 + 1e-6
        assert (images + eta).min() + 1e-6 >= 0
        assert (images + eta).max() <= 1 + 1e-6
    assert torch.equal(batch.etas[0], batch.shared[0])
    assert not torch.equal(batch.etas[1], batch.shared[1])
