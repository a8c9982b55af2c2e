"""Which epochs are validated, what the others report, and what is validated where weights are averaged."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from trainables import adversarial_training
from trainables.adversarial_training import Config
from trainables.adversarial_training.model import build, load
from trainables.adversarial_training.training.validation import Validation
from trainables.contract import InProcessRun, Report, resolve
from trainables.models.moving_average import MovingAverage

SMALL = {
    "train_size": 300,
    "test_size": 20,
    "width": 2,
    "batch_size": 20,
    "epsilon": 0.02,
    "steps": 1,
    "attack_steps": 1,
    "attacks": ["pgd"],
    "validation_fraction": 0.3,
}


def config(**given: Any) -> Config:
    made = resolve(adversarial_training, {**SMALL, "epsilon_warmup": 0, **given}).config
    assert isinstance(made, Config)
    return made


def trained(**given: Any) -> list[Report]:
    return list(adversarial_training.train(config(**given), InProcessRun(seed=1)))


def of_validation(report: Report) -> dict[str, float]:
    return {name: value for name, value in report.metrics.items() if name.startswith("validation/")}


def test_epochs_between_validations_report_the_latest_again() -> None:
    every, third = trained(epochs=7, lr=0.01), trained(epochs=7, lr=0.01, validate_every=3)
    validated = [epoch for epoch in range(1, 8) if of_validation(third[epoch - 1]) == of_validation(every[epoch - 1])]
    assert set(validated) >= {1, 3, 6, 7}
    assert of_validation(third[1]) == of_validation(third[0]) != of_validation(every[1])
    assert of_validation(third[4]) == of_validation(third[2]) != of_validation(every[4])
    assert third[-1].metrics == every[-1].metrics, "training knows nothing of it"
    [sixth] = [next(iter(adversarial_training.train(config(epochs=7, lr=0.01, validate_every=3),
                                                    InProcessRun(seed=1, state=third[3].state))))]  # fmt: skip
    assert of_validation(sixth) == of_validation(third[4]), "a resumed trial knows what was validated last"


@pytest.mark.parametrize(("every", "due"), [(1, [1, 2, 3, 4, 5]), (2, [1, 2, 4, 5]), (4, [1, 4, 5]), (9, [1, 5])])
def test_the_first_and_the_last_epoch_are_always_validated(every: int, due: list[int]) -> None:
    settings = config(epochs=5, validate_every=every)
    validation = Validation(settings, InProcessRun(), samples=None)  # type: ignore[arg-type]
    assert [epoch for epoch in range(1, 6) if validation.is_due(epoch)] == due


def test_rarer_validations_are_counted_as_less_work() -> None:
    work = {
        every: adversarial_training.estimate(config(epochs=100, attack_steps=50, validate_every=every))[0]
        for every in (1, 10, 1000)
    }
    # 1, 10, 20, … 100 are eleven of a hundred validations, 1 and 100 two
    assert (work[1] - work[10]) / (work[1] - work[1000]) == pytest.approx((100 - 11) / (100 - 2))


def test_the_average_of_weights_is_what_is_validated_and_loaded() -> None:
    plain, averaged = trained(epochs=2, lr=0.01), trained(epochs=2, lr=0.01, weight_average=0.8)
    for name, tensor in plain[-1].state["model"].items():  # type: ignore[index]
        torch.testing.assert_close(averaged[-1].state["model"][name], tensor, msg="it moves no step")  # type: ignore[index]
    loaded = load(config(weight_average=0.8), averaged[-1].state).state_dict()  # type: ignore[arg-type]
    for name, tensor in averaged[-1].state["average"].items():  # type: ignore[index]
        assert torch.equal(loaded[name], tensor)
    weight = "heads.0.weight"
    assert not torch.equal(loaded[weight], averaged[-1].state["model"][weight])  # type: ignore[index]
    assert of_validation(averaged[-1]) != of_validation(plain[-1])


def test_an_average_forgets_where_training_began_and_follows_by_its_decay() -> None:
    network = build(config(), (1, 8, 8), (10,), seed=0)
    average = MovingAverage(network, 0.5)
    with torch.no_grad():
        for weight in network.parameters():
            weight.fill_(1.0)
        for weight in average.network.parameters():
            weight.fill_(0.0)
    average.follow(network, step=0)
    assert float(next(average.network.parameters()).detach().flatten()[0]) == pytest.approx(0.9), "1 - 1 / 10"
    average.follow(network, step=1_000)
    assert float(next(average.network.parameters()).detach().flatten()[0]) == pytest.approx(0.95), "half way"
