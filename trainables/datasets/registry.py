"""What is known of the datasets that have a name, without opening them. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trainables.datasets.class_tables import ClassTable, class_table


@dataclass(frozen=True)
class Facts:
    """What is known of a dataset without opening it; `shape`: (C, H, W)."""

    title: str
    shape: tuple[int, int, int]
    classes: tuple[str, ...]
    train: int
    test: int
    bundled: bool = False
    """Comes with an installed package, so there is nothing to fetch."""
    resized: bool = False
    """Images come in many sizes and are brought to that of `shape`, unless another one is asked for."""
    table: str | None = None
    """The file with its auxiliary tasks (see `class_tables`)."""
    tile: int | None = None
    """The side of the tiles that its large images are cut into, unless another one is asked for."""
    large: tuple[int, int] | None = None
    """How many images (train, test) the tiles come from; `train` and `test` then count tiles of `tile`."""

    @property
    def stored(self) -> tuple[int, int]:
        """How many images (train, test) its files hold."""
        return self.large or (self.train, self.test)

    @property
    def class_table(self) -> ClassTable | None:
        """Its auxiliary tasks."""
        return None if self.table is None else class_table(self.table)


DIGIT_NAMES = tuple("0123456789")
CRACK_NAMES = ("no crack", "crack")

KNOWN: Mapping[str, Facts] = {
    "digits": Facts(
        title="scikit-learn's handwritten digits (UCI optdigits, test part)",
        shape=(1, 8, 8),
        classes=DIGIT_NAMES,
        train=1397,
        test=400,
        bundled=True,
        table="digits",
    ),
    "mnist": Facts(
        title="MNIST handwritten digits (LeCun et al. 1998)",
        shape=(1, 28, 28),
        classes=DIGIT_NAMES,
        train=60_000,
        test=10_000,
        table="digits",
    ),
    "fashion_mnist": Facts(
        title="Fashion-MNIST clothing (Xiao et al. 2017)",
        shape=(1, 28, 28),
        classes=(
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ),
        train=60_000,
        test=10_000,
    ),
    "svhn": Facts(
        title="Street View House Numbers, cropped digits (Netzer et al. 2011)",
        shape=(3, 32, 32),
        classes=DIGIT_NAMES,
        train=73_257,
        test=26_032,
        table="digits",
    ),
    "gtsrb": Facts(
        title="German Traffic Sign Recognition Benchmark (Stallkamp et al. 2012), at S3's 112×112 (Table 2)",
        shape=(3, 112, 112),
        classes=class_table("gtsrb").classes,
        train=39_209,
        test=12_630,
        resized=True,
        table="gtsrb",
    ),
    "cifar10": Facts(
        title="CIFAR-10 (Krizhevsky 2009)",
        shape=(3, 32, 32),
        classes=class_table("cifar10").classes,
        train=50_000,
        test=10_000,
        table="cifar10",
    ),
    "tiny_imagenet": Facts(
        title="Tiny ImageNet (Le and Yang 2015); its validation images are the test images",
        shape=(3, 64, 64),
        classes=class_table("tiny_imagenet").classes,
        train=100_000,
        test=10_000,
        table="tiny_imagenet",
    ),
    "crackforest": Facts(
        title="CrackForest road cracks (Shi et al. 2016), the 118 annotated images cut into tiles",
        shape=(3, 64, 64),
        classes=CRACK_NAMES,
        train=3_177,
        test=818,
        tile=64,
        large=(94, 24),
    ),
    "sut_crack": Facts(
        title="SUT-Crack pavement cracks (Sabouri and Sepidbar 2023), 130 images at 384×384 cut into tiles",
        shape=(3, 64, 64),
        classes=CRACK_NAMES,
        train=3_666,
        test=919,
        tile=64,
        large=(104, 26),
    ),
    "magnetic_tile": Facts(
        title="Magnetic tile surface defects (Huang et al. 2020), many sizes brought to 64×64",
        shape=(1, 64, 64),
        classes=("free", "blowhole", "break", "crack", "fray", "uneven"),
        train=1_076,
        test=268,
        resized=True,
    ),
    "concrete_cracks": Facts(
        title="Concrete Crack Segmentation Dataset (Özgenel 2019), S1's cracks, 458 images cut into tiles",
        shape=(3, 224, 224),
        classes=CRACK_NAMES,
        # at most, where the images are 4032×3024: 18×13 tiles each, of which the ambiguous are left out
        train=366 * 234,
        test=92 * 234,
        tile=224,
        large=(366, 92),
    ),
    "casc_ifw": Facts(
        title="CASC IFW apples of 2010 with damage by internal feeding worms (Li et al. 2009), S1's apples",
        shape=(3, 120, 120),
        classes=("healthy", "damaged"),
        train=4_686,
        test=1_172,
    ),
    "synthetic_cracks": Facts(
        title="Synthetic cracks: concrete and clear cracks drawn by a program, no photographs",
        shape=(1, 64, 64),
        classes=CRACK_NAMES,
        train=2_000,
        test=500,
        bundled=True,
    ),
    "synthetic_cracks_cluttered": Facts(
        title="Synthetic cracks among stains, seams and pores, no clearer than on photographs; drawn by a program",
        shape=(1, 64, 64),
        classes=CRACK_NAMES,
        train=2_000,
        test=500,
        bundled=True,
    ),
}
"""By the name that a study gives."""
