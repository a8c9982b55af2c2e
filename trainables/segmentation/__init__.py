"""Segmentation of damage from pixel labels, with which S1 compares its maps (Table 5); the module is the trainable.

Importing it imports no torch, so that a study can be checked where nothing is trained.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from trainables.contract import Metric, Report, Run
from trainables.datasets.identity import data_identity
from trainables.segmentation.config import Config
from trainables.segmentation.cost import estimate
from trainables.segmentation.defaults import RECIPES, SCALES, defaults
from trainables.segmentation.metrics import declared

__all__ = [
    "EVALUATION_FIELDS",
    "METRICS",
    "RECIPES",
    "SCALES",
    "SELECTION",
    "Config",
    "check",
    "data_identity",
    "defaults",
    "estimate",
    "evaluate",
    "load",
    "train",
]

METRICS: Mapping[str, Metric] = declared()
"""What it can report (see `metrics`)."""

EVALUATION_FIELDS = ("test_size", "test_subset")
"""Settings with which stored networks can be measured again."""

SELECTION = "validation/iou"


def train(config: Config, run: Run) -> Iterator[Report]:
    """Train and yield one report per epoch (see `loop.train`)."""
    from trainables.segmentation.loop import train as train_by_epochs

    return train_by_epochs(config, run)


def load(config: Config, state: Mapping[str, Any]) -> Any:
    """The trained network of a stored state, on the CPU, in eval mode; its forward gives a logit for each pixel."""
    from trainables.segmentation.model import load as load_model

    return load_model(config, state)


def evaluate(config: Config, state: Mapping[str, Any], run: Run) -> Report:
    """Test a stored state (see `evaluation.evaluate`)."""
    from trainables.segmentation.evaluation import evaluate as evaluate_state

    return evaluate_state(config, state, run)


def check(config: Config, run: Run) -> None:
    """Raise `DataError` if the dataset is absent, corrupt, too small, or has no masks."""
    from trainables.segmentation.data import masked_splits

    masked_splits(config, run)
