"""The fast memory layout is used where it is safe, and nowhere else."""

from __future__ import annotations

import pytest
import torch

from trainables.adversarial_training import model as adversarial_training
from trainables.attacks.objective import in_memory_order
from trainables.counterfactual_gan import model as counterfactual_gan
from trainables.memory_layout import fast_layout
from trainables.models.building import build_network


@pytest.mark.parametrize(
    ("capability", "device", "layout"),
    [
        ("AVX512", "cpu", torch.channels_last),
        ("AVX2", "cpu", torch.contiguous_format),
        ("DEFAULT", "cpu", torch.contiguous_format),
        ("AVX512", "meta", torch.contiguous_format),
    ],
)
def test_channels_last_is_for_processors_on_which_it_is_safe(
    capability: str, device: str, layout: torch.memory_format, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    assert fast_layout(torch.device(device)) is layout


@pytest.mark.parametrize(("capability", "last"), [("AVX512", True), ("AVX2", False)])
def test_networks_and_what_is_attacked_are_laid_out_so(
    capability: str, last: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    network = build_network("resnet18", (3, 16, 16), [2], 4)
    for laid_out in (adversarial_training.laid_out(network, torch.device("cpu")), counterfactual_gan.laid_out(network)):
        weights = [weight for weight in laid_out.parameters() if weight.ndim == 4 and weight.shape[-1] > 1]
        assert all(weight.is_contiguous(memory_format=torch.channels_last) is last for weight in weights)
    images = in_memory_order(torch.rand(2, 3, 16, 16))
    assert images.is_contiguous(memory_format=torch.channels_last) is last
