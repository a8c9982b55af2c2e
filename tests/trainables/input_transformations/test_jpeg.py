"""JPEG's loss against PIL's, and the gradient that stands for what rounding has none of."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from trainables.input_transformations.jpeg import CHROMINANCE, LUMINANCE, compressed, cosines, quantisation


def smooth_images(channels: int, side: tuple[int, int] = (24, 19), n: int = 3) -> Tensor:
    """Images (n, C, H, W) in whole 255ths, of a few waves and some noise, as photographs have."""
    draw = torch.Generator().manual_seed(channels)
    coarse = torch.rand(n, channels, 4, 4, generator=draw)
    waves = torch.nn.functional.interpolate(coarse, size=side, mode="bicubic")
    noisy = (waves + 0.05 * torch.randn(n, channels, *side, generator=draw)).clamp(0, 1)
    return (noisy * 255).round() / 255


def by_pil(images: Tensor, quality: int) -> Tensor:
    """Each image written and read by PIL, its colours not subsampled."""
    back = []
    for image in images:
        pixels = (image * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
        stored = io.BytesIO()
        Image.fromarray(pixels.squeeze()).save(stored, "JPEG", quality=quality, subsampling=0)
        read = np.asarray(Image.open(stored)).reshape(pixels.shape)
        back.append(torch.from_numpy(read.copy()).permute(2, 0, 1) / 255)
    return torch.stack(back)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("quality", [10, 50, 75, 95])
def test_it_loses_what_pil_loses(channels: int, quality: int) -> None:
    """But for coefficients near to a half, which libjpeg's integer transform rounds to the other side."""
    images = smooth_images(channels)
    ours, theirs = compressed(images, quality), by_pil(images, quality)
    apart = float((ours - theirs).abs().mean())
    assert apart < 0.3 * float((images - theirs).abs().mean())
    others = [float((ours - by_pil(images, other)).abs().mean()) for other in (quality - 5, min(100, quality + 5))]
    assert apart < 0.7 * min(others), "it is of another quality"


def test_halves_are_rounded_away_from_zero_as_by_libjpeg() -> None:
    """A flat block's brightness 91 is -18.5 steps of 16 at quality 50."""
    flat = torch.tensor([200.0, 30, 120]).view(1, 3, 1, 1).expand(1, 3, 16, 16) / 255
    assert torch.equal(compressed(flat, 50), by_pil(flat, 50))


@pytest.mark.parametrize("quality", [1, 49, 50, 75, 100])
def test_steps_are_those_that_pil_writes(quality: int) -> None:
    stored = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stored, "JPEG", quality=quality)
    written = Image.open(stored).quantization  # type: ignore[attr-defined]
    for index, table in enumerate((LUMINANCE, CHROMINANCE)):
        assert sorted(written[index]) == sorted(quantisation(table, quality).flatten().tolist())


def test_the_cosine_transform_is_orthonormal_and_its_first_row_the_mean() -> None:
    waves = cosines()
    torch.testing.assert_close(waves @ waves.T, torch.eye(8, dtype=torch.float64))
    torch.testing.assert_close(waves[0], torch.full((8,), 8**-0.5, dtype=torch.float64))


def test_lower_quality_loses_more_and_no_pixel_leaves_its_bounds() -> None:
    images = smooth_images(3)
    losses = [float((compressed(images, quality) - images).abs().mean()) for quality in (5, 25, 50, 75, 95)]
    assert losses == sorted(losses, reverse=True)
    black_and_white = (smooth_images(3) > 0.5).float()
    back = compressed(black_and_white, 10)
    assert 0 <= float(back.min()) <= float(back.max()) <= 1


def test_the_gradient_is_about_that_of_the_identity() -> None:
    """BPDA's premise: what stands for the rounding lets the loss through, where the true gradient is zero."""
    images = smooth_images(3, side=(16, 16)).requires_grad_()
    weights = torch.randn(images.shape, generator=torch.Generator().manual_seed(1))
    (compressed(images, 75) * weights).sum().backward()
    gradient = images.grad
    assert gradient is not None
    torch.testing.assert_close(gradient, weights, rtol=1e-3, atol=1e-3)


def test_images_that_are_no_multiple_of_blocks_keep_their_size() -> None:
    assert compressed(smooth_images(1, side=(9, 13)), 50).shape == (3, 1, 9, 13)
