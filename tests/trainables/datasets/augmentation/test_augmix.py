"""AugMix: its operations against PIL's, its mixes, and that they hang on their draws alone."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps
from torch import Tensor

from tests.support.small_networks import small_batch
from trainables.adversarial_training import Config
from trainables.adversarial_training.training.mixes import Mixes
from trainables.datasets.augmentation.augmix import OPERATIONS, POINTWISE, AugMix, mix, operate
from trainables.datasets.augmentation.levels import autocontrast, equalize, posterize, solarize
from trainables.datasets.augmentation.shifts import SHIFTS, shifted
from trainables.randomness import Share


def images_of(channels: int = 3, n: int = 5, side: int = 16) -> Tensor:
    """Images in whole 255ths, of a part of the levels, with flat areas."""
    draw = torch.Generator().manual_seed(channels)
    images = 0.2 + 0.5 * torch.rand(n, channels, side, side, generator=draw)
    images[:, :, :4] = 0.3
    return (images * 255).round() / 255


def as_pil(image: Tensor) -> Image.Image:
    pixels = (image * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    return Image.fromarray(pixels.squeeze())


def from_pil(image: Image.Image) -> Tensor:
    pixels = torch.from_numpy(np.asarray(image).copy())
    return (pixels[..., None] if pixels.ndim == 2 else pixels).permute(2, 0, 1) / 255


@pytest.mark.parametrize("channels", [1, 3])
def test_equalize_is_pils_level_for_level(channels: int) -> None:
    images = images_of(channels)
    images[0] = 0.5  # of a single level
    for image, ours in zip(images, equalize(images), strict=True):
        assert torch.allclose(ours, from_pil(ImageOps.equalize(as_pil(image))), atol=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
def test_autocontrast_is_pils_but_for_its_rounding(channels: int) -> None:
    images = images_of(channels)
    images[0] = 0.5
    for image, ours in zip(images, autocontrast(images), strict=True):
        assert float((ours - from_pil(ImageOps.autocontrast(as_pil(image)))).abs().max()) * 255 <= 1 + 1e-3


@pytest.mark.parametrize("level", [0.1, 1.0, 2.9, 5.0, 10.0])
def test_posterize_and_solarize_are_pils_at_augmixs_levels(level: float) -> None:
    images = images_of()
    strength = torch.full((len(images),), level / 10)
    bits, threshold = 4 - int(level * 4 / 10), 256 - int(level * 256 / 10)
    for image, ours in zip(images, posterize(images, strength), strict=True):
        theirs = from_pil(ImageOps.posterize(as_pil(image), bits)) if bits else torch.zeros_like(image)
        assert torch.allclose(ours, theirs, atol=1e-6)
    for image, ours in zip(images, solarize(images, strength), strict=True):
        assert torch.allclose(ours, from_pil(ImageOps.solarize(as_pil(image), threshold)), atol=1e-6)


AFFINE = {
    "shear_x": lambda s: (1, 0.3 * s, 0, 0, 1, 0),
    "shear_y": lambda s: (1, 0, 0, 0.3 * s, 1, 0),
    "translate_x": lambda s: (1, 0, s * 16 / 3, 0, 1, 0),
    "translate_y": lambda s: (1, 0, 0, 0, 1, s * 16 / 3),
}


def about_the_middle(a: float, b: float, c: float, d: float, e: float, f: float, side: int) -> tuple[float, ...]:
    """PIL's coefficients of a map of pixels about the middle of an image."""
    m = side / 2
    return a, b, m - a * m - b * m + c, d, e, m - d * m - e * m + f


@pytest.mark.parametrize("name", SHIFTS)
def test_shifts_are_pils_bilinear_ones_away_from_the_border(name: str) -> None:
    """PIL leaves a pixel black that reaches beyond the border, and here it fades; within, both resample alike."""
    coarse = torch.rand(1, 1, 4, 4, generator=torch.Generator().manual_seed(1))
    image = torch.nn.functional.interpolate(coarse, 16, mode="bicubic")
    image = (image.clamp(0, 1) * 255).round() / 255
    share = 0.9 if name.startswith("shear") else 0.4
    strength = torch.tensor([share])
    ours = shifted(image, torch.tensor([SHIFTS.index(name)]), strength)[0]
    if name == "rotate":
        turned = math.radians(30 * share)
        coefficients = (math.cos(turned), -math.sin(turned), 0, math.sin(turned), math.cos(turned), 0)
    else:
        coefficients = AFFINE[name](share)
    placed = about_the_middle(*coefficients, side=16)
    moved = as_pil(image[0]).transform((16, 16), Image.Transform.AFFINE, placed, Image.Resampling.BILINEAR)
    theirs = from_pil(moved)
    inner = (slice(None), slice(4, 12), slice(4, 12))
    assert float((ours[inner] - theirs[inner]).abs().max()) * 255 < 2
    assert float((ours[inner] - image[0][inner]).abs().max()) * 255 > 20, "the test would show nothing"


