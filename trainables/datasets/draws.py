"""Hyperparameters that say which random draw of a dataset's images a trial is given. Imports no torch."""

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
            "Which of the disjoint draws of test_size test images; as a block, what holds beyond one draw. 0: the draw "
            "of every study that doesn't say."
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
            "Which random split into training and held-out images, and which train_size of them; as a block, what "
            "holds beyond one split. 0: the split of every study that doesn't say."
        ),
    )
