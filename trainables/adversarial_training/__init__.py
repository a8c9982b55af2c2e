"""Adversarial training with single-task, multi-task and mixed perturbations (S3); the module is the trainable.

Importing it imports no torch, so that a study can be checked where nothing is trained.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from trainables.adversarial_training.analysis import SHIFTED
from trainables.adversarial_training.analysis_table import ANALYSES
from trainables.adversarial_training.components import COMPONENTS
from trainables.adversarial_training.config import Config
from trainables.adversarial_training.cost import estimate
from trainables.adversarial_training.data_measures import DATA_MEASURES
from trainables.adversarial_training.defaults import RECIPES, SCALES, defaults
from trainables.adversarial_training.metrics import declared
from trainables.adversarial_training.scaled_budgets import with_scaled_budgets
from trainables.adversarial_training.settings.evaluation import EvaluationSettings
from trainables.adversarial_training.validated_epsilon import selection_doubt
from trainables.contract import CheckItem, Metric, Report, Run, TrainedTrial
from trainables.datasets.identity import data_identity

__all__ = [
    "COMPONENTS",
    "DATA_MEASURES",
    "EVALUATION_FIELDS",
    "METRICS",
    "RECIPES",
    "SCALES",
    "SELECTION",
    "Config",
    "attack_test",
    "check",
    "check_robustness",
    "data_identity",
    "data_measures",
    "defaults",
    "estimate",
    "evaluate",
    "load",
    "reevaluate",
    "selection_doubt",
    "train",
]

METRICS: Mapping[str, Metric] = declared()
"""What it can report (see `metrics`); `SPLIT/samples` is the n of what is measured on a split."""

VALIDATION_FIELDS = ("validation_attacks", "validation_epsilon", "validate_every")
"""What chooses the checkpoint while it is trained."""

EVALUATION_FIELDS = (
    *(name for name in EvaluationSettings.model_fields if name not in VALIDATION_FIELDS),
    "test_size",
    "test_subset",
)
"""Settings with which stored networks can be measured again; validation, which chooses checkpoints, keeps its own."""

SELECTION = "validation/robust_accuracy.worst_case"


def train(config: Config, run: Run) -> Iterator[Report]:
    """Train and yield one report per epoch (see `loop.train`)."""
    from functools import partial

    from trainables.adversarial_training.training.loop import train as train_by_epochs
    from trainables.device.arithmetic import each_within, measuring

    return each_within(train_by_epochs(with_scaled_budgets(config), run), partial(measuring, config))


def load(config: Config, state: Mapping[str, Any]) -> Any:
    """The trained network of a stored state, on the CPU, in eval mode; its forward gives one logits tensor per task."""
    from trainables.adversarial_training.model import load as load_model

    return load_model(config, state)


def evaluate(config: Config, state: Mapping[str, Any], run: Run) -> Report:
    """Test a stored state (see `evaluation.evaluate`)."""
    from trainables.adversarial_training.evaluation.evaluation import evaluate as evaluate_state
    from trainables.adversarial_training.evaluation.retrained_networks import retrained_right
    from trainables.device.arithmetic import measuring

    with measuring(config):
        return evaluate_state(with_scaled_budgets(config), state, run, retrain=retrained_right)


def reevaluate(config: Config, state: Mapping[str, Any], run: Run, earlier: Report) -> Report:
    """Test a stored state, continuing from an earlier report of it (see `evaluation.evaluate`)."""
    from trainables.adversarial_training.evaluation.evaluation import evaluate as evaluate_state
    from trainables.adversarial_training.evaluation.retrained_networks import retrained_right
    from trainables.device.arithmetic import measuring

    with measuring(config):
        return evaluate_state(with_scaled_budgets(config), state, run, earlier, retrain=retrained_right)


def attack_test(config: Config, state: Mapping[str, Any], run: Run) -> Report:
    """The attacks of a test, shared out over the ranks of a `run` (see `evaluation.attack_test`)."""
    from trainables.adversarial_training.evaluation.evaluation import attack_test as attack_samples_of_test
    from trainables.device.arithmetic import measuring

    with measuring(config):
        return attack_samples_of_test(with_scaled_budgets(config), state, run)


def check_robustness(config: Config, state: Mapping[str, Any], run: Run, trained: TrainedTrial) -> list[CheckItem]:
    """Whether a stored state is as robust as its evaluation says (see `checks.check_robustness`)."""
    from trainables.adversarial_training.evaluation.checks import check_robustness as check_state
    from trainables.device.arithmetic import measuring

    with measuring(config):
        return check_state(with_scaled_budgets(config), state, run, trained)


def data_measures(config: Config, run: Run) -> dict[str, float]:
    """What `DATA_MEASURES` names of a trial's training images (see `data_measures.data_measures`)."""
    from trainables.adversarial_training.data_measures import data_measures as measure_data

    return measure_data(with_scaled_budgets(config), run)


def check(config: Config, run: Run) -> None:
    """Raise `DataError` if the dataset is absent, corrupt, too small, or lacks a class that a task names."""
    from trainables.adversarial_training.data import splits
    from trainables.adversarial_training.evaluation.shifted_samples import shifted_samples
    from trainables.datasets.config import dataset_of
    from trainables.datasets.errors import DataError
    from trainables.models.sizes import too_small

    parts = splits(config, run.data(dataset_of(config)), run.device)
    if SHIFTED in ANALYSES.needs(config):
        shifted_samples(config, run)
    if problem := too_small(config.network, *parts.shape[1:]):
        raise DataError(problem)