def test_an_operation_that_is_no_shift_moves_nothing() -> None:
    images = images_of()
    assert torch.equal(shifted(images, torch.full((5,), -1), torch.ones(5)), images)


def test_every_image_has_an_operation_of_its_own() -> None:
    images = images_of(n=len(OPERATIONS))
    level, negative = torch.full((len(OPERATIONS),), 5.0), torch.zeros(len(OPERATIONS), dtype=torch.bool)
    together = operate(images, torch.arange(len(OPERATIONS)), level, negative)
    for index in range(len(OPERATIONS)):
        one = slice(index, index + 1)
        alone = operate(images[one], torch.tensor([index]), level[one], negative[one])
        torch.testing.assert_close(together[one], alone)
        assert not torch.allclose(alone, images[one]), f"{OPERATIONS[index]} changed nothing"


def test_the_weights_of_a_mix_sum_to_one_and_follow_a_flat_dirichlet() -> None:
    draws = AugMix().draw(5_000, torch.Generator().manual_seed(0))
    assert draws.shares.sum(1).tolist() == pytest.approx([1] * 5_000)
    assert float(draws.shares.var(0).mean()) == pytest.approx(1 / 3 * 2 / 3 / 4, rel=0.05)
    assert float(draws.mixed.mean()) == pytest.approx(0.5, abs=0.02)
    assert float(draws.mixed.var()) == pytest.approx(1 / 12, rel=0.05)
    assert {*draws.length.flatten().tolist()} == {1, 2, 3}
    assert float(draws.level.min()) >= 0.1
    assert float(draws.level.max()) <= 3.0
    assert {*draws.operation.flatten().tolist()} == {*range(len(OPERATIONS))}


def test_a_mix_is_the_weighted_sum_of_its_chains_and_the_image() -> None:
    images = images_of(n=3)
    draws = AugMix(severity=5.0, width=2, depth=2).draw(3, torch.Generator().manual_seed(4))
    mixed = mix(images, draws)
    for n in range(3):
        total = torch.zeros_like(images[:1])
        for chain in range(2):
            changed = images[n : n + 1]
            for step in range(2):
                one = (slice(n, n + 1), chain, step)
                changed = operate(changed, draws.operation[one], draws.level[one], draws.negative[one])
            total += float(draws.shares[n, chain]) * changed
        share = float(draws.mixed[n])
        torch.testing.assert_close(mixed[n : n + 1], (1 - share) * images[n : n + 1] + share * total)
    assert 0 <= float(mixed.min()) <= float(mixed.max()) <= 1


def mixes_of(epoch: int, seed: int = 3, share: Share | None = None, images: Tensor | None = None) -> list[Tensor]:
    own = images_of() if images is None else images
    return Mixes(Config(augmix=True), seed, epoch, share).of(own, 5)


def test_mixes_are_the_same_for_a_seed_and_epoch_and_others_else() -> None:
    first, second = mixes_of(0)
    assert not torch.equal(first, second), "both mixes of an image are drawn apart"
    assert all(torch.equal(ours, again) for ours, again in zip((first, second), mixes_of(0), strict=True))
    assert not torch.equal(first, mixes_of(1)[0])
    assert not torch.equal(first, mixes_of(0, seed=4)[0])


def test_ranks_mix_what_one_worker_mixes() -> None:
    whole = mixes_of(2)
    for rank in range(2):
        share = Share(rank, 2)
        own = mixes_of(2, share=share, images=share.of(images_of()))
        for ours, theirs in zip(own, whole, strict=True):
            torch.testing.assert_close(ours, share.of(theirs))


def test_without_a_loss_of_consistency_one_mix_takes_the_images_place() -> None:
    images, _ = small_batch("lenet")
    mixes = Mixes(Config(augmix=True, jsd_weight=0), 0, 0)
    assert mixes.replace
    assert len(mixes.of(images)) == 1
    assert not Mixes(Config(augmix=True), 0, 0).replace


def test_grey_images_are_mixed_too() -> None:
    images, _ = small_batch("lenet")
    [one, _] = Mixes(Config(augmix=True), 0, 0).of(images)
    assert one.shape == images.shape
    assert len(POINTWISE) + len(SHIFTS) == len(OPERATIONS) == 9
