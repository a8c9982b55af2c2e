"""Adversarial training in float64 whose reports contain the last gradients: several workers must give those of one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from trainables.adversarial_training.config import Config as Base
from trainables.contract import Report, Run

METRICS = {"train/loss": "minimize", "validation/loss": "minimize", "test/loss": "minimize"}
SELECTION = "validation/loss"


class Config(Base):
    """That of `adversarial_training`."""


def train(config: Config, run: Run) -> Iterator[Report]:
    from trainables.adversarial_training.data import splits
    from trainables.adversarial_training.model import build
    from trainables.adversarial_training.training.loop import make_loader, train_epoch
    from trainables.adversarial_training.training.optimisation import make_optimizer
    from trainables.datasets.sampling.samples import Samples
    from trainables.randomness import EpochOrder
    from trainables.states import detached

    @dataclass(frozen=True, eq=False)
    class Doubles(Samples):
        def __getitems__(self, index: list[int]) -> tuple[Tensor, Tensor]:
            images, labels = super().__getitems__(index)
            return images.double(), labels

    data = splits(config, run.data(config.dataset), run.device)
    model = run.prepare(build(config, data.shape, data.classes, run.seed).double())
    optimizer = make_optimizer(config, model)
    order = EpochOrder(len(data.train), run.seed)
    loader = run.prepare_loader(
        make_loader(config, Doubles(data.train.split, data.train.chosen, data.train.labels), order)
    )
    for epoch in range(config.epochs):
        order.set_epoch(epoch)
        loss = train_epoch(config, run, model, optimizer, loader, epoch, config.epsilon)["train/loss"]
        gradients = {name: weight.grad for name, weight in run.unwrap(model).named_parameters()}
        state = {"weights": detached(run.unwrap(model).state_dict()), "gradients": detached(gradients)}
        yield Report({"train/loss": loss, "validation/loss": loss}, state=state)


def load(config: Config, state: Mapping[str, Any]) -> Any:
    return state["weights"]


def evaluate(config: Config, state: Mapping[str, Any], run: Run) -> Report:
    return Report({"test/loss": float(torch.stack([w.double().norm() for w in state["weights"].values()]).sum())})
