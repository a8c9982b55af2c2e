"""Fashion-MNIST as its authors distribute it: four idx files, like MNIST's."""

from __future__ import annotations

from functools import partial

from trainables.datasets.attack_budget import AttackBudget
from trainables.datasets.downloads.idx_download import IdxDownload
from trainables.datasets.formats.idx_sets import IdxSet
from trainables.datasets.known_dataset import Facts, KnownDataset

CLASSES = (
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
)

FILES = IdxSet(
    "fashion_mnist",
    folder="FashionMNIST/raw",
    sha256={
        "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    },
)

FASHION_MNIST = KnownDataset(
    name="fashion_mnist",
    facts=Facts(
        title="Fashion-MNIST clothing (Xiao et al. 2017)",
        shape=(1, 28, 28),
        classes=CLASSES,
        train=60_000,
        test=10_000,
    ),
    find=partial(FILES.locate, CLASSES, {"train": 60_000, "test": 10_000}),
    load=partial(FILES.load, CLASSES),
    # the authors' own address has no TLS; the checksums above verify the content
    downloads=(IdxDownload(FILES, "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"),),
    attack=AttackBudget(0.1, 0.01, 20, 20, "assumed", "not in S3; common, but not a standard", l2=1.5),
    quick={"width": 2},
)
