"""C-style corruptions: their constants restated, their effects where these are known, and that they never change."""

from __future__ import annotations

import colorsys
from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage
from torch import Tensor

from trainables.datasets import DataError
from trainables.datasets.corruptions.constants import CORRUPTIONS, LEAST_SIDE, SEVERITIES, scale_of
from trainables.datasets.corruptions.corrupted import OPERATIONS, corrupt
from trainables.datasets.corruptions.draws import Draws
from trainables.datasets.corruptions.filters import clouds, disk_kernel, moved, zoomed

BY_SEVERITY = {
    1: "gaussian_noise .04, shot_noise 500, impulse_noise .01, defocus_blur .3/.4, glass_blur .05/1/1, "
    "motion_blur 6/1, snow .1/.2/1/.6/8/3/.95, drawn_frost 1/.2, fog .2/3, brightness .05, contrast .75, "
    "elastic_transform 0/0/.08, pixelate .95, jpeg_compression 80",
    2: "gaussian_noise .06, shot_noise 250, impulse_noise .02, defocus_blur .4/.5, glass_blur .25/1/1, "
    "motion_blur 6/1.5, snow .1/.2/1/.5/10/4/.9, drawn_frost 1/.3, fog .5/3, brightness .1, contrast .5, "
    "elastic_transform .05/.2/.07, pixelate .9, jpeg_compression 65",
    3: "gaussian_noise .08, shot_noise 100, impulse_noise .03, defocus_blur .5/.6, glass_blur .4/1/1, motion_blur 6/2, "
    "snow .15/.3/1.75/.55/10/4/.9, drawn_frost .9/.4, fog .75/2.5, brightness .15, contrast .4, "
    "elastic_transform .08/.06/.06, pixelate .85, jpeg_compression 58",
    4: "gaussian_noise .09, shot_noise 75, impulse_noise .05, defocus_blur 1/.2, glass_blur .25/1/2, "
    "motion_blur 8/2, snow .25/.3/2.25/.6/12/6/.85, drawn_frost .85/.4, fog 1/2, brightness .2, contrast .3, "
    "elastic_transform .1/.04/.05, pixelate .75, jpeg_compression 50",
    5: "gaussian_noise .1, shot_noise 50, impulse_noise .07, defocus_blur 1.5/.1, glass_blur .4/1/2, "
    "motion_blur 9/2.5, snow .3/.3/1.25/.65/14/12/.8, drawn_frost .75/.45, fog 1.5/1.75, brightness .3, contrast .15, "
    "elastic_transform .1/.03/.03, pixelate .65, jpeg_compression 40",
}
"""`make_cifar_c.py` of hendrycks/robustness, read severity by severity; zoom's factors are below."""
LARGEST_ZOOM = (1.05, 1.10, 1.15, 1.20, 1.25)
ABOUT_ALIKE = {"elastic_transform", "glass_blur", "drawn_frost"}
"""Of these a severity moves pixels farther and another shuffles them more, or the image darkens as the ice brightens:
pixels alone don't say which is worse."""


def pictures(count: int = 24, channels: int = 3, side: int = 32) -> Tensor:
    """Smooth random pictures with edges, uint8."""
    draw = np.random.default_rng(0)
    smooth = ndimage.gaussian_filter(draw.standard_normal((count, channels, side, side)), (0, 0, 2, 2))
    smooth = np.where(smooth > 0, smooth + 0.1, smooth)
    low, high = smooth.min((1, 2, 3), keepdims=True), smooth.max((1, 2, 3), keepdims=True)
    return torch.from_numpy(np.rint(255 * (smooth - low) / (high - low)).astype(np.uint8))


def root_mean_square(name: str, severity: int, images: Tensor) -> float:
    return float((corrupt(images, name, severity).double() - images.double()).square().mean().sqrt())


