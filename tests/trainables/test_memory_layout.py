"""The fast memory layout is used where it is safe, and nowhere else."""

from __future__ import annotations

import pytest
import torch

from trainables.memory_layout import fast_layout


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
