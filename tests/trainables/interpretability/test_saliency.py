"""GradCAM against its definition, also on channels-last stages; the difference that a generator makes."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainables.interpretability.difference import difference
from trainables.interpretability.gradcam import gradcam


class Convolutional(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.early = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(inplace=True))
        self.late = nn.Sequential(nn.Conv2d(4, 6, 3, stride=2, padding=1), nn.Tanh())
        self.head = nn.Linear(6, 3)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.late(self.early(images)).mean((2, 3)))


class ChannelsLast(nn.Module):
    """The same as `Convolutional`, with the late stage's output (N, h, w, C)."""

    def __init__(self, twin: Convolutional) -> None:
        super().__init__()
        self.twin = twin
        self.turn = nn.Identity()

    def forward(self, images: Tensor) -> Tensor:
        turned = self.turn(self.twin.late(self.twin.early(images)).permute(0, 2, 3, 1))
        return self.twin.head(turned.mean((1, 2)))


@pytest.fixture
def model() -> Convolutional:
    torch.manual_seed(0)
    return Convolutional().train()


@pytest.fixture
def images() -> Tensor:
    return torch.rand(5, 2, 8, 8, generator=torch.Generator().manual_seed(1))


CLASSES = torch.tensor([0, 1, 2, 1, 0])


def by_hand(model: Convolutional, images: Tensor, classes: Tensor) -> Tensor:
    """Selvaraju et al., eq. 1 and 2, at the late stage."""
    model.eval()
    activations = model.late(model.early(images))
    logits = model.head(activations.mean((2, 3)))
    [gradient] = torch.autograd.grad(logits.gather(1, classes.unsqueeze(1)).sum(), activations)
    maps = F.relu((gradient.mean((2, 3), keepdim=True) * activations).sum(1, keepdim=True))
    model.train()
    return F.interpolate(maps, images.shape[2:], mode="bilinear", align_corners=False)[:, 0].detach()


def test_it_is_the_papers_map_enlarged(model: Convolutional, images: Tensor) -> None:
    found = gradcam(model, model.late, images, CLASSES, batch=2)
    torch.testing.assert_close(found, by_hand(model, images, CLASSES), rtol=1e-4, atol=1e-7)
    assert found.shape == (5, 8, 8)
    assert found.min() >= 0
    assert found.max() > 0
    torch.testing.assert_close(
        gradcam(model, model.late, images, 2), by_hand(model, images, torch.full((5,), 2)), rtol=1e-4, atol=1e-7
    )


def test_a_stage_with_channels_last_gives_the_same_map(model: Convolutional, images: Tensor) -> None:
    other = ChannelsLast(model)
    found = gradcam(other, other.turn, images, CLASSES, channels_last=True)
    torch.testing.assert_close(found, gradcam(model, model.late, images, CLASSES), rtol=1e-4, atol=1e-7)
    assert not other.turn._forward_hooks


def test_an_early_stage_works_and_the_model_stays_as_it_was(model: Convolutional, images: Tensor) -> None:
    statistics = model.early[1].running_mean.clone()
    early = gradcam(model, model.early, images, CLASSES)
    assert early.shape == (5, 8, 8)
    assert not torch.allclose(early, gradcam(model, model.late, images, CLASSES))
    assert model.training
    assert all(parameter.requires_grad and parameter.grad is None for parameter in model.parameters())
    assert torch.equal(model.early[1].running_mean, statistics)
    assert not images.requires_grad


def test_it_works_where_gradients_are_off(model: Convolutional, images: Tensor) -> None:
    with torch.no_grad():
        found = gradcam(model, model.late, images, CLASSES)
    torch.testing.assert_close(found, by_hand(model, images, CLASSES), rtol=1e-4, atol=1e-7)


def test_stages_and_classes_that_do_not_fit_are_refused(model: Convolutional, images: Tensor) -> None:
    with pytest.raises(ValueError, match="4 classes for 5 images"):
        gradcam(model, model.late, images, CLASSES[:4])
    with pytest.raises(ValueError, match=r"2 axes; GradCAM needs \(N, C, h, w\)"):
        gradcam(model, model.head, images, CLASSES)


def test_the_difference_is_summed_over_channels() -> None:
    images = torch.tensor([0.5, 0.25]).reshape(1, 2, 1, 1).expand(3, 2, 2, 2)
    found = difference(lambda x: torch.cat([x[:, :1] - 0.5, x[:, 1:] + 0.125], 1), images, batch=2)
    torch.testing.assert_close(found, torch.full((3, 2, 2), 0.625))


def test_draws_are_averaged_after_the_absolute_value_and_seeded() -> None:
    images = torch.full((2, 1, 40, 40), 0.5)

    def generate(x: Tensor) -> Tensor:
        return x + torch.randn(x.shape)

    before = torch.get_rng_state()
    found = difference(generate, images, draws=200, seed=4)
    assert torch.equal(torch.get_rng_state(), before)
    assert found.mean().item() == pytest.approx((2 / torch.pi) ** 0.5, rel=0.01)  # E|z|, not |E z|
    assert found.std().item() == pytest.approx((1 - 2 / torch.pi) ** 0.5 / 200**0.5, rel=0.1)
    assert torch.equal(difference(generate, images, draws=3, seed=4), difference(generate, images, draws=3, seed=4))
    assert not torch.equal(difference(generate, images, seed=4), difference(generate, images, seed=5))
    with pytest.raises(ValueError, match="draws = 0"):
        difference(generate, images, draws=0)
