"""Noise as equation 7 has it, weighted pooling as MANIQA has it, and dropout where pix2pix has it."""

from __future__ import annotations

import torch
from torch import nn

from trainables.models.generators.building import build_generator
from trainables.models.generators.dropout import SamplingDropout
from trainables.models.generators.noise import NoiseInjection
from trainables.models.generators.weighted_pooling import ClassBranch, WeightedPooling


def test_noise_is_concatenated_and_projected_as_equation_7_says() -> None:
    part = NoiseInjection(channels=6, size=(4, 5), noise_channels=2, noise_dim=3)
    nn.init.normal_(part.keep.weight)
    features, noise = torch.randn(7, 6, 4, 5), torch.randn(7, 3)
    maps = (noise @ part.project.weight.T).view(7, 2, 4, 5)  # W₀ z
    joint = nn.Conv2d(8, 6, kernel_size=1)  # W₁
    joint.weight.data = torch.cat([part.keep.weight, part.add.weight], dim=1).data
    joint.bias = part.keep.bias
    torch.testing.assert_close(part(features, noise), joint(torch.cat([features, maps], dim=1)))


def test_noise_starts_small_beside_features_that_pass_unchanged() -> None:
    part = NoiseInjection(channels=16, size=(8, 8), noise_channels=1, noise_dim=16)
    nn.init.zeros_(part.keep.bias)
    features = torch.randn(32, 16, 8, 8)
    torch.testing.assert_close(part(features, torch.zeros(32, 16)), features)
    added = part(features, torch.randn(32, 16)) - features
    assert 0.02 < added.std() < 0.3


def test_pooling_weighs_the_scores_of_all_places() -> None:
    """Against two MLPs at every place, one after the other, as MANIQA's loop is."""
    pool = WeightedPooling(5)
    features = torch.randn(3, 5, 4, 6)
    first, bias = pool.hidden.weight.flatten(1), pool.hidden.bias
    expected = torch.zeros(3, 5)
    for image in range(3):
        total, weights = torch.zeros(5), torch.zeros(())
        for place in features[image].flatten(1).T:
            score = pool.score((first[:5] @ place + bias[:5]).relu())
            weight = torch.sigmoid(pool.weight((first[5:] @ place + bias[5:]).relu()))[0]
            total, weights = total + weight * score, weights + weight
        expected[image] = total / weights
    torch.testing.assert_close(pool(features), expected)


def test_pooling_survives_places_without_weight() -> None:
    pool = WeightedPooling(4)
    nn.init.constant_(pool.weight.bias, -200.0)
    assert pool(torch.randn(2, 4, 3, 3)).isfinite().all()


def test_every_decoder_block_has_a_say_in_the_class() -> None:
    branch = ClassBranch([8, 4, 2], hidden=16)
    blocks = [torch.randn(3, 8, 2, 2), torch.randn(3, 4, 4, 4), torch.randn(3, 2, 8, 8)]
    logits = branch(blocks)
    assert logits.shape == (3, 2)
    for index in range(3):
        changed = [torch.zeros_like(block) if at == index else block for at, block in enumerate(blocks)]
        assert not torch.equal(branch(changed), logits)


def test_dropout_is_in_three_of_eight_blocks_the_innermost_and_never_in_the_last() -> None:
    for levels, expected in ((5, [True, True, False, False, False]), (2, [True, False]), (1, [False])):
        generator = build_generator("cnn_unet", (1, 32, 32), width=2, levels=levels)
        found = [isinstance(up.dropout, SamplingDropout) for up in generator.up]  # type: ignore[union-attr]
        assert found == expected
    swin = build_generator("swin_unet", (1, 32, 32), width=8, levels=4)
    assert [isinstance(up.dropout, SamplingDropout) for up in swin.up] == [True, True, False]  # type: ignore[union-attr]
    swin = build_generator("swin_unet", (1, 32, 32), width=8, levels=2)
    assert [isinstance(up.dropout, SamplingDropout) for up in swin.up] == [True]  # type: ignore[union-attr]
