"""S1's augmentation: masks move with their images, nothing changes without strength, all from one generator."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields, replace

import pytest
import torch
from torch import Tensor

from trainables.datasets.augmentation import Strengths, augment
from trainables.datasets.augmentation.strengths import NONE


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(count: int = 32, channels: int = 3, height: int = 16, width: int = 16) -> Tensor:
    return torch.rand(count, channels, height, width, generator=seeded(9))


def test_nothing_is_changed_without_strength() -> None:
    images = pictures()
    masks = (images[:, 0] > 0.5).byte() * 255
    changed, moved = augment(images, seeded(), NONE, masks=masks)
    assert torch.equal(changed, images)
    assert torch.equal(moved, masks)


@pytest.mark.parametrize("field", [field.name for field in fields(Strengths)])
def test_every_strength_changes_something_of_its_own(field: str) -> None:
    images = pictures()
    only = replace(NONE, **{field: getattr(Strengths(), field)})
    changed = augment(images, seeded(), only)
    assert changed.shape == images.shape
    assert not torch.allclose(changed, images, atol=1e-3)
    assert changed.min() >= 0
    assert changed.max() <= 1 + 1e-6
    masks = (images[:, 0] > 0.5).byte()
    moves = field in ("crop", "flip", "quarters", "degrees")
    assert torch.equal(augment(images, seeded(), only, masks=masks)[1], masks) != moves
    if field == "hue":
        assert torch.equal(augment(pictures(channels=1), seeded(), only), pictures(channels=1))


def test_flips_and_quarters_bring_pixels_onto_pixels() -> None:
    """All eight placements of a square are seen, each exactly."""
    images = pictures(count=64)
    changed = augment(images, seeded(), replace(NONE, flip=0.5, quarters=True))
    seen = set()
    for image, result in zip(images, changed, strict=True):
        candidates = {
            (turn, flip): torch.rot90(image.flip(2) if flip else image, turn, (1, 2))
            for turn in range(4)
            for flip in (False, True)
        }
        found = [key for key, candidate in candidates.items() if torch.allclose(candidate, result, atol=1e-5)]
        assert len(found) == 1
        seen.add(found[0])
    assert len(seen) == 8


@pytest.mark.parametrize(("height", "width"), [(32, 32), (24, 40)])
def test_masks_move_as_their_images_do(height: int, width: int) -> None:
    """A mask drawn as an image is found at the place of the mask, but for pixels at its edge."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    masks = torch.stack([((y - 8 - i % 9).abs() < 5) & ((x - 10).abs() < 6) for i in range(32)])
    images = masks[:, None].float()
    strengths = replace(NONE, crop=0.3, flip=0.5, quarters=True, degrees=20.0)
    changed, moved = augment(images, seeded(), strengths, masks=masks.byte() * 255)
    assert moved.dtype == torch.uint8
    assert set(moved.unique().tolist()) == {0, 255}  # type: ignore[no-untyped-call]
    agree = ((changed[:, 0] > 0.5) == (moved > 0)).float().mean((1, 2))
    assert agree.min() > 0.98
    assert not torch.equal(moved > 0, masks)


def test_a_rotation_keeps_shapes_where_sides_differ() -> None:
    """A disc turned by any angle is as large as before, in height and width."""
    y, x = torch.meshgrid(torch.arange(40) - 19.5, torch.arange(60) - 29.5, indexing="ij")
    disc = (y**2 + x**2 < 49).float().expand(16, 1, 40, 60)
    turned = augment(disc, seeded(), replace(NONE, degrees=90.0)) > 0.5
    for image in turned[:, 0, :, 15:45]:  # further out it may be seen again, mirrored
        assert abs(int(image.any(0).sum()) - 14) <= 1
        assert abs(int(image.any(1).sum()) - 14) <= 1


def test_a_crop_shows_a_part_of_the_image_in_full_size() -> None:
    ramp = torch.linspace(0, 1, 64).expand(200, 1, 64, 64).contiguous()
    changed = augment(ramp, seeded(), replace(NONE, crop=0.4))
    shown = changed[:, 0, 0, -1] - changed[:, 0, 0, 0]
    assert 0.57 < shown.min() < 0.7
    assert 0.9 < shown.max() <= 1
    assert changed[:, 0, 0, 0].min() < 0.02
    assert changed[:, 0, 0, 0].max() > 0.2


def test_hue_keeps_grey_and_the_mean_of_the_channels() -> None:
    only = replace(NONE, hue=0.5)
    grey = pictures(channels=1).expand(-1, 3, -1, -1).contiguous()
    assert torch.allclose(augment(grey, seeded(), only), grey, atol=1e-5)
    muted = 0.4 + 0.2 * pictures()
    turned = augment(muted, seeded(), only)
    assert torch.allclose(turned.mean(1), muted.mean(1), atol=1e-5)
    assert (turned - muted).abs().amax((1, 2, 3)).median() > 0.05


def test_blur_takes_every_other_image_and_keeps_its_mean() -> None:
    images = pictures(count=200, channels=1)
    changed = augment(images, seeded(), replace(NONE, blur=1.5))
    touched = (changed - images).abs().amax((1, 2, 3)) > 1e-4
    assert 70 < int(touched.sum()) < 130
    assert (changed - images).mean((1, 2, 3)).abs().max() < 0.05
    assert changed[touched].std((1, 2, 3)).mean() < 0.8 * images[touched].std((1, 2, 3)).mean()


def test_all_depends_on_the_generator_alone() -> None:
    images = pictures()
    first = augment(images, seeded(3))
    torch.manual_seed(99)
    assert torch.equal(first, augment(images, seeded(3)))
    assert not torch.equal(first, augment(images, seeded(4)))
    # images don't depend on each other, nor is more drawn where there are masks
    again = augment(images.flip(0), seeded(3)).flip(0)
    assert not torch.equal(first, again)
    left = seeded(3), seeded(3)
    augment(images, left[0])
    augment(images, left[1], NONE, masks=torch.zeros(32, 16, 16))
    assert torch.equal(left[0].get_state(), left[1].get_state())


@pytest.mark.parametrize(("name", "value"), [("crop", 1.0), ("flip", -0.1), ("hue", 0.6), ("brightness", 1.5)])
def test_a_strength_out_of_range_is_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} must be between 0 and .*, not {value}"):
        replace(NONE, **{name: value})


def test_strengths_and_facts_are_known_without_torch() -> None:
    code = (
        "import sys, trainables.datasets.augmentation.strengths, trainables.datasets.config; "
        "from trainables.datasets.registry import KNOWN; from pathlib import Path; "
        "KNOWN['synthetic_cracks'].locate(Path()).count(); sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
