"""Networks retrained on the pixels that an attribution marks, and on others (DiffROAR; Shah et al., 2021).

If the pixels that a map ranks first tell more about the class, a network that sees only these learns more than one
that sees only the last. Both are trained as the tested network would be without attacks, from the seed of its trial.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from trainables.adversarial_training.attacks.attacking import batches, predict
from trainables.adversarial_training.config import Config
from trainables.adversarial_training.data import Splits, splits
from trainables.adversarial_training.model import load
from trainables.adversarial_training.training.loop import train
from trainables.attacks.frozen import frozen
from trainables.contract import InProcessRun, Run
from trainables.datasets.dataset import Dataset, Split
from trainables.datasets.sampling.samples import Samples
from trainables.interpretability.attributions import attribute
from trainables.interpretability.main_head import MainHead
from trainables.interpretability.quality.removal import order_of

SIDES = ("top", "bottom")
"""The share of pixels that count as ranked first; as many count as ranked last."""


@dataclass
class MaskedRun(InProcessRun):
    """A run with a given dataset."""

    dataset: Dataset | None = None

    def data(self, name: Any) -> Any:
        return self.dataset


def retrained_right(config: Config, run: Run, model: nn.Module, data: Splits) -> dict[str, Tensor]:
    """Which test images, (N,) bool, are classified correctly from their visible pixels, as `SIDE.METHOD`."""
    right = {}
    for method in config.attributions:
        ordered = {
            part: _orders(config, model, method, getattr(data, part)) for part in ("train", "validation", "test")
        }
        for side in SIDES:
            masked = masked_dataset(config, data, ordered, side)
            right[f"{side}.{method}"] = _right(config, run, masked, data.test.labels[:, 0])
    return right


def masked_dataset(config: Config, data: Splits, ordered: Mapping[str, Tensor], side: str) -> Dataset:
    """All images with only those pixels; the others have the training images' mean, channel by channel.

    `ordered`: the pixels of each image from the most to the least relevant, (N, H · W), by part.
    """
    empty = data.train.pixels.mean((0, 2, 3), keepdim=True)
    parts = {}
    for part, order in ordered.items():
        samples: Samples = getattr(data, part)
        shown = torch.zeros_like(order, dtype=torch.bool)
        count = max(1, round(config.retrained_share * order.shape[1]))
        shown.scatter_(1, order[:, :count] if side == "top" else order[:, -count:], True)
        pixels = samples.pixels
        pixels = torch.where(shown.reshape(len(pixels), 1, *pixels.shape[2:]), pixels, empty)
        parts[part] = Split((255 * pixels).round().to(torch.uint8).cpu(), samples.labels[:, 0].cpu())
    names = tuple(str(label) for label in range(data.classes[0]))
    return Dataset("masked", names, parts["train"], parts["test"], parts["validation"])


def without_attacks(config: Config) -> Config:
    """The configuration of the same training on clean images, for the main task alone."""
    changed = {
        "perturbation": "none", "objective": "cross_entropy", "awp_gamma": 0.0, "distillation": "none", "tasks": {},
        "epsilon": 0.0, "step_size": 0.0, "steps": 1, "epsilon_warmup": 0, "epsilon_share": None, "patience": None,
        "attacks": ("fgsm",), "attack_epsilon": 0.0, "validate_every": config.epochs,
        "analyses": (), "train_size": None, "test_size": None, "threat_models": ("main_head",),
    }  # fmt: skip
    return config.model_copy(update=changed)


def _orders(config: Config, model: nn.Module, method: str, samples: Samples) -> Tensor:
    """The pixels of each image from the most to the least relevant, (N, H · W)."""
    network, orders = MainHead(model), []
    for _, images, labels in batches(samples):
        with torch.no_grad():
            classes = labels[:, 0] if config.explained_class == "label" else network(images).argmax(1)
        orders.append(order_of(attribute(method, network, images, classes)))
    return torch.cat(orders)


def _right(config: Config, run: Run, masked: Dataset, labels: Tensor) -> Tensor:
    own = MaskedRun(seed=run.seed, device_name=str(run.device), dataset=masked)
    plain = without_attacks(config)
    with torch.enable_grad():
        *_, last = train(plain, own)
    assert last.state is not None
    network = load(plain, last.state).to(run.device)
    with frozen(network):
        answers = predict(network, splits(plain, masked, run.device).test)[0].argmax(1)
    return _in_order(answers, splits(plain, masked, run.device).test) == labels


def _in_order(answers: Tensor, tested: Samples) -> Tensor:
    """The answers in the order of the images, which the draw of test images changed."""
    ordered = torch.empty_like(answers)
    ordered[tested.chosen.to(answers.device)] = answers
    return ordered
