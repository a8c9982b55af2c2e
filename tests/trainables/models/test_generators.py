"""Both generators: a counterfactual and class logits of every image, with S1's parts on and off."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import Tensor

from trainables.models.generators.building import build_generator
from trainables.models.generators.generator import Generator

SMALL: dict[str, Any] = {"cnn_unet": {"width": 4, "levels": 3}, "swin_unet": {"width": 8, "levels": 3}}
KINDS = sorted(SMALL)
WITH_AND_WITHOUT: list[dict[str, Any]] = [
    {},
    {"noise_channels": 0, "dropout": 0.0, "residual": False, "upsampling": "expand"},
    {"quantised": True, "norm": "batch", "noise_channels": 3, "noise_dim": 5},
]


def small(kind: str, shape: tuple[int, int, int] = (1, 32, 32), seed: int = 0, **parts: Any) -> Generator:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return build_generator(kind, shape, **(SMALL[kind] | parts))  # type: ignore[arg-type]


@pytest.fixture
def images() -> Tensor:
    return torch.rand(3, 1, 32, 32, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("parts", WITH_AND_WITHOUT)
@pytest.mark.parametrize("shape", [(1, 32, 32), (3, 16, 48)])
def test_every_image_gets_a_counterfactual_and_two_logits(kind: str, parts: Any, shape: tuple[int, int, int]) -> None:
    generator, images = small(kind, shape, **parts), torch.rand(3, *shape)
    generator(torch.rand(3, *shape))  # from which the first codes are
    made = generator(images)
    assert made.images.shape == images.shape
    assert made.logits.shape == (3, 2)
    assert made.images.min() >= 0
    assert made.images.max() <= 1
    assert (made.commitment > 0) == bool(parts.get("quantised"))
    assert (made.perplexity >= 1) == bool(parts.get("quantised"))
    ((made.images - images).abs().mean() + made.logits.square().sum() + made.commitment).backward()
    assert [name for name, weights in generator.named_parameters() if weights.grad is None] == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_residual_generator_starts_by_changing_next_to_nothing(kind: str, images: Tensor) -> None:
    residual, direct = small(kind)(images).images, small(kind, residual=False)(images).images
    assert 0 < (residual - images).abs().mean() < 0.02
    assert (direct - images).abs().mean() > 0.1


@pytest.mark.parametrize("kind", KINDS)
def test_one_seed_makes_the_same_weights_and_the_same_counterfactuals(kind: str, images: Tensor) -> None:
    made = []
    for seed in (0, 0, 1):
        generator = small(kind, seed=seed, quantised=True)
        with torch.random.fork_rng():
            torch.manual_seed(5)
            made.append((generator(images), generator.state_dict()))
    (first, weights), (again, same), (other, _) = made
    assert all(torch.equal(weights[name], same[name]) for name in weights)
    assert all(torch.equal(one, two) for one, two in zip(first, again, strict=True))
    assert not torch.equal(first.images, other.images)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("training", [True, False])
def test_the_class_branch_alone_says_what_it_says_beside_the_image(kind: str, training: bool, images: Tensor) -> None:
    generator = small(kind).train(training)
    with torch.random.fork_rng():
        torch.manual_seed(2)
        beside = generator(images).logits
        torch.manual_seed(2)
        alone = generator.classify(images)
        torch.manual_seed(3)
        drawn_anew = generator.classify(images)
    assert torch.equal(alone, beside)
    assert not torch.equal(drawn_anew, alone)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("parts", "varies", "varies_without_dropout"),
    [
        ({"noise_channels": 0, "dropout": 0.0}, False, False),
        ({"noise_channels": 0, "dropout": 0.5}, True, False),
        ({"noise_channels": 1, "dropout": 0.0}, True, True),
    ],
)
def test_samples_vary_by_noise_and_dropout_alone(
    kind: str, parts: Any, varies: bool, varies_without_dropout: bool, images: Tensor
) -> None:
    generator = small(kind, **parts).eval()
    with torch.no_grad(), torch.random.fork_rng():
        assert torch.equal(generator(images).images, generator(images).images) != varies
        assert generator.dropout_when_sampling == bool(parts["dropout"])
        generator.dropout_when_sampling = False
        assert torch.equal(generator(images).images, generator(images).images) != varies_without_dropout
        assert not generator.dropout_when_sampling
        if parts["dropout"]:  # which training always has
            generator.train()
            assert not torch.equal(generator(images).images, generator(images).images)


@pytest.mark.parametrize("kind", KINDS)
def test_a_residual_generator_can_learn_to_darken_one_half(kind: str, images: Tensor) -> None:
    """A few steps find the place of a change, though the image head starts at next to nothing."""
    generator = small(kind, dropout=0.0)
    wanted = images.clone()
    wanted[:, :, :, :16] = 0
    optimiser = torch.optim.Adam(generator.parameters(), lr=5e-3)
    errors = []
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for _ in range(40):
            error = (generator(images).images - wanted).square().mean()
            optimiser.zero_grad()
            error.backward()
            optimiser.step()
            errors.append(float(error.detach()))
    assert min(errors) < 0.2 * errors[0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("side", [32, 64, 96, 224])
def test_images_of_customary_sizes_are_taken_and_keep_their_size(kind: str, side: int) -> None:
    with torch.device("meta"):
        generator = build_generator(kind, (3, side, side), width=96)  # type: ignore[arg-type]
        made = generator(torch.rand(2, 3, side, side))
        blocks = generator.decode(torch.rand(2, 3, side, side)).blocks
    assert made.images.shape == (2, 3, side, side)
    assert len(blocks) == 4
    assert blocks[-1].shape[2:] == (side, side)


@pytest.mark.parametrize(
    ("kind", "shape", "levels", "told"),
    [
        ("cnn_unet", (1, 28, 28), 4, r"multiples of 16 pixels, not 28×28; the nearest size that it takes is 32×32"),
        ("cnn_unet", (1, 40, 32), 4, r"not 40×32; the nearest size that it takes is 32×32"),
        ("swin_unet", (1, 112, 112), 4, r"multiples of 32 pixels, not 112×112; the nearest size .* is 96×96"),
        ("swin_unet", (1, 60, 60), 4, r"multiples of 16 pixels, not 60×60; the nearest size .* is 64×64"),
        ("swin_unet", (1, 64, 64), 5, r"a swin_unet has 2 to 4 levels, not 5"),
        ("cnn_unet", (1, 64, 64), 0, r"a cnn_unet has at least 1 level, not 0"),
    ],
)
def test_images_that_cannot_be_halved_so_often_are_refused(kind: Any, shape: Any, levels: int, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        build_generator(kind, shape, width=4, levels=levels)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match="'unet' is not a generator; choose cnn_unet or swin_unet"):
        build_generator("unet", (1, 32, 32), width=4)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="'bicubic' is not an upsampling; choose nearest or expand"):
        small("cnn_unet", upsampling="bicubic")
    with pytest.raises(ValueError, match="'layer' is not a norm; choose group or batch"):
        small("cnn_unet", norm="layer")


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache of the hub of weights, empty, and no network."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def test_pretrained_weights_that_cannot_be_had_name_the_option(hub: Path) -> None:
    with pytest.raises(ValueError, match=r"swin_unet was to start from ImageNet's weights .* set pretrained: false"):
        build_generator("swin_unet", (1, 32, 32), width=96, pretrained=True)
    with pytest.raises(ValueError, match=r"of width 96 and 4 levels, not for a swin_unet of width 48 and 4 levels"):
        build_generator("swin_unet", (1, 32, 32), width=48, pretrained=True)
    with pytest.raises(ValueError, match=r"no pretrained weights of a cnn_unet; set pretrained: false"):
        build_generator("cnn_unet", (1, 32, 32), width=4, pretrained=True)


@pytest.mark.filterwarnings("ignore:torch.searchsorted:UserWarning", "ignore:Using a non-tuple sequence:UserWarning")
def test_pretrained_weights_in_the_hubs_cache_are_taken_for_small_grey_images(hub: Path) -> None:
    theirs = timm.create_model("swin_tiny_patch4_window7_224").state_dict()
    repository = hub / "models--timm--swin_tiny_patch4_window7_224.ms_in1k"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("0" * 40)
    (repository / "snapshots" / ("0" * 40)).mkdir(parents=True)
    save_file(theirs, repository / "snapshots" / ("0" * 40) / "model.safetensors")
    generator = build_generator("swin_unet", (1, 32, 32), width=96, pretrained=True)
    ours = generator.encoder.state_dict()  # type: ignore[operator, union-attr]
    attention = "layers.2.blocks.3.attn.qkv.weight"
    assert torch.equal(ours[attention], theirs[attention])
    assert ours["patch_embed.proj.weight"].shape == (96, 1, 2, 2)
    with torch.no_grad():
        assert generator(torch.rand(1, 1, 32, 32)).images.shape == (1, 1, 32, 32)
