"""SUT-Crack: pavements with masks of their cracks, in Parquet."""

from __future__ import annotations

from trainables.datasets.known_dataset import Facts, KnownDataset

SUT_CRACK = KnownDataset(
    name="sut_crack",
    facts=Facts(
        title="SUT-Crack pavement cracks (Sabouri and Sepidbar 2023), 130 images at 384×384 cut into tiles",
        shape=(3, 64, 64),
        classes=("no crack", "crack"),
        train=3_666,
        test=919,
        tile=64,
        large=(104, 26),
    ),
    parquet=("sut_crack_train.parquet", "sut_crack_test.parquet"),
    quick={},  # at their own size: thin damage vanishes when it shrinks
)
