"""Every discriminator: logits of pooled features, stages for class activation maps; and each as its library has it."""

from __future__ import annotations

from typing import Any

import pytest
import timm
import torch
from torch import Tensor, nn

from trainables.models.discriminators.building import build_discriminator
from trainables.models.discriminators.discriminator import Discriminator
from trainables.models.normalisation import make_norm

KINDS: list[tuple[str, dict[str, Any]]] = [
    ("resnet3", {"width": 4}),
    ("resnet18", {"width": 4, "norm": "batch"}),
    ("resnet50", {"width": 4}),
    ("swin_tiny", {"width": 8}),
    ("hybrid", {"width": 4}),
    ("hybrid", {"width": 4, "fusion": "logits"}),
]


def build(kind: str, shape: tuple[int, ...], classes: int = 3, **sizes: Any) -> Discriminator:
    return build_discriminator(kind, shape, classes, **sizes)  # type: ignore[arg-type]


@pytest.mark.parametrize(("kind", "sizes"), KINDS)
@pytest.mark.parametrize("shape", [(1, 32, 32), (3, 28, 44)])
def test_every_image_gets_logits_of_its_features(kind: str, sizes: Any, shape: tuple[int, int, int]) -> None:
    model, images = build(kind, shape, **sizes).eval(), torch.rand(3, *shape)
    logits = model(images)
    features = model.features(images)
    assert logits.shape == (3, 3)
    assert features.ndim == 2
    assert torch.equal(model.head(features), logits)
    model.train()(images).square().sum().backward()
    assert [name for name, weights in model.named_parameters() if weights.grad is None] == []


@pytest.mark.parametrize(("kind", "sizes"), KINDS)
def test_stages_put_out_maps_that_shrink(kind: str, sizes: Any) -> None:
    model = build(kind, (1, 32, 32), **sizes).eval()
    shapes: dict[str, torch.Size] = {}
    for name, stage in model.stages.items():
        stage.register_forward_hook(lambda _m, _i, out, name=name: shapes.update({name: out.shape}))
    model(torch.rand(2, 1, 32, 32))
    assert list(shapes) == list(model.stages)
    assert set(model.channels_last_stages) <= set(shapes)
    places = {name: shape[1:3] if name in model.channels_last_stages else shape[2:] for name, shape in shapes.items()}
    for part in {name.rpartition(".")[0] for name in places}:
        mine = [places[name] for name in places if name.rpartition(".")[0] == part]
        first = mine[0][0]
        assert mine == [(first >> index, first >> index) for index in range(len(mine))]


@pytest.mark.parametrize("kind", ["resnet18", "resnet50"])
def test_resnets_of_width_64_are_timms(kind: str) -> None:
    """On large images, for which theirs are made: their weights can be loaded, and it computes the same."""
    theirs = timm.create_model(kind, num_classes=10).eval()
    ours = build(kind, (3, 112, 112), 10, width=64, norm="batch").eval()
    weights = {name.replace("fc.", "head."): value for name, value in theirs.state_dict().items()}
    ours.load_state_dict(weights)
    images = torch.rand(1, 3, 112, 112)
    with torch.no_grad():
        torch.testing.assert_close(ours(images), theirs(_standardised(images)))


def test_swin_tiny_of_width_96_is_timms() -> None:
    theirs = timm.create_model("swin_tiny_patch4_window7_224", num_classes=10).eval()
    ours = build("swin_tiny", (3, 224, 224), 10, width=96).eval()
    ours.load_state_dict({name.replace("head.fc", "head") if "head" in name else f"swin.{name}": value
                          for name, value in theirs.state_dict().items()})  # fmt: skip
    images = torch.rand(1, 3, 224, 224)
    with torch.no_grad():
        torch.testing.assert_close(ours(images), theirs(_standardised(images)))


