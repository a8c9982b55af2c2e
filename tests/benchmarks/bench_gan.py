"""Updates of the counterfactual GAN per second, against the equations transcribed term by term, on one thread."""

from __future__ import annotations

import copy
from statistics import median
from time import perf_counter
from typing import Any

import pytest
import torch

from tests.support.reference_gan import transcribed_update
from trainables import counterfactual_gan as method
from trainables.contract import resolve
from trainables.counterfactual_gan.model import discriminator_of, generator_of
from trainables.counterfactual_gan.training.updates import update

SHAPE = (1, 32, 32)
BATCH = 32
ROUNDS = 7
AIM = 1.3


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def alone(model: Any) -> Any:
    return model


@pytest.mark.parametrize("half_cycles", [1, 2])
def test_updates_against_the_transcription(half_cycles: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Both from the same weights on the same batch, turn by turn; the losses of the first turn agree."""
    settings = {"half_cycles": half_cycles, "noise_channels": 0, "dropout": 0.0}
    config: Any = resolve(method, settings).config
    generator = torch.Generator().manual_seed(0)
    images, labels = torch.rand(BATCH, *SHAPE, generator=generator), torch.arange(BATCH) % 2
    contestants: dict[str, Any] = {}
    pair = (generator_of(config, SHAPE, 0), discriminator_of(config, SHAPE, 0))
    for name in ("ours", "transcribed"):
        networks = copy.deepcopy(pair)
        adams = [torch.optim.Adam(network.parameters(), 1e-4) for network in networks]
        contestants[name] = (networks, adams)
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    first: dict[str, dict[str, float]] = {}
    for _ in range(ROUNDS + 1):
        for name, (networks, adams) in contestants.items():
            since = perf_counter()
            if name == "ours":
                losses = update(config, *networks, *adams, images, labels, alone)
                terms = {term: float(value) for term, value in losses.named()}
            else:
                terms = transcribed_update(config, *networks, *adams, images, labels)
            seconds[name].append(perf_counter() - since)
            first.setdefault(name, terms)
    assert first["ours"] == pytest.approx(first["transcribed"], rel=1e-5, abs=1e-5)
    ours, theirs = (median(seconds[name][1:]) for name in ("ours", "transcribed"))
    with capsys.disabled():
        print(
            f"\n{half_cycles} half-cycle(s), {BATCH} images of {SHAPE}: {1 / ours:.2f} updates a second, "
            f"transcribed {1 / theirs:.2f}; ratio {theirs / ours:.2f} (aim {AIM})"
        )
    assert theirs > ours, "sharing passes is slower than repeating them"
