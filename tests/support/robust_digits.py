"""A small network trained adversarially on scikit-learn's digits, the same each time, and images to attack it with."""

from __future__ import annotations

import functools

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainables.attacks.algorithms.pgd import pgd
from trainables.attacks.frozen import frozen
from trainables.datasets import load

EPSILON = 0.12


class ConvolutionalNetwork(nn.Sequential):
    """A convolution, a hidden layer and `classes` logits of images (N, 1, 8, 8)."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__(
            nn.Conv2d(1, 12, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(192, 48),
            nn.ReLU(),
            nn.Linear(48, classes),
        )


def digits_images(classes: int = 10) -> tuple[Tensor, Tensor]:
    """All 1,797 images (N, 1, 8, 8) in [0, 1] with their labels modulo `classes`."""
    dataset = load("digits")
    images = torch.cat([dataset.train.images, dataset.test.images]).float() / 255
    labels = torch.cat([dataset.train.labels, dataset.test.labels])
    return images, labels % classes


@functools.cache
def robust_network(classes: int = 10, epochs: int = 6, epsilon: float = EPSILON) -> nn.Module:
    """Trained on every other image with PGD of 5 steps; frozen, in eval mode, float32."""
    images, labels = (part[::2] for part in digits_images(classes))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = ConvolutionalNetwork(classes)
        optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
        for _ in range(epochs):
            for batch in torch.randperm(len(images)).split(50):
                train_on(network, optimizer, images[batch], labels[batch], epsilon)
    return network.eval().requires_grad_(False)


def train_on(
    network: nn.Module, optimizer: torch.optim.Optimizer, images: Tensor, labels: Tensor, epsilon: float
) -> None:
    """A step of the optimizer on a batch attacked by PGD of 5 steps; `epsilon` 0 is training without attacks."""
    with frozen(network):
        adversarial = pgd(
            lambda x: F.cross_entropy(network(x), labels, reduction="sum"),
            images,
            epsilon,
            epsilon / 3,
            5,
            random_start=True,
        )
    optimizer.zero_grad()
    F.cross_entropy(network(adversarial), labels).backward()
    optimizer.step()
