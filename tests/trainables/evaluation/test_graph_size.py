"""What a backward pass keeps is counted, and the curves of Figure 3 fit into a machine at full size."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from trainables import counterfactual_gan
from trainables.attacks.frozen import frozen
from trainables.contract import resolve
from trainables.counterfactual_gan.model import discriminator_of, generator_of
from trainables.evaluation.graph_size import GRAPH_BYTES, MOST_IMAGES, graph_bytes, image_bytes, images_at_once
from trainables.evaluation.perturbation_curves import attack, expectation, pgd_over_epsilons


def test_it_is_what_a_layer_keeps_of_each_image() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 100), nn.Tanh(), nn.Linear(100, 2)).requires_grad_(False)
    image = torch.rand(1, 1, 8, 8)
    assert image_bytes(model, image) == 100 * 4, "tanh keeps its outputs; linear layers need only their weights"
    assert graph_bytes(model, image) == 100 * 4 + (64 * 100 + 100 * 2) * 4
    assert images_at_once(model, image, limit=4_000) == 10
    assert images_at_once(model, image, limit=10) == 1
    assert images_at_once(model, image) == MOST_IMAGES


class Noisy(nn.Module):
    """A classifier that draws noise from the global generator in every pass."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(64, 200), nn.Linear(200, 2)

    def forward(self, images: Tensor) -> Tensor:
        noise = torch.randn(len(images), 200, dtype=images.dtype)
        logits: Tensor = self.last(torch.tanh(self.first(images.flatten(1)) + noise))
        return logits


def test_an_expectation_keeps_no_graph_of_its_draws_and_has_the_gradients_of_one_that_does() -> None:
    model = Noisy().double().requires_grad_(False)
    images = torch.rand(3, 1, 8, 8, dtype=torch.float64)

    def at_once(x: Tensor) -> Tensor:
        passes = torch.stack([torch.log_softmax(model(x), 1) for _ in range(5)])
        return passes.logsumexp(0) - torch.tensor(5.0).log()

    gradients = []
    for logits in (expectation(model, 5), at_once):
        torch.manual_seed(0)
        point = images.clone().requires_grad_()
        made = logits(point)
        drawn_next = torch.rand(1)
        [gradient] = torch.autograd.grad(made[:, 0].sum(), point)
        assert torch.rand(1) != drawn_next
        gradients.append((made.detach(), gradient, drawn_next))
    for mine, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-12, atol=1e-12)
    assert graph_bytes(expectation(model, 20), images) < graph_bytes(model, images)


def test_chunks_change_nothing_where_nothing_is_drawn() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 20), nn.Tanh(), nn.Linear(20, 3)).double().requires_grad_(False)
    images, labels = torch.rand(30, 1, 8, 8, dtype=torch.float64), torch.arange(30) % 2
    for point, whole in zip(
        pgd_over_epsilons(model, images, labels, batch=7), pgd_over_epsilons(model, images, labels), strict=True
    ):
        values, of_whole = dataclasses.asdict(point), dataclasses.asdict(whole)
        for name, value in values.items():
            torch.testing.assert_close(value, of_whole[name], rtol=1e-12, atol=0.0)


FULL = {"generator": "swin_unet", "generator_pretrained": False, "discriminator": "hybrid", "dataset": "casc_ifw"}
BEFORE = 256
"""Images that an attack took at once, whatever their size."""


@pytest.mark.long
def test_figure_3_at_224_pixels_fits_into_a_few_gigabytes() -> None:
    """The networks of `figure3-apples` at scale full: what one graph of all draws took, and what a chunk takes now."""
    config: Any = resolve(counterfactual_gan, FULL, "apples", "full").config
    assert (config.image_size, config.grey) == (224, False)
    shape = (3, 224, 224)
    discriminator, generator = discriminator_of(config, shape, 0), generator_of(config, shape, 0)
    image = torch.rand(1, *shape)
    with frozen(discriminator), frozen(generator):
        bytes_of = {"d": image_bytes(discriminator, image), "g": image_bytes(generator.classify, image)}
        before = BEFORE * config.attack_draws * bytes_of["g"]
        assert before > 100e9
        for name, logits in (("d", discriminator), ("g", generator.classify)):
            at_once = images_at_once(logits, image)
            assert 1 <= at_once < BEFORE
            assert at_once * bytes_of[name] <= GRAPH_BYTES
        held = graph_bytes(expectation(generator.classify, config.attack_draws), image)
        assert held < 0.1 * bytes_of["g"], "beside the pass under way nothing but images is kept"
        moved = attack(expectation(generator.classify, 2), image, torch.tensor([1]), 0.1, 0.01, steps=1)
    assert 0 < float((moved - image).abs().max()) <= 0.01 + 1e-6
