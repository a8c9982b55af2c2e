"""Every convolution gets the usual memory layout, in whatever layout images come: others let oneDNN damage memory."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tests.support.small_networks import SMALL_NETWORKS, small_network
from trainables.adversarial_training.training.augmentation import CropFlip
from trainables.input_transformations.preprocessing import Preprocessing
from trainables.input_transformations.strengths import Strengths
from trainables.input_transformations.table import TRANSFORMATIONS
from trainables.models.discriminators.building import build_discriminator
from trainables.models.discriminators.sizes import KINDS
from trainables.models.generators.building import build_generator
from trainables.models.memory_layout import in_usual_layout

LAYOUTS: dict[str, Callable[[Tensor], Tensor]] = {
    "usual": lambda images: images,
    "channels last": lambda images: images.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2),
    "turned": lambda images: images.transpose(2, 3).contiguous().transpose(2, 3),
    "expanded": lambda images: images[:1].expand_as(images),
    "sliced": lambda images: torch.cat([images, images], 3)[..., ::2],
}


@contextmanager
def watched(model: nn.Module) -> Iterator[list[str]]:
    """The convolutions that get or return another layout than the usual one, by what they got."""
    wrong: list[str] = []

    def look(layer: nn.Module, given: tuple[Tensor, ...], made: Tensor) -> None:
        if in_usual_layout(given[0]) is not given[0] or in_usual_layout(made) is not made:
            wrong.append(f"{layer} got strides {given[0].stride()} and returned {made.stride()}")

    convolutions = [layer for layer in model.modules() if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d))]
    assert convolutions, "nothing is watched"
    handles = [layer.register_forward_hook(look) for layer in convolutions]
    yield wrong
    for handle in handles:
        handle.remove()


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("channels", [1, 3])
def test_images_come_out_in_the_usual_layout(layout: str, channels: int) -> None:
    images = LAYOUTS[layout](torch.rand(4, channels, 6, 6))
    usual = in_usual_layout(images)
    assert usual.stride() == (36 * channels, 36, 6, 1) or layout == "expanded"
    assert usual.stride()[1:] == (36, 6, 1)
    assert torch.equal(usual, images)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", SMALL_NETWORKS)
def test_networks_convolve_in_it(name: str, training: bool, layout: str) -> None:
    model = small_network(name).train(training)
    with watched(model) as wrong:
        model(LAYOUTS[layout](torch.rand(6, *SMALL_NETWORKS[name][0])))
    assert wrong == []


@pytest.mark.parametrize("kind", TRANSFORMATIONS)
@pytest.mark.parametrize("name", ["lenet", "resnet18"])
def test_preprocessed_images_are_convolved_in_it(name: str, kind: str) -> None:
    model = small_network(name).eval()
    model.preprocessing = Preprocessing(kind, Strengths(), draws=2, in_training=True)
    with watched(model) as wrong:
        model(LAYOUTS["channels last"](torch.rand(6, *SMALL_NETWORKS[name][0])))
    assert wrong == []


@pytest.mark.parametrize("name", ["lenet", "resnet18"])
def test_augmented_images_are_convolved_in_it(name: str) -> None:
    model = small_network(name)
    images = CropFlip(seed=0, epoch=0)(torch.rand(6, *SMALL_NETWORKS[name][0]))
    assert in_usual_layout(images) is images
    with watched(model) as wrong:
        model(images)
    assert wrong == []


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_discriminators_convolve_in_it(kind: str, channels: int) -> None:
    model = build_discriminator(kind, (channels, 64, 64), 3, width=24)  # type: ignore[arg-type]
    with watched(model) as wrong:
        model(LAYOUTS["channels last"](torch.rand(2, channels, 64, 64)))
    assert wrong == []


@pytest.mark.parametrize("quantised", [True, False])
@pytest.mark.parametrize("upsampling", ["nearest", "expand"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", ["cnn_unet", "swin_unet"])
def test_generators_convolve_in_it(kind: str, channels: int, upsampling: str, quantised: bool) -> None:
    model = build_generator(
        kind,
        (channels, 32, 32),
        width=12,
        levels=2,
        quantised=quantised,
        upsampling=upsampling,  # type: ignore[arg-type]
    )
    with watched(model) as wrong:
        model(LAYOUTS["channels last"](torch.rand(2, channels, 32, 32)))
    assert wrong == []


NARROW = """
import torch
from tests.support.small_networks import small_network
from trainables.adversarial_training.training.augmentation import CropFlip
torch.set_num_threads(2)
network, losses = small_network("resnet18"), []
crop = CropFlip(seed=0, epoch=0)
images, labels = torch.rand(29, 3, 12, 12), torch.arange(29) % 10
for _ in range(60):
    crop.draws.manual_seed(0)
    network.zero_grad()
    loss = torch.nn.functional.cross_entropy(network(crop(images))[0], labels)
    loss.backward()
    losses.append(loss.item())
print(len(losses))
"""


def test_a_narrow_network_trains_on_two_threads_without_damage() -> None:
    """Aborted before with odd batches, since crops were handed on with their channels last."""
    ended = subprocess.run(
        [sys.executable, "-c", NARROW],
        cwd=Path(__file__).parents[3],
        env={"MALLOC_CHECK_": "3", "MALLOC_PERTURB_": "17", "PATH": ""},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert ended.stdout.strip() == "60"
