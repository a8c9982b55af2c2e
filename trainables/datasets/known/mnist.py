"""MNIST as its authors distribute it: four idx files."""

from __future__ import annotations

from functools import partial

from trainables.datasets.attack_budget import AttackBudget
from trainables.datasets.auxiliary_tasks.digits import DIGITS
from trainables.datasets.downloads.idx_download import IdxDownload
from trainables.datasets.formats.idx_sets import IdxSet
from trainables.datasets.known_dataset import Facts, KnownDataset, PublishedVariance

FILES = IdxSet(
    "mnist",
    folder="MNIST/raw",
    sha256={
        "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
)

MNIST = KnownDataset(
    name="mnist",
    facts=Facts(
        title="MNIST handwritten digits (LeCun et al. 1998)",
        shape=(1, 28, 28),
        classes=DIGITS.classes,
        train=60_000,
        test=10_000,
    ),
    find=partial(FILES.locate, DIGITS.classes, {"train": 60_000, "test": 10_000}),
    load=partial(FILES.load, DIGITS.classes),
    downloads=(IdxDownload(FILES, "https://ossci-datasets.s3.amazonaws.com/mnist"),),
    tasks=DIGITS,
    published=PublishedVariance(10.3211, 28),
    attack=AttackBudget(
        0.3, 0.01, 40, 40, "official code", "S3's MNIST script; the same as Madry et al. (2018)", l2=2.0
    ),
    network="lenet",
    quick={"width": 2},
)
