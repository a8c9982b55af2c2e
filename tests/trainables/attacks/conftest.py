"""What tests that hold attacks to an oracle share: a robust network and its images in double precision."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from tests.support.robust_digits import digits_images, robust_network

MOST_CORRECT = 100


@pytest.fixture
def double_precision() -> Iterator[None]:
    """The default precision, in which oracles keep what they compute, and sums hardly hang on their order."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture(scope="module")
def network() -> nn.Module:
    """The robust network, which was trained in single precision."""
    torch.set_default_dtype(torch.float32)
    return copy.deepcopy(robust_network()).double()


@pytest.fixture
def correct(network: nn.Module) -> tuple[Tensor, Tensor]:
    """Images (N, 1, 8, 8) that are classified correctly, as oracles start from those, and their labels."""
    images, labels = digits_images()
    right = (network(images.double()).argmax(1) == labels).nonzero().squeeze(1)[:MOST_CORRECT]
    return images[right].double(), labels[right]
