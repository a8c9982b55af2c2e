"""Measures of a trial's training images before anything is trained. Imports torch only when they are computed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from trainables.adversarial_training.config import Config
from trainables.contract import Run

if TYPE_CHECKING:
    from trainables.datasets.sampling.samples import Samples
    from trainables.datasets.stats.separation import Separation

SAMPLE, PER_CLASS, SEED = 5_000, 500, 0
"""Distances use at most so many training images of each class, and so many in total, drawn with this seed."""

DATA_MEASURES: Mapping[str, str] = {
    "inter_class_variance": "mean L2 distance between images of two classes (S3, eq. 8)",
    "per_sqrt_d": "inter_class_variance divided by the root of the dimension",
    "inter_intra": "mean L2 distance between classes divided by that within classes",
    "fisher": "scatter of the class means divided by that within classes",
    "nearest_linf_over_2epsilon": (
        "mean L∞ distance of at most 1,000 images to the nearest sampled one of another class, over 2ε, ε being that "
        "of the evaluation"
    ),
    "dimension": "pixels times channels",
    "log_dimension": "natural logarithm of the dimension",
    "classes": "classes of the main task",
    "images": "training images",
}
"""By name, what each measure is; distances are on [0, 1] pixels of at most 5,000 training images, 500 of a class."""


def data_measures(config: Config, run: Run) -> dict[str, float]:
    """The measures of the training images as a trial sees them: resized, transformed, without what is held out.

    `config` has the attack budgets. A measure that isn't defined on these images, such as a ratio to zero, is
    left out.
    """
    import torch

    from trainables.adversarial_training.data import splits
    from trainables.datasets.config import dataset_of

    data = splits(config, run.data(dataset_of(config)), torch.device("cpu"))
    dimension = math.prod(data.shape)
    measures: dict[str, float | None] = dict.fromkeys(DATA_MEASURES)
    measures |= _of_separation(measured(data.train, data.classes[0], config.attack_epsilon))
    measures |= {
        "dimension": float(dimension),
        "log_dimension": math.log(dimension),
        "classes": float(data.classes[0]),
        "images": float(len(data.train)),
    }
    return {name: value for name, value in measures.items() if value is not None}


def measured(train: Samples, classes: int, epsilon: float) -> Separation | None:
    """How far apart the classes of training images are; None if only one has images."""
    import torch

    from trainables.datasets.dataset import Split
    from trainables.datasets.stats.separation import measure_separation

    most = min(PER_CLASS, max(2, SAMPLE // classes))
    labels = train.labels[:, 0]
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(SEED))
    # drawn before images are copied, of which a trial may have gigabytes
    drawn = torch.cat([order[labels[order] == label][:most] for label in torch.unique(labels)])
    split = Split(train.split[train.chosen[drawn]], labels[drawn])
    return measure_separation(split, None, SEED, epsilon)


def _of_separation(separation: Separation | None) -> dict[str, float | None]:
    if separation is None:
        return {}
    return {
        "inter_class_variance": separation.inter,
        "per_sqrt_d": separation.inter_per_root_dimension,
        "inter_intra": separation.ratio,
        "fisher": separation.fisher,
        "nearest_linf_over_2epsilon": separation.nearest_linf.mean / (2 * separation.epsilon)
        if separation.epsilon
        else None,
    }
