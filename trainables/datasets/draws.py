"""Hyperparameters for the random draw of a dataset's images that a trial gets. Imports no torch."""

from __future__ import annotations

from typing import Any

from trainables.contract import hyperparameter


def declare_test_subset() -> Any:
    """The field `test_subset` of a configuration."""
    return hyperparameter(
        0,
        source="assumed",
        ge=0,
        le=1_000,
        description=(
            "Index of the draw of test_size test images; draws are disjoint. As a block it shows what holds beyond "
            "one draw. 0 is the default draw."
        ),
    )


def declare_split_seed() -> Any:
    """The field `split_seed` of a configuration."""
    return hyperparameter(
        0,
        source="assumed",
        ge=0,
        le=1_000_000,
        description=(
            "Seed of the random split into training and held-out images, and of the choice of train_size images. As "
            "a block it shows what holds beyond one split. 0 is the default split."
        ),
    )