def _standardised(images: Tensor) -> Tensor:
    mean, deviation = (torch.tensor(timm.data.constants.IMAGENET_DEFAULT_MEAN),
                       torch.tensor(timm.data.constants.IMAGENET_DEFAULT_STD))  # fmt: skip
    return (images - mean.view(3, 1, 1)) / deviation.view(3, 1, 1)


def test_swin_small_is_deeper_than_swin_tiny() -> None:
    with torch.device("meta"):
        tiny, small = (build(f"swin_{size}", (3, 224, 224), width=96) for size in ("tiny", "small"))
    blocks = [[len(stage.blocks) for stage in model.stages.values()] for model in (tiny, small)]  # type: ignore[arg-type]
    assert blocks == [[2, 2, 6, 2], [2, 2, 18, 2]]


@pytest.mark.parametrize(("norm", "alone"), [("group", True), ("batch", False)])
def test_group_norm_takes_every_image_for_itself(norm: str, alone: bool) -> None:
    model, images = build("resnet3", (1, 32, 32), width=8, norm=norm).train(), torch.rand(6, 1, 32, 32)
    together, apart = model(images)[:3], model(images[:3])
    assert torch.allclose(together, apart, atol=1e-5) == alone


def test_groups_have_four_channels_at_least_and_are_32_at_most() -> None:
    groups = {}
    for channels in (2, 4, 12, 16, 24, 64, 96, 256, 768):
        norm = make_norm("group", channels)
        assert isinstance(norm, nn.GroupNorm)
        groups[channels] = norm.num_groups
    assert groups == {2: 1, 4: 1, 12: 3, 16: 4, 24: 6, 64: 16, 96: 24, 256: 32, 768: 32}


def test_a_hybrid_joins_both_networks_either_way() -> None:
    images = torch.rand(2, 1, 32, 32)
    joined = build("hybrid", (1, 32, 32), width=4).eval()
    parts = torch.cat([joined.resnet3.features(images), joined.swin_tiny.features(images)], dim=1)  # type: ignore[operator, union-attr]
    assert torch.equal(joined.features(images), parts)
    assert parts.shape == (2, 16 + 48)  # 4 · 4, and 8 times half as much again as 4
    mean = build("hybrid", (1, 32, 32), width=4, fusion="logits").eval()
    resnet3, swin = mean.head.heads  # type: ignore[union-attr, misc]
    features = mean.features(images)
    torch.testing.assert_close(mean(images), (resnet3(features[:, :16]) + swin(features[:, 16:])) / 2)


def test_one_seed_makes_the_same_weights() -> None:
    made = []
    for seed in (0, 0, 1):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            made.append(build("hybrid", (1, 32, 32), width=4).state_dict())
    assert all(torch.equal(value, made[1][name]) for name, value in made[0].items())
    assert not torch.equal(made[0]["head.weight"], made[2]["head.weight"])


def test_what_cannot_be_built_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"'resnet34' is not a discriminator; choose resnet3, resnet18"):
        build("resnet34", (1, 32, 32), width=4)
    with pytest.raises(ValueError, match=r"patches of 4×4 pixels, which 225×226 .*; the nearest .* is 224×228"):
        build("swin_tiny", (1, 225, 226), width=8)
    with pytest.raises(ValueError, match=r"'product' is not a fusion; choose features or logits"):
        build("hybrid", (1, 32, 32), width=4, fusion="product")
    with pytest.raises(ValueError, match=r"no pretrained weights of a resnet3; set pretrained: false"):
        build("resnet3", (1, 32, 32), width=4, pretrained=True)
    with pytest.raises(ValueError, match=r"of width 64 with norm batch .*, not for width 64, norm group and 224×224"):
        build("resnet18", (3, 224, 224), width=64, pretrained=True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", "hub")
    with pytest.raises(ValueError, match=r"resnet18 was to start from ImageNet's weights, .* set pretrained: false"):
        build("resnet18", (3, 224, 224), width=64, norm="batch", pretrained=True)
