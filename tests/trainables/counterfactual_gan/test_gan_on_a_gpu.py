"""Training of the counterfactual GAN on a GPU, a fake one: no tensor is left on the CPU, and no batch waits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.support.fake_gpu import fake_gpu
from trainables import counterfactual_gan as method
from trainables.contract import InProcessRun, resolve
from trainables.counterfactual_gan.training.loop import train_epoch
from trainables.counterfactual_gan.training.networks import Networks

IMAGES, SHAPE = 6, (1, 32, 32)
GIVEN: dict[str, Any] = {
    "dataset": "synthetic_cracks", "epochs": 1, "batch_size": IMAGES, "augmentation": "none", "generator_width": 4,
    "generator_levels": 2, "discriminator_width": 4,
}  # fmt: skip


class Batches:
    """So many equal batches on the GPU, as a loader gives them."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for _ in range(self.count):
            yield torch.zeros(IMAGES, *SHAPE, device="cuda"), torch.zeros(IMAGES, dtype=torch.int64, device="cuda")


def waits_of_an_epoch(config: Any, batches: int, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """What an epoch of so many batches waits for."""
    with monkeypatch.context() as patched, fake_gpu(patched) as gpu:
        run = InProcessRun(device_name="cuda")
        networks = Networks.start(config, run, SHAPE)
        gpu.waits.clear()
        train_epoch(config, run, networks, Batches(batches), batches * IMAGES, 0)
        return Counter(gpu.waits)


@pytest.mark.parametrize(
    "given",
    [
        {"half_cycles": 3, "cycle_identity": 1.0, "lambda_diversity": 1.0, "generator_average": 0.9},
        {"augmentation": "crop_colour_blur", "discriminator_average": 0.9},
        {"adversarial": False},
        pytest.param({"generator": "swin_unet", "discriminator": "hybrid", "quantised": True}, marks=pytest.mark.long),
    ],
    ids=lambda given: "-".join(given),
)
def test_no_batch_waits(given: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    config = resolve(method, {**GIVEN, **given}).config
    few, many = (waits_of_an_epoch(config, batches, monkeypatch) for batches in (1, 2))
    assert few, "an epoch's mean losses are read at its end"
    assert set(many - few) == set()
