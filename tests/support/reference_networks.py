"""Networks for calibrating evaluations: each dataset's STA and MP at scale quick, and STA with masked gradients.

Training takes about a minute each; those stored in `folder` are not trained again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

import trainables.adversarial_training as method
from trainables.adversarial_training.config import Config
from trainables.adversarial_training.data import splits
from trainables.contract import InProcessRun, resolve
from trainables.datasets.config import dataset_of
from trainables.datasets.sampling.samples import Samples

Arm = Literal["sta", "mp", "masked"]
ARMS: tuple[Arm, ...] = ("sta", "mp", "masked")
TASKS = {"digits": "odd_even", "mnist": "odd_even", "gtsrb": "circle_polygon", "cifar10": "animal_vehicle"}
"""The auxiliary task of each dataset."""
TESTED = 1_000
"""Test images, if there are so many."""
LEVELS = 8
"""Grey levels that the masked network's input is rounded to: its gradients are zero."""


class Quantised(nn.Module):
    """A network with rounded input: it masks gradients, but not from black-box attacks."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Sequence[Tensor]:
        logits: Sequence[Tensor] = self.network((images * LEVELS).round() / LEVELS)
        return logits


@dataclass(frozen=True, eq=False)
class Reference:
    """A trained network with the configuration of its attacks, and its test samples."""

    dataset: str
    arm: Arm
    config: Config
    network: nn.Module
    samples: Samples


def reference(dataset: str, arm: Arm, folder: Path, data_root: str | None, seed: int = 0) -> Reference:
    """The network of a dataset and an arm, from `folder` if it is stored there."""
    trained = "sta" if arm == "masked" else arm
    settings = {"dataset": dataset, "perturbation": trained, "tasks": [TASKS[dataset]], "attacks": ["pgd"]}
    config = resolve(method, {**settings, "test_size": TESTED}, None, "quick").config
    assert isinstance(config, Config)
    run = InProcessRun(seed=seed, data_root=data_root)
    path = folder / f"{dataset}-{trained}-{seed}.pt"
    if not path.is_file():
        states = [report.state for report in method.train(config, run)]
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(states[-1], path)
    network = method.load(config, torch.load(path, weights_only=True))
    samples = splits(config, run.data(dataset_of(config)), run.device).test
    return Reference(dataset, arm, config, Quantised(network) if arm == "masked" else network, samples)
