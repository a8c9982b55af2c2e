"""Crops and mirrored images: every one a window of the padded image, drawn by seed and epoch alone."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from trainables.adversarial_training.training.augmentation import CropFlip
from trainables.randomness import Share


def test_every_image_is_a_window_of_its_padded_self_mirrored_or_not() -> None:
    images = torch.rand(300, 3, 16, 24, generator=torch.Generator().manual_seed(0))
    made = CropFlip(seed=1, epoch=0)(images)
    assert made.shape == images.shape
    padded = F.pad(images, (3, 3, 2, 2))
    seen: set[tuple[int, int, bool]] = set()
    for image, border in zip(made, padded, strict=True):
        found = [
            (down, right, mirrored)
            for down in range(5)
            for right in range(7)
            for mirrored in (False, True)
            if torch.equal(image.flip(2) if mirrored else image, border[:, down : down + 16, right : right + 24])
        ]
        assert len(found) == 1
        seen.add(found[0])
    assert len(seen) > 60, "nearly all 70 windows, in 300 images"
    assert sum(mirrored for *_, mirrored in seen) > 25


def test_images_too_small_to_be_moved_are_only_mirrored() -> None:
    images = torch.rand(40, 1, 4, 4)
    made = CropFlip(0, 0)(images)
    mirrored = (made == images.flip(3)).flatten(1).all(1)
    assert ((made == images).flatten(1).all(1) ^ mirrored).all()
    assert 8 < mirrored.sum() < 32


def test_draws_follow_from_seed_and_epoch_and_ranks_share_them() -> None:
    images = torch.rand(9, 1, 16, 16)
    alone = CropFlip(2, 5)(images)
    assert torch.equal(CropFlip(2, 5)(images), alone)
    assert not torch.equal(CropFlip(2, 6)(images), alone)
    assert not torch.equal(CropFlip(3, 5)(images), alone)
    for share in (Share(0, 2), Share(1, 2)):
        assert torch.equal(CropFlip(2, 5, share)(share.of(images), whole=9), share.of(alone))
