"""The checklist of honest robustness on a stored state, with the facts of its trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from trainables.adversarial_training.config import Config
from trainables.adversarial_training.data import Splits, splits
from trainables.adversarial_training.model import load
from trainables.attacks.algorithms.pgd import pgd
from trainables.attacks.frozen import frozen
from trainables.contract import CheckItem, Run, TrainedTrial
from trainables.datasets.config import dataset_of
from trainables.datasets.sampling.samples import Samples
from trainables.evaluation.checklist import Context, Subject, run_checklist
from trainables.evaluation.checklist.subject import ClaimedAttack, Forward
from trainables.randomness import stream

CHECKED = 500
"""Test images that are checked, the first ones of an order that keeps the classes' proportions."""

PREDICTIONS = "predictions."


def check_robustness(config: Config, state: Mapping[str, Any], run: Run, trained: TrainedTrial) -> list[CheckItem]:
    """Every item's verdict on a stored state and its evaluation, on at most `CHECKED` test images."""
    data = splits(config, run.data(dataset_of(config)), run.device)
    images, labels = first(data.test, CHECKED)
    with frozen(load(config, state).to(run.device)) as model:
        subject = Subject(
            model,
            images,
            labels,
            config.attack_epsilon,
            classes=data.classes[0],
            context=context_of(config, data, run, trained, len(images)),
            seed=run.seed,
        )
        return run_checklist(subject)


def context_of(config: Config, data: Splits, run: Run, trained: TrainedTrial, n: int) -> Context:
    """What the checklist may use of a trial, for its first `n` test images."""
    chosen, _ = first(data.validation, len(data.validation))
    return Context(
        attack=pgd_of(config),
        claimed=claimed(trained.arrays, n),
        surrogate=_network(*trained.other, run) if trained.other is not None else None,
        selected_by=trained.selected_by,
        selection=chosen,
        best=trained.metrics,
        last=trained.test_last,
        curve=trained.curve,
        chosen=trained.selected_epoch,
        seeds=trained.seeds,
    )


def first(samples: Samples, n: int) -> tuple[Tensor, Tensor]:
    """Pixels (n, C, H, W) and labels (n, heads) of the first samples."""
    return samples.__getitems__(list(range(min(n, len(samples)))))


def claimed(arrays: Mapping[str, Any], n: int) -> Tensor | None:
    """Which of the first `n` test images count as robust in the stored evaluation, (n,) bool; None without one."""
    predictions = {name: array for name, array in arrays.items() if name.startswith(PREDICTIONS)}
    if "labels" not in arrays or not predictions or len(arrays["labels"]) < n:
        return None
    labels = torch.as_tensor(arrays["labels"])[:n]
    worst = predictions.get(f"{PREDICTIONS}worst_case")
    counted = [worst] if worst is not None else list(predictions.values())
    return torch.stack([torch.as_tensor(array)[:n] == labels for array in counted]).all(0)


def pgd_of(config: Config) -> ClaimedAttack:
    """PGD against the main head with the budget of the evaluation."""

    def attack(forward: Forward, images: Tensor, labels: Tensor, epsilon: float) -> Tensor:
        noise = torch.rand(images.shape, generator=stream(0, "claimed attack"), dtype=images.dtype)

        def loss_of(adversarial: Tensor) -> Tensor:
            return F.cross_entropy(forward(adversarial)[0], labels, reduction="sum")

        return pgd(
            loss_of, images, epsilon, config.attack_step_size, config.attack_steps, random_start=True, noise=noise
        )

    return attack


def _network(config: Config, state: Mapping[str, Any], run: Run) -> Forward:
    model = load(config, state).to(run.device).requires_grad_(False)

    def forward(images: Tensor) -> Sequence[Tensor]:
        heads: Sequence[Tensor] = model(images)
        return heads

    return forward