def test_the_constants_are_those_of_the_authors() -> None:
    for severity, line in BY_SEVERITY.items():
        for entry in line.split(", "):
            name, numbers = entry.split(" ")
            level = CORRUPTIONS[name].levels[severity - 1]
            own = level if isinstance(level, tuple) else (level,)
            assert tuple(float(number) for number in own) == tuple(map(float, numbers.split("/"))), (name, severity)
    zooms = [np.arange(1, largest + 0.0099, 0.01) for largest in LARGEST_ZOOM]
    assert [len(factors) for factors in zooms] == [6, 11, 16, 21, 26]
    for factors, level in zip(zooms, CORRUPTIONS["zoom_blur"].levels, strict=True):
        assert level == pytest.approx(factors)
    assert len(CORRUPTIONS) == 15 == len(OPERATIONS)
    families = [one.family for one in CORRUPTIONS.values()]
    assert [families.count(family) for family in ("noise", "blur", "weather", "digital")] == [3, 4, 4, 4]


@pytest.mark.parametrize("channels", [1, 3])
def test_an_image_is_always_changed_in_the_same_way(channels: int) -> None:
    images = pictures(5, channels, 28)
    for name in CORRUPTIONS:
        together = corrupt(images, name, 3)
        assert together.dtype == torch.uint8
        assert together.shape == images.shape
        assert torch.equal(corrupt(images[3:4], name, 3), together[3:4]), name
        assert torch.equal(corrupt(images.flip(0), name, 3), together.flip(0)), name
        assert not torch.equal(together, images), name


def test_severities_do_more_and_more_damage_on_average() -> None:
    images = pictures()
    damage = {name: [root_mean_square(name, s, images) for s in range(1, SEVERITIES + 1)] for name in CORRUPTIONS}
    means = np.mean(list(damage.values()), axis=0)
    assert (np.diff(means) > 0).all(), means
    for name, each in damage.items():
        if name not in ABOUT_ALIKE:
            assert each[4] > each[0], (name, each)
            assert (np.diff(each) > -0.06 * each[4]).all(), (name, each)


def test_noises_have_their_size() -> None:
    grey = torch.full((40, 1, 32, 32), 128, dtype=torch.uint8)
    grey[:, 0, 0, 0] = torch.arange(40)  # so that images, and their noise, differ
    inside = (slice(None), slice(None), slice(1, None), slice(None))
    names = ("gaussian_noise", "shot_noise", "impulse_noise")
    changed = {name: corrupt(grey, name, 5)[inside].double() / 255 for name in names}
    assert float(changed["gaussian_noise"].std()) == pytest.approx(0.10, rel=0.02)
    assert float(changed["shot_noise"].std()) == pytest.approx((128 / 255 / 50) ** 0.5, rel=0.03)
    turned = changed["impulse_noise"] != 128 / 255
    assert float(turned.double().mean()) == pytest.approx(0.07, rel=0.05)
    assert float((changed["impulse_noise"][turned] == 1).double().mean()) == pytest.approx(0.5, abs=0.03)
    black = torch.zeros(2, 1, 32, 32, dtype=torch.uint8)
    assert torch.equal(corrupt(black, "shot_noise", 5), black)


def test_brightness_is_that_of_hue_saturation_value() -> None:
    images = pictures(2, 3, 16)
    changed = corrupt(images, "brightness", 4).double() / 255
    for place in [(0, 3, 5), (0, 15, 0), (1, 7, 8)]:
        n, row, column = place
        hue, saturation, value = colorsys.rgb_to_hsv(*(images[n, :, row, column].double() / 255).tolist())
        wanted = colorsys.hsv_to_rgb(hue, saturation, min(1.0, value + 0.2))
        assert changed[n, :, row, column].tolist() == pytest.approx(wanted, abs=0.51 / 255)


def test_contrast_keeps_the_mean_and_shrinks_the_rest() -> None:
    images = pictures(3)
    changed, own = corrupt(images, "contrast", 4).double(), images.double()
    means = own.mean((2, 3), keepdim=True)
    assert torch.allclose(changed, (own - means) * 0.3 + means, atol=0.51)


