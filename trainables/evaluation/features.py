"""Feature extractors, between whose features of real and generated images distances are taken."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor, nn

from trainables.attacks.frozen import frozen


class FeatureExtractor(Protocol):
    """Everything that a distance between sets of images depends on, needed to compare two distances."""

    @property
    def name(self) -> str:
        """The network, in words."""

    @property
    def distance(self) -> Literal["fid", "fd"]:
        """The name of a Fréchet distance between its features: "fid" only with FID's own weights."""

    @property
    def dimensions(self) -> int:
        """F, the features of an image."""

    @property
    def resize(self) -> str:
        """How images are resized to the network's size, in words."""

    @property
    def checksum(self) -> str:
        """SHA-256 of the network's weights, 64 hexadecimal digits."""

    def __call__(self, images: Tensor) -> Tensor:
        """The features of `images`, (N, C, H, W) in [0, 1]: (N, F), float64 on the CPU."""


@dataclass(frozen=True)
class NetworkFeatures:
    """The features that `compute` takes from a network in eval mode, `batch` images at a time."""

    name: str
    distance: Literal["fid", "fd"]
    dimensions: int
    resize: str
    checksum: str
    network: nn.Module
    compute: Callable[[Tensor], Tensor]
    batch: int

    def __call__(self, images: Tensor) -> Tensor:
        """The features of `images`, (N, C, H, W) in [0, 1]: (N, F), float64 on the CPU."""
        if len(images) == 0:
            return torch.zeros(0, self.dimensions, dtype=torch.float64)
        with frozen(self.network), torch.no_grad():
            parts = [self.compute(part).double().cpu() for part in torch.split(images, self.batch)]
        return torch.cat(parts)


def of_classifier(
    model: nn.Module, shape: tuple[int, int, int], *, name: str = "classifier", batch: int = 256
) -> FeatureExtractor:
    """The pooled features of a classifier trained in the project; distances between them are FD, never FID.

    `model.features`: (N, C, H, W) → (N, F). `shape`: (C, H, W) of the images, which go in unchanged.
    Raises `ValueError` if the model has no such features.
    """
    features = getattr(model, "features", None)
    if not callable(features):
        raise ValueError(f"{type(model).__name__} has no method features(images) -> (N, F)")
    try:
        device = next(model.parameters()).device
    except StopIteration:
        raise ValueError(f"{type(model).__name__} has no weights") from None
    with frozen(model), torch.no_grad():
        sample = features(torch.zeros(1, *shape, device=device))
    if sample.ndim != 2:
        raise ValueError(
            f"{type(model).__name__}.features gives {tuple(sample.shape)} for one image, expected pooled features "
            "(1, F)"
        )

    def compute(images: Tensor) -> Tensor:
        if tuple(images.shape[1:]) != tuple(shape):
            raise ValueError(f"images are {tuple(images.shape[1:])}, {name}'s features are of {tuple(shape)}")
        result: Tensor = features(images.to(device))
        return result

    size = f"none: {shape[1]}×{shape[2]} pixels as they are"
    return NetworkFeatures(name, "fd", sample.shape[1], size, weights_checksum(model), model, compute, batch)


def weights_checksum(model: nn.Module) -> str:
    """SHA-256 over the names, types, shapes and values of a model's weights and buffers, in hexadecimal digits."""
    digest = hashlib.sha256()
    for key, value in sorted(model.state_dict().items()):
        digest.update(f"{key} {value.dtype} {tuple(value.shape)}\n".encode())
        digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
