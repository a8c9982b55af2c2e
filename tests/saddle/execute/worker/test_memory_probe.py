"""The probe of a trial's memory, on a CPU with a meter of its own: what it watches, and when it stops."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from saddle.execute.worker.memory_limit import limit_memory
from saddle.execute.worker.memory_probe import STEPS, limited, measure_all, probe_there
from saddle.study.trainable.loading import LoadedTrainable, load_trainable
from trainables.contract import InProcessRun, Report, Run


@dataclass
class Meter:
    """Memory as the trainable says it takes it."""

    taken: int = 0
    begun: int = 0

    def begin(self) -> None:
        self.taken, self.begun = 0, self.begun + 1

    def largest(self) -> int:
        return self.taken

    def beside(self) -> int:
        return 0


@dataclass
class Trainer:
    """Trains a network, whose every step and test takes memory of the meter."""

    meter: Meter
    steps: int = 5
    said: list[str] = field(default_factory=list)

    def train(self, config: Any, run: Run) -> Iterator[Report]:
        network = torch.nn.Linear(2, 1)
        optimizer = torch.optim.SGD(network.parameters(), 0.1)
        for _ in range(self.steps):
            try:
                network(torch.ones(1, 2)).sum().backward()
                optimizer.step()
            except Exception:  # as a loop that continues whatever happens
                continue
            self.said.append("step")
            self.meter.taken = max(self.meter.taken, int(config.x * 100))
        if config.trouble == "raise":
            raise RuntimeError("CUDA out of memory")
        yield Report({}, {"epoch": 1})
        raise AssertionError("a second epoch is trained")

    def evaluate(self, config: Any, state: Mapping[str, Any], run: Run) -> Report:
        torch.nn.Linear(2, 1)(torch.ones(1, 2))
        self.said.append("test")
        self.meter.taken = max(self.meter.taken, int(config.x * 300))
        return Report({})


def trainable(trainer: Trainer) -> LoadedTrainable:
    return replace(load_trainable("parabola"), train=trainer.train, evaluate=trainer.evaluate)


def probe(trainer: Trainer, *configurations: Mapping[str, Any], seconds: float = 60.0) -> int:
    return measure_all(trainable(trainer), configurations, InProcessRun, trainer.meter, seconds)


def test_the_largest_of_an_epoch_and_its_test_counts() -> None:
    trainer = Trainer(Meter())
    assert probe(trainer, {"x": 0.5}) == 150
    assert trainer.said == ["step"] * 5 + ["test"]


def test_the_largest_of_all_configurations_counts_each_measured_alone() -> None:
    trainer = Trainer(Meter())
    assert probe(trainer, {"x": 0.5}, {"x": 2.0}, {"x": 1.0}) == 600
    assert trainer.meter.begun == 3


def test_after_its_time_training_is_broken_off_but_not_before_some_steps() -> None:
    trainer = Trainer(Meter(), steps=1000)
    assert probe(trainer, {"x": 0.5}, seconds=0.0) == 50
    assert trainer.said == ["step"] * STEPS


def test_a_configuration_that_fails_hides_no_other() -> None:
    trainer = Trainer(Meter())
    assert probe(trainer, {"x": 3.0, "trouble": "raise"}, {"x": 0.5}) == 150
    assert probe(trainer, {"x": -1.0}) == 0, "an invalid one measures nothing"


def test_no_hook_stays() -> None:
    with pytest.raises(ZeroDivisionError), limited(0.0, 0):
        raise ZeroDivisionError
    network = torch.nn.Linear(2, 1)
    network(torch.ones(1, 2))


def test_without_a_gpu_nothing_is_measured() -> None:
    if torch.cuda.is_available():
        pytest.skip("there is one")
    assert probe_there("{}", [{}], 0, None) == ""


@pytest.mark.parametrize(("share", "limits"), [(0.25, [0.25 - 2**29 / 80e9]), (1.0, []), (0.0, []), (2.0, [])])
def test_a_process_is_kept_within_its_share(monkeypatch: pytest.MonkeyPatch, share: float, limits: list[float]) -> None:
    asked: list[float] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: SimpleNamespace(total_memory=int(80e9)))
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", asked.append)
    limit_memory(share)
    assert asked == pytest.approx(limits)
