"""CrackForest: road surfaces with masks of their cracks, in Parquet."""

from __future__ import annotations

from trainables.datasets.known_dataset import Facts, KnownDataset

CRACKFOREST = KnownDataset(
    name="crackforest",
    facts=Facts(
        title="CrackForest road cracks (Shi et al. 2016), the 118 annotated images cut into tiles",
        shape=(3, 64, 64),
        classes=("no crack", "crack"),
        train=3_177,
        test=818,
        tile=64,
        large=(94, 24),
    ),
    parquet=("crackforest_train.parquet", "crackforest_test.parquet"),
    quick={},  # at their own size: thin damage vanishes when it shrinks
)
