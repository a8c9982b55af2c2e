"""Every network: a shared trunk and a head per task; and each as its papers, or its library, have it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torchvision.models import alexnet, resnet18

from trainables.models.building import build_network
from trainables.models.sizes import alexnet_maps, blocks_per_stage

NETWORKS: list[tuple[str, dict[str, Any]]] = [
    ("lenet", {"width": 1}),
    ("resnet18", {"width": 2}),
    ("alexnet", {"width": 2}),
    ("wide_resnet", {"width": 1, "depth": 14}),
    ("wide_resnet", {"width": 2, "depth": 10, "depth_rule": "zagoruyko"}),
]


@pytest.mark.parametrize(("network", "sizes"), NETWORKS)
@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 28, 28), (3, 21, 37)])
def test_every_task_gets_its_logits_from_one_trunk(network: str, sizes: Any, shape: tuple[int, int, int]) -> None:
    model = build_network(network, shape, (10, 2, 3), **sizes).eval()
    images = torch.rand(5, *shape)
    features = model.trunk(images)
    assert features.shape == (5, model.heads[0].in_features)
    logits = model(images)
    assert isinstance(logits, tuple)
    assert [tuple(head.shape) for head in logits] == [(5, 10), (5, 2), (5, 3)]
    assert all(torch.equal(found, head(features)) for found, head in zip(logits, model.heads, strict=True))
    model.train()(images)[1].sum().backward()
    assert model.heads[0].weight.grad is None
    trunk = [weights for name, weights in model.named_parameters() if not name.startswith("heads")]
    assert all(weights.grad is not None for weights in trunk)
    assert trunk[0].grad.abs().sum() > 0


@pytest.mark.parametrize(("network", "sizes"), NETWORKS)
def test_the_trunk_starts_alike_whatever_the_tasks(network: str, sizes: Any) -> None:
    made = []
    for classes in ((10,), (10, 2, 2)):
        with torch.random.fork_rng():
            torch.manual_seed(3)
            made.append(build_network(network, (3, 32, 32), classes, **sizes).state_dict())
    few, many = made
    assert all(torch.equal(many[name], weights) for name, weights in few.items())


def test_alexnet_of_width_64_is_torchvisions() -> None:
    """On images of 224 pixels, for which theirs is made: its weights can be loaded, and it computes the same."""
    ours, theirs = build_network("alexnet", (3, 224, 224), (1000,), width=64).eval(), alexnet().eval()
    ours.load_state_dict(dict(zip(ours.state_dict(), theirs.state_dict().values(), strict=True)))
    images = torch.rand(1, 3, 224, 224)
    with torch.no_grad():
        torch.testing.assert_close(ours(images)[0], theirs(images))


def test_alexnet_keeps_its_maps_as_large_as_small_images_allow() -> None:
    assert alexnet_maps(224, 224) == [(55, 55), (27, 27), (13, 13), (6, 6)]  # as in the paper
    assert alexnet_maps(112, 112) == [(27, 27), (13, 13), (6, 6), (2, 2)]
    assert alexnet_maps(32, 32)[-1] == (2, 2)
    assert [alexnet_maps(side, 500)[-1][0] for side in (63, 62, 35, 34, 21)] == [1, 2, 1, 2, 1]


def test_dropout_is_on_in_training_only() -> None:
    model, images = build_network("alexnet", (3, 32, 32), (10,), width=2), torch.rand(2, 3, 32, 32)
    with torch.random.fork_rng():
        assert not torch.equal(model(images)[0], model(images)[0])
    model.eval()
    assert torch.equal(model(images)[0], model(images)[0])


def test_resnet18_of_width_64_is_torchvisions_with_a_stem_for_small_images() -> None:
    ours, theirs = build_network("resnet18", (3, 32, 32), (1000,), width=64).eval(), resnet18().eval()
    theirs.conv1, theirs.maxpool = nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.Identity()
    ours.load_state_dict(dict(zip(ours.state_dict(), theirs.state_dict().values(), strict=True)))
    images = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(ours(images)[0], theirs(images))


def test_wide_resnets_have_the_sizes_of_their_papers() -> None:
    assert [blocks_per_stage(32, "madry"), blocks_per_stage(28, "zagoruyko")] == [5, 4]
    with torch.device("meta"):
        wrn_28_10 = build_network("wide_resnet", (3, 32, 32), (10,), 10, 28, "zagoruyko")
        w32_10 = build_network("wide_resnet", (3, 32, 32), (10,), 10, 32, "madry")
    count = [sum(weights.numel() for weights in model.parameters()) for model in (wrn_28_10, w32_10)]
    assert count[0] == 36_479_194  # 36.5 M in Zagoruyko and Komodakis' Table 4
    assert count[1] == pytest.approx(46e6, rel=0.01)
    assert [block.conv1.out_channels for block in w32_10.blocks] == [160] * 5 + [320] * 5 + [640] * 5


@pytest.mark.parametrize(("network", "side"), [("alexnet", 20), ("lenet", 3)])
def test_images_that_vanish_in_the_pools_are_refused(network: str, side: int) -> None:
    with pytest.raises(ValueError, match=f"{network} pools, and needs images of at least .* pixels, not {side}×40"):
        build_network(network, (3, side, 40), (10,), width=1)


def test_unknown_networks_and_impossible_depths_are_refused() -> None:
    with pytest.raises(ValueError, match=r"'resnet50' is not a network; choose lenet, resnet18"):
        build_network("resnet50", (3, 32, 32), (10,), width=1)
    with pytest.raises(ValueError, match="depth 30 does not have a whole number of blocks by the rule of madry"):
        build_network("wide_resnet", (3, 32, 32), (10,), width=1, depth=30)
