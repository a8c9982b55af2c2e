"""LeNet's shapes: S3's capacity on MNIST, and images as small as digits."""

from __future__ import annotations

import pytest
import torch

from trainables.models.lenet import MultiTaskLeNet


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 32, 32), (3, 5, 9), (1, 4, 4)])
def test_every_task_gets_its_logits(shape: tuple[int, int, int]) -> None:
    model = MultiTaskLeNet(shape, (10, 2, 3), width=1)
    logits = model(torch.rand(5, *shape))
    assert isinstance(logits, tuple)
    assert [tuple(head.shape) for head in logits] == [(5, 10), (5, 2), (5, 3)]


def test_width_16_is_the_network_of_the_official_code() -> None:
    model = MultiTaskLeNet((1, 28, 28), (10, 2), width=16)
    assert model.conv1.weight.shape == (32, 1, 5, 5)
    assert model.conv2.weight.shape == (64, 32, 5, 5)
    assert model.hidden.weight.shape == (1024, 7 * 7 * 64)
    assert [head.weight.shape for head in model.heads] == [(10, 1024), (2, 1024)]


def test_the_trunk_is_shared() -> None:
    model = MultiTaskLeNet((1, 8, 8), (10, 2), width=1)
    model(torch.rand(2, 1, 8, 8))[1].sum().backward()
    assert model.conv1.weight.grad.abs().sum() > 0
    assert model.heads[0].weight.grad is None


def test_images_that_vanish_in_the_pools_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 4×4 pixels, not 3×8"):
        MultiTaskLeNet((1, 3, 8), (10,), width=1)
