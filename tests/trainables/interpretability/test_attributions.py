"""Attributions against Captum called directly, and that a map depends on its image, class and seed alone."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from captum import attr
from torch import Tensor, nn

from trainables.interpretability.attributions import METHODS, NAMES, attribute
from trainables.interpretability.main_head import MainHead
from trainables.interpretability.methods.smoothgrad import SIGMA
from trainables.interpretability.relus import count_relus
from trainables.interpretability.stages import last_stage
from trainables.models.building import build_network

SHAPES = {"lenet": (1, 8, 8), "resnet18": (3, 8, 8), "alexnet": (3, 24, 24), "wide_resnet": (3, 8, 8)}


def network_of(name: str) -> nn.Module:
    torch.manual_seed(0)
    width = {"lenet": 4, "resnet18": 4, "alexnet": 4, "wide_resnet": 1}[name]
    return MainHead(build_network(name, SHAPES[name], (5, 2), width, 10, "zagoruyko")).eval()


def images_of(name: str, n: int = 4) -> Tensor:
    return torch.rand(n, *SHAPES[name], generator=torch.Generator().manual_seed(1))


CLASSES = torch.tensor([3, 0, 1, 3])


def by_captum(method: str, network: nn.Module, images: Tensor) -> Tensor:
    """The same from Captum itself, (N, H, W)."""
    given: dict[str, Any] = {
        "gradient": lambda: attr.Saliency(network).attribute(images, CLASSES, abs=False),
        "input_x_gradient": lambda: attr.InputXGradient(network).attribute(images, CLASSES),
        "integrated_gradients": lambda: attr.IntegratedGradients(network).attribute(
            images, torch.zeros_like(images), CLASSES, n_steps=32
        ),
        "guided_backpropagation": lambda: attr.GuidedBackprop(network).attribute(images, CLASSES),
        "gradcam": lambda: attr.LayerAttribution.interpolate(
            attr.LayerGradCam(network, last_stage(network, images[:1])).attribute(
                images, CLASSES, relu_attributions=True
            ),
            images.shape[2:],
            interpolate_mode="bilinear",
        ),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        attributed: Tensor = given[method]().detach().sum(1)
    return attributed


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("method", [method for method in NAMES if method != "smoothgrad"])
def test_a_map_is_captums(method: str, name: str) -> None:
    network, images = network_of(name), images_of(name)
    found = attribute(method, network, images, CLASSES)
    expected = by_captum(method, network, images.clone().requires_grad_())
    assert found.shape == (4, *images.shape[2:])
    assert torch.allclose(found, expected, atol=1e-6 * float(expected.abs().max()) + 1e-9, rtol=1e-4)
    assert float(expected.abs().max()) > 0, "the case must have a map"


def test_smoothgrad_is_about_the_gradient_averaged_over_much_noise() -> None:
    network, images = network_of("lenet"), images_of("lenet")
    torch.manual_seed(0)
    many = attr.NoiseTunnel(attr.Saliency(network)).attribute(
        images.clone().requires_grad_(), nt_samples=400, stdevs=SIGMA, target=CLASSES, abs=False
    )
    found, expected = attribute("smoothgrad", network, images, CLASSES), many.detach().sum(1)
    plain = attribute("gradient", network, images, CLASSES)
    alike = F.cosine_similarity(found.flatten(1), expected.flatten(1))
    assert float(alike.min()) > 0.9
    assert (alike > F.cosine_similarity(plain.flatten(1), expected.flatten(1))).all()


@pytest.mark.parametrize("method", NAMES)
def test_a_map_depends_on_image_class_and_seed_alone(method: str) -> None:
    network, images = network_of("lenet"), images_of("lenet")
    whole = attribute(method, network, images, CLASSES, seed=5)
    state = torch.get_rng_state()
    again = attribute(method, network, images.flip(0), CLASSES.flip(0), seed=5, batch=3).flip(0)
    assert torch.allclose(again, whole, atol=1e-7)
    assert torch.equal(torch.get_rng_state(), state), "the global generator isn't ours to move"
    other = attribute(method, network, images, CLASSES, seed=6)
    assert torch.equal(other, attribute(method, network, images, CLASSES, seed=6))
    assert torch.equal(other, whole) == (method != "smoothgrad")
    assert not torch.allclose(attribute(method, network, images, (CLASSES + 1) % 5), whole)


def test_a_network_is_explained_in_eval_mode_and_stays_as_it_was() -> None:
    network, images = network_of("resnet18"), images_of("resnet18")
    expected = attribute("gradient", network, images, CLASSES)
    network.train()
    statistics = {name: value.clone() for name, value in network.state_dict().items()}
    assert torch.allclose(attribute("gradient", network, images, CLASSES), expected, atol=1e-7)
    assert network.training
    assert all(parameter.requires_grad and parameter.grad is None for parameter in network.parameters())
    assert all(torch.equal(value, statistics[name]) for name, value in network.state_dict().items())


def test_without_images_there_are_no_maps() -> None:
    none = images_of("lenet")[:0]
    assert attribute("gradcam", network_of("lenet"), none, CLASSES[:0]).shape == (0, 8, 8)


class Functional(nn.Module):
    """One ReLU is a module and two are functions."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.relu, self.second = nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Conv2d(3, 3, 3)
        self.head = nn.Linear(3, 5)

    def forward(self, images: Tensor) -> Tensor:
        features = torch.relu(self.second(self.relu(self.first(images))))
        return self.head(F.relu(features).mean((2, 3)))


def test_guided_backpropagation_refuses_what_captum_cannot_hook() -> None:
    images = images_of("lenet")
    functional, linear = Functional(), nn.Sequential(nn.Flatten(), nn.Linear(64, 5))
    assert count_relus(functional, images[:1]) == (1, 2)
    reason = "2 of the network's 3 ReLUs are functions, which Captum can't hook; make them nn.ReLU modules"
    with pytest.raises(ValueError, match=f"guided_backpropagation can't explain this network: {reason}"):
        attribute("guided_backpropagation", functional, images, CLASSES)
    with pytest.raises(ValueError, match="the network has no ReLU"):
        attribute("guided_backpropagation", linear, images, CLASSES)
    with pytest.raises(ValueError, match=r"gradcam can't explain this network: .* no convolution with maps"):
        attribute("gradcam", linear, images, CLASSES)


@pytest.mark.parametrize("name", SHAPES)
def test_every_network_can_be_explained_by_every_method(name: str) -> None:
    assert [METHODS[method].refusal(network_of(name), images_of(name)[:1]) for method in NAMES] == [""] * len(NAMES)


def test_heads_of_pictures_are_short() -> None:
    assert all(len(method.short) <= 10 and method.says for method in METHODS.values())
