"""Training of plain classifiers, which trials share: judges, and twins of a trial's own networks."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainables.batches import make_loader
from trainables.contract import Run
from trainables.counterfactual_gan.config import Config
from trainables.datasets.augmentation import augment
from trainables.datasets.sampling.samples import Samples
from trainables.defects.splits import BalancedSampler, Splits
from trainables.randomness import stream, stream_seed
from trainables.states import detached

N = TypeVar("N", bound=nn.Module)

LR = 1e-3
"""Adam's learning rate, on a one-cycle schedule; a plain classifier needs no balance with an opponent."""


@dataclass(frozen=True)
class Budget:
    """How long a classifier trains: updates of so many images each."""

    updates: int
    batch_size: int


def batches_of(data: Splits, batch_size: int) -> int:
    """Batches of one pass over the training images."""
    return len(make_loader(data.train, BalancedSampler(data.train.labels, 0, balanced=True), batch_size))


def shared_classifier(
    config: Config,
    data: Splits,
    run: Run,
    key: tuple[Hashable, ...],
    build: Callable[[], N],
    logits_of: Callable[[N], Callable[[Tensor], Tensor]],
    *,
    seed: int,
    balanced: bool,
    budget: Budget,
) -> N:
    """The classifier of this key on these data, in eval mode; only one of a study's trials trains it."""

    def train() -> Mapping[str, Any]:
        model = build().to(run.device)
        augmented = config.augmentation != "none"
        train_classifier(
            model, logits_of(model), data.train, budget=budget, seed=seed, balanced=balanced, augmented=augmented
        )
        state: Mapping[str, Any] = detached(model.state_dict())
        return state

    rests_on = (
        data.fingerprint, data.shape, config.positive, config.grey, config.tile_size, config.image_size,
        config.train_size, config.validation_fraction, config.split_seed, budget, balanced, config.augmentation,
        run.device.type, torch.get_num_threads(),
    )  # fmt: skip
    state = run.shared((*key, seed, *rests_on), train)
    model = build().to(run.device)
    model.load_state_dict(state)
    return model.eval()


def train_classifier(
    model: nn.Module,
    logits_of: Callable[[Tensor], Tensor],
    samples: Samples,
    *,
    budget: Budget,
    seed: int,
    balanced: bool,
    augmented: bool,
) -> None:
    """Train `model` in place on the cross-entropy of `logits_of`, (N, C, H, W) → (N, 2); leaves it in eval mode."""
    order = BalancedSampler(samples.labels, seed, balanced=balanced, purpose="classifier order")
    loader = make_loader(samples, order, budget.batch_size)
    optimizer = torch.optim.Adam(model.parameters(), LR)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LR, total_steps=budget.updates)
    model.train()
    devices = [samples.split.device] if samples.split.device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        torch.manual_seed(stream_seed(seed, "classifier"))
        for epoch, first in enumerate(range(0, budget.updates, len(loader))):
            order.set_epoch(epoch)
            drawn = stream(seed, "classifier augmentation", epoch)
            for images, labels in islice(loader, budget.updates - first):
                inputs = augment(images, drawn) if augmented else images
                loss = F.cross_entropy(logits_of(inputs), labels)
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                schedule.step()
    model.eval()