def test_jpeg_and_pixelate_are_those_of_pillow() -> None:
    images = pictures(1)
    picture = Image.fromarray(images[0].permute(1, 2, 0).numpy())
    stored = BytesIO()
    picture.save(stored, "JPEG", quality=40)
    wanted = np.asarray(Image.open(stored))
    assert np.array_equal(corrupt(images, "jpeg_compression", 5)[0].permute(1, 2, 0).numpy(), wanted)
    boxed = np.asarray(picture.resize((20, 20), Image.Resampling.BOX).resize((32, 32), Image.Resampling.BOX))
    assert np.array_equal(corrupt(images, "pixelate", 5)[0].permute(1, 2, 0).numpy(), boxed)


def test_a_lens_out_of_focus_spreads_light_over_its_disk() -> None:
    kernel = disk_kernel(1.5, 0.1)
    middle = len(kernel) // 2
    assert kernel.sum() == pytest.approx(1)
    assert kernel[middle - 1 : middle + 2, middle - 1 : middle + 2] == pytest.approx(np.full((3, 3), 1 / 9), abs=1e-6)
    wide = disk_kernel(1.5, 0.1, 2.0)
    assert (wide > 0.5 * wide.max()).sum() == pytest.approx(4 * 9, abs=4), "an area four times as large"


def test_motion_draws_a_point_out_to_half_a_gaussian() -> None:
    images = np.zeros((2, 1, 31, 31))
    images[:, :, 15, 15] = 1.0
    result = moved(images, 6, 2.5, np.array([0.0, 90.0]))
    taps = np.exp(-0.5 * (np.arange(13) / 2.5) ** 2)
    assert result[0, 0, 15, 15 - np.arange(13)] == pytest.approx(taps / taps.sum())
    assert result[1, 0, 15 - np.arange(13), 15] == pytest.approx(taps / taps.sum())
    assert result.sum((1, 2, 3)) == pytest.approx([1, 1])


def test_zooms_are_those_of_scipy() -> None:
    images = pictures(2).numpy() / 255
    for factor in (1.07, 1.25, 2.25):
        inner = int(np.ceil(32 / factor))
        top = (32 - inner) // 2
        wanted = ndimage.zoom(images[:, :, top : top + inner, top : top + inner], (1, 1, factor, factor), order=1)
        trim = (wanted.shape[2] - 32) // 2
        assert zoomed(images, factor) == pytest.approx(wanted[:, :, trim : trim + 32, trim : trim + 32], abs=1e-9)


def test_clouds_fill_the_range_and_fog_keeps_the_maximum() -> None:
    images = pictures(3, 1, 28)
    field = clouds(Draws(images.numpy(), "clouds"), 32, 32, 2.0)
    assert field.min((1, 2, 3)) == pytest.approx(0)
    assert field.max((1, 2, 3)) == pytest.approx(1)
    assert (corrupt(images, "fog", 5).amax((1, 2, 3)) <= images.amax((1, 2, 3))).all()


def test_elastic_moves_corners_and_leaves_a_constant_image_as_it_is() -> None:
    grey = torch.full((1, 1, 32, 32), 77, dtype=torch.uint8)
    assert torch.equal(corrupt(grey, "elastic_transform", 5), grey)
    images = pictures(6)
    assert not torch.equal(corrupt(images, "elastic_transform", 1), images)


def test_constants_in_pixels_are_scaled_where_sides_are_not_about_32() -> None:
    assert [scale_of(side) for side in (24, 28, 32, 40)] == [1, 1, 1, 1]
    assert [scale_of(side) for side in (16, 64, 96)] == [0.5, 2, 3]
    large = pictures(2, 3, 64)
    for name in CORRUPTIONS:
        assert corrupt(large, name, 2).shape == large.shape


def test_what_cannot_be_corrupted_is_refused() -> None:
    with pytest.raises(DataError, match=f"at least {LEAST_SIDE} pixels"):
        corrupt(pictures(1, 1, 8), "fog", 1)
    with pytest.raises(DataError, match="2 channels"):
        corrupt(pictures(1, 2), "fog", 1)
    with pytest.raises(ValueError, match="'fogg' is not a corruption; did you mean 'fog'"):
        corrupt(pictures(1), "fogg", 1)
    with pytest.raises(ValueError, match="severity 6"):
        corrupt(pictures(1), "fog", 6)
    assert corrupt(pictures(1)[:0], "fog", 1).shape == (0, 3, 32, 32)
