"""The counterfactual GAN (S1), whose counterfactuals explain and harden a classifier; the module is the trainable.

Importing it imports no torch, so that a study can be checked where nothing is trained.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from trainables.contract import Metric, Report, Run
from trainables.counterfactual_gan.components import COMPONENTS
from trainables.counterfactual_gan.config import Config
from trainables.counterfactual_gan.cost import estimate
from trainables.counterfactual_gan.defaults import RECIPES, SCALES, defaults
from trainables.counterfactual_gan.metrics import declared
from trainables.counterfactual_gan.settings.evaluation import EvaluationSettings
from trainables.datasets.identity import data_identity

__all__ = [
    "COMPONENTS",
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

EVALUATION_FIELDS = (
    *(name for name in EvaluationSettings.model_fields if name != "gallery_epochs"),  # which training reads
    "test_size",
    "test_subset",
)
"""Settings with which stored networks can be measured again."""

SELECTION = "validation/accuracy_and_validity"
"""Both networks are kept, so both are chosen: a checkpoint of valid counterfactuals may have a D still untrained."""


def train(config: Config, run: Run) -> Iterator[Report]:
    """Train and yield one report per epoch (see `loop.train`)."""
    from functools import partial

    from trainables.counterfactual_gan.training.loop import train as train_by_epochs
    from trainables.device.arithmetic import each_within, measuring

    return each_within(train_by_epochs(config, run), partial(measuring, config))


def load(config: Config, state: Mapping[str, Any]) -> Any:
    """The discriminator and generator of a stored state, on the CPU, in eval mode (see `model.CounterfactualModel`)."""
    from trainables.counterfactual_gan.model import load as load_model

    return load_model(config, state)


def evaluate(config: Config, state: Mapping[str, Any], run: Run) -> Report:
    """Test a stored state (see `evaluation.evaluate`)."""
    from trainables.counterfactual_gan.evaluation.evaluation import evaluate as evaluate_state
    from trainables.device.arithmetic import measuring

    with measuring(config):
        return evaluate_state(config, state, run)


def check(config: Config, run: Run) -> None:
    """Raise `DataError` if the dataset is absent, corrupt, too small, or has not two classes."""
    from trainables.datasets.config import dataset_of
    from trainables.defects.splits import splits

    splits(config, run.data(dataset_of(config)), run.device)
