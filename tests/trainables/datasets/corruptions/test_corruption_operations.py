"""What single corruptions make of images by hand, with draws that the test chooses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy import signal

from trainables.datasets.corruptions.constants import CORRUPTIONS
from trainables.datasets.corruptions.corrupted import OPERATIONS, corrupt
from trainables.datasets.corruptions.draws import Draws, Floats
from trainables.datasets.corruptions.filters import clouds, disk_kernel


class Chosen(Draws):
    """Draws of one image: normal values and shifts as given, angles in the middle of their range, which is noted."""

    def __init__(self, normal: Floats | None = None, shift: tuple[int, int] = (0, 0)) -> None:
        super().__init__(np.zeros((1, 1, 2, 2), np.uint8), "chosen")
        self._normal, self._shift = normal, shift
        self.ranges: list[tuple[float, float]] = []

    def normal(self, *shape: int) -> Floats:
        assert self._normal is not None
        return self._normal.reshape(1, *shape)

    def uniform(self, low: float, high: float, *shape: int) -> Floats:
        self.ranges.append((low, high))
        return np.full((1, *shape), (low + high) / 2)

    def integers(self, low: int, high: int, *shape: int) -> Any:
        return np.broadcast_to(np.array(self._shift), (1, *shape)).copy()


def level_of(name: str, severity: int) -> Any:
    return CORRUPTIONS[name].levels[severity - 1]


def test_each_corruption_of_an_image_draws_for_itself() -> None:
    images = np.full((1, 1, 4, 4), 7, np.uint8)
    one, other = (Draws(images, purpose).normal(5) for purpose in ("fog", "snow"))
    assert not np.allclose(one, other)


def test_large_images_have_larger_blurs() -> None:
    images = torch.zeros(1, 1, 64, 64, dtype=torch.uint8)
    images[..., 32, 32] = 255
    spread = (corrupt(images, "defocus_blur", 5) > 0).sum()
    pixels = images.numpy() / 255
    wanted = OPERATIONS["defocus_blur"](pixels, level_of("defocus_blur", 5), Chosen(), 2.0)
    assert spread == (np.rint(255 * wanted) > 0).sum()
    assert spread > 25, "9 pixels at a side of 32"


def test_a_lens_out_of_focus_mirrors_what_is_beyond_the_edge() -> None:
    pixels = np.random.default_rng(0).random((1, 1, 20, 20))
    radius, edge = level_of("defocus_blur", 5)
    kernel = disk_kernel(radius, edge)
    reach = len(kernel) // 2
    padded = np.pad(pixels[0, 0], reach, mode="reflect")
    wanted = signal.convolve2d(padded, kernel, mode="valid")
    found = OPERATIONS["defocus_blur"](pixels, (radius, edge), Chosen(), 1.0)
    assert found[0, 0] == pytest.approx(wanted)


def test_glass_moves_pixels_round_by_round() -> None:
    pixels = np.broadcast_to(np.arange(24) / 255, (1, 1, 24, 24)).copy()
    for rounds in (1, 2, 3):
        found = OPERATIONS["glass_blur"](pixels, (0.0, 1, rounds), Chosen(shift=(1, 0)), 1.0)
        assert found[0, 0, 12, 8:12] == pytest.approx(np.arange(8, 12) / 255 + rounds / 255)


def test_motion_is_up_to_45_degrees_from_the_horizontal_and_snow_falls() -> None:
    pixels, draws = np.zeros((1, 1, 32, 32)), Chosen(np.zeros((32, 32)))
    OPERATIONS["motion_blur"](pixels, level_of("motion_blur", 3), draws, 1.0)
    OPERATIONS["snow"](pixels, level_of("snow", 1), draws, 1.0)
    assert draws.ranges == [(-45, 45), (-135, -45)]


def test_snow_has_flakes_where_the_noise_is_high_and_once_more_turned_round() -> None:
    black, still = np.zeros((1, 1, 32, 32)), np.zeros((32, 32))
    level = level_of("snow", 1)
    paler = (1 - level[-1]) * 0.5
    assert OPERATIONS["snow"](black, level, Chosen(still), 1.0) == pytest.approx(np.full_like(black, paler))
    flake = still.copy()
    flake[9, 4] = 5.0
    added = OPERATIONS["snow"](black, level, Chosen(flake), 1.0)[0, 0] - paler
    assert added.max() > 0.05
    assert added == pytest.approx(added[::-1, ::-1])
    assert added[:, 4].sum() > 0.5
    assert added[:, 27].sum() > 0.5


def test_ice_is_bright_where_its_plasma_crosses_the_middle() -> None:
    stored = np.zeros((1, 1, 32, 32), np.uint8)
    plasma = clouds(Draws(stored, "drawn_frost"), 32, 32, 2.0)[0, 0]
    ice = OPERATIONS["drawn_frost"](stored / 255, level_of("drawn_frost", 3), Draws(stored, "drawn_frost"), 1.0)[0, 0]
    assert ice.argmax() == np.abs(plasma - 0.5).argmin()
    assert ice.argmin() == np.abs(plasma - 0.5).argmax()
    assert ice.max() <= level_of("drawn_frost", 3)[1]


def test_fog_brings_the_sum_back_to_the_images_own_maximum() -> None:
    dark = torch.full((2, 1, 32, 32), 60, dtype=torch.uint8)
    dark[:, :, :8] = 100
    for severity in (1, 5):
        assert (corrupt(dark, "fog", severity).amax((1, 2, 3)) <= 100).all()


def test_clouds_that_fade_faster_are_smoother() -> None:
    images = np.random.default_rng(0).integers(0, 255, (8, 1, 4, 4), dtype=np.uint8)
    rough, usual, smooth = (
        float(np.abs(np.diff(clouds(Draws(images, "clouds"), 32, 32, decay), axis=-1)).mean()) for decay in (1.5, 2, 3)
    )
    assert rough > 1.1 * usual
    assert usual > 1.1 * smooth
