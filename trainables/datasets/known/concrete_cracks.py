"""Özgenel's Concrete Crack Segmentation Dataset in its author's layout: photographs, and masks with the same names."""

from __future__ import annotations

from pathlib import Path

from trainables.datasets.formats.found import Found
from trainables.datasets.formats.pairs import PairSource, find_pairs
from trainables.datasets.known_dataset import Facts, KnownDataset

HOMES = ("concreteCrackSegmentationDataset", "concrete_cracks")
IMAGES, MASKS = "rgb", "BW"
CLASSES = ("no crack", "crack")


def find_concrete_cracks(root: Path) -> Found | None:
    """The photographs of rgb and masks of BW, split 80/20 by photograph; raises `DataError` for an unpaired one."""
    home = next((root / name for name in HOMES if (root / name).is_dir()), None)
    if home is None:
        return None
    source = PairSource("concrete_cracks", CLASSES, find_pairs(home / IMAGES, home / MASKS))
    return Found(source, f"{home.name}/{IMAGES} and {MASKS}", source.count)


CONCRETE_CRACKS = KnownDataset(
    name="concrete_cracks",
    facts=Facts(
        title="Concrete Crack Segmentation Dataset (Özgenel 2019), S1's cracks, 458 images cut into tiles",
        shape=(3, 224, 224),
        classes=CLASSES,
        # at most, where the images are 4032×3024: 18×13 tiles each, of which the ambiguous are left out
        train=366 * 234,
        test=92 * 234,
        tile=224,
        large=(366, 92),
    ),
    find=find_concrete_cracks,
    files="concreteCrackSegmentationDataset/rgb/*.jpg and concreteCrackSegmentationDataset/BW/*.jpg",
    quick={},  # at their own size: thin damage vanishes when it shrinks
)
