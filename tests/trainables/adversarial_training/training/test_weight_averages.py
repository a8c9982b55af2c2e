"""Stochastic weight averaging: the mean of the epochs' weights, in place of them once it has begun."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from trainables import adversarial_training
from trainables.adversarial_training.model import load
from trainables.contract import InProcessRun, Report, resolve
from trainables.models.uniform_average import UniformAverage

SMALL = {"epochs": 6, "steps": 1, "width": 2, "attack_steps": 2, "attacks": "pgd", "train_size": 300, "swa_start": 0.5}


def config(**given: Any) -> Any:
    return resolve(adversarial_training, {**SMALL, **given}).config


def trained(**given: Any) -> list[Report]:
    return list(adversarial_training.train(config(**given), InProcessRun(seed=1)))


def model_of(report: Report, part: str = "model") -> dict[str, Tensor]:
    assert report.state is not None
    return dict(report.state[part])


def test_the_average_is_the_mean_of_the_epochs_after_its_start() -> None:
    reports, plain = trained(), trained(swa_start=None)
    assert ["average" in report.state for report in reports] == [False] * 3 + [True] * 3  # type: ignore[operator]
    for name, tensor in model_of(plain[-1]).items():
        assert torch.equal(model_of(reports[-1])[name], tensor), "training itself is what it was"
    for count in (1, 2, 3):
        for name, average in model_of(reports[2 + count], "average").items():
            mean = torch.stack([model_of(report)[name] for report in plain[3 : 3 + count]]).mean(0)
            torch.testing.assert_close(average, mean)
    loaded = load(config(), reports[-1].state).state_dict()  # type: ignore[arg-type]
    assert all(torch.equal(loaded[name], tensor) for name, tensor in model_of(reports[-1], "average").items())
    assert reports[2].metrics == plain[2].metrics
    validated = [r[-1].metrics["validation/robust_accuracy.pgd"] for r in (reports, plain)]
    assert validated[0] != validated[1], "the average is validated"


def test_running_statistics_are_averaged_and_counters_taken_over() -> None:
    network = nn.BatchNorm1d(2)
    average = UniformAverage(network)
    for value in (1.0, 3.0, 8.0):
        network.running_mean.fill_(value)  # type: ignore[union-attr, operator]
        network.num_batches_tracked.fill_(int(value))  # type: ignore[union-attr, operator]
        with torch.no_grad():
            network.weight.fill_(value)
        average.take_in(network)
    assert average.network.weight.tolist() == pytest.approx([4, 4])  # type: ignore[union-attr, operator]
    assert average.network.running_mean.tolist() == pytest.approx([4, 4])  # type: ignore[union-attr, operator]
    assert int(average.network.num_batches_tracked) == 8  # type: ignore[arg-type]


@pytest.mark.parametrize("after", [2, 3, 4, 5])
def test_a_resumed_average_is_the_same(after: int) -> None:
    whole = trained()
    run = InProcessRun(seed=1, state=whole[after - 1].state)
    *_, again = adversarial_training.train(config(), run)
    assert again.metrics == whole[-1].metrics
    for name, tensor in model_of(whole[-1], "average").items():
        assert torch.equal(model_of(again, "average")[name], tensor)


def test_one_average_at_a_time() -> None:
    with pytest.raises(ValidationError, match="both averages of weights; give one of them"):
        config(weight_average=0.9)
    customary = resolve(adversarial_training, {"swa_start": 0.5}, "customary").config
    assert customary.weight_average == 0
    assert resolve(adversarial_training, {}, "customary").config.weight_average > 0
