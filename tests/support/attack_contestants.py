"""Seconds of one attack on every task, by saddle and by others, in turns; run with `python -m` where all are installed.

Prints one line of JSON: for each number of tasks the seconds of every contestant's turns, and of a matrix product.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.support import reference_attacks as reference
from trainables.attacks.algorithms.stacked import attack_tasks
from trainables.attacks.frozen import frozen
from trainables.models.building import build_network
from trainables.models.first_layer import FirstConv2d
from trainables.models.multi_task import MultiTaskNetwork

EPSILON, STEP = 0.3, 0.05
CLASSES = (10, 2, 3)
SHAPES = {"lenet": (1, 28, 28), "resnet18": (3, 32, 32)}
WIDTH = 16
PEAK = 1024
"""Rows of the square matrices whose product shows the machine's peak."""


class OneHead(nn.Module):
    """The network for attacks on a single head: the trunk and one head."""

    def __init__(self, model: MultiTaskNetwork, task: int) -> None:
        super().__init__()
        self.model, self.task = model, task

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.model.heads[self.task](self.model.trunk(images))
        return logits


def as_usual(model: MultiTaskNetwork) -> MultiTaskNetwork:
    """The same network without saddle's optimisation: torch's own first layer."""
    plain = deepcopy(model)
    for name, layer in model.named_children():
        if isinstance(layer, FirstConv2d):
            own = nn.Conv2d(layer.in_channels, layer.out_channels, layer.kernel_size, padding=layer.padding)
            own.load_state_dict(layer.state_dict())
            setattr(plain, name, own)
    return plain.eval().requires_grad_(False)


def saddles(model: MultiTaskNetwork, steps: int) -> Callable[[Tensor, Tensor], None]:
    fast = deepcopy(model)

    def attack(images: Tensor, labels: Tensor) -> None:
        tasks = [[task] for task in range(labels.shape[1])]
        noise = torch.rand(len(tasks), *images.shape)
        with frozen(fast):
            attack_tasks(fast, images, labels, tasks, epsilon=EPSILON, step_size=STEP, steps=steps, noise=noise)

    return attack


def plain_loop(model: MultiTaskNetwork, steps: int) -> Callable[[Tensor, Tensor], None]:
    """In the style of S3's official code: eval mode, no gradients of weights, one PGD after the other, both heads."""

    def attack(images: Tensor, labels: Tensor) -> None:
        for task in range(labels.shape[1]):
            reference.pgd(model, images, labels, [task], EPSILON, STEP, steps, torch.rand_like(images))

    return attack


def torchattacks_pgd(model: MultiTaskNetwork, steps: int) -> Callable[[Tensor, Tensor], None]:
    import torchattacks

    makers = [torchattacks.PGD(OneHead(model, m).eval(), EPSILON, STEP, steps) for m in range(len(CLASSES))]

    def attack(images: Tensor, labels: Tensor) -> None:
        for task in range(labels.shape[1]):
            makers[task](images, labels[:, task])

    return attack


def art_pgd(model: MultiTaskNetwork, steps: int) -> Callable[[Tensor, Tensor], None]:
    from art.attacks.evasion import ProjectedGradientDescentPyTorch
    from art.estimators.classification import PyTorchClassifier

    shape = SHAPES["lenet" if model.heads[0].in_features == 64 * WIDTH else "resnet18"]
    makers = []
    for task, classes in enumerate(CLASSES):
        classifier = PyTorchClassifier(
            OneHead(model, task).eval(), nn.CrossEntropyLoss(), shape, classes, clip_values=(0, 1), device_type="cpu"
        )
        makers.append(
            lambda n, classifier=classifier: ProjectedGradientDescentPyTorch(
                classifier, eps=EPSILON, eps_step=STEP, max_iter=steps, num_random_init=1, batch_size=n, verbose=False
            )
        )

    def attack(images: Tensor, labels: Tensor) -> None:
        for task, classes in enumerate(CLASSES[: labels.shape[1]]):
            known = F.one_hot(labels[:, task], classes).numpy()
            makers[task](len(images)).generate(images.numpy(), known)

    return attack


def main(network: str, batch: int, steps: int, rounds: int) -> dict[str, Any]:
    torch.set_num_threads(1)  # on a busy machine two threads measure other processes
    torch.manual_seed(0)
    model = build_network(network, SHAPES[network], CLASSES, WIDTH).eval().requires_grad_(False)
    usual = as_usual(model)
    contestants = {"saddle": saddles(model, steps), "plain loop": plain_loop(usual, steps)}
    missing = {}
    for name, make in (("torchattacks", torchattacks_pgd), ("ART", art_pgd)):
        try:
            contestants[name] = make(usual, steps)
        except ImportError as error:
            missing[name] = str(error)
    images = torch.rand(batch, *SHAPES[network])
    labels = torch.stack([torch.randint(0, count, (batch,)) for count in CLASSES], dim=1)
    square = torch.rand(PEAK, PEAK)
    seconds: dict[int, dict[str, list[float]]] = {}
    for turn in range(rounds + 1):  # the first is for warming up
        for tasks in (1, 2, 3):
            of_contestant = seconds.setdefault(tasks, {name: [] for name in (*contestants, "matrix product")})
            for name in contestants:
                since = time.perf_counter()
                contestants[name](images, labels[:, :tasks])
                if turn:
                    of_contestant[name].append(time.perf_counter() - since)
            since = time.perf_counter()
            square @ square
            of_contestant["matrix product"].append(time.perf_counter() - since)
    return {"seconds": seconds, "missing": missing}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], *map(int, sys.argv[2:]))))
