"""The budget ε that a trial trains with."""

from __future__ import annotations

import math

import torch

from trainables.adversarial_training.config import Config
from trainables.datasets.dataset import Split
from trainables.datasets.sampling.samples import Samples
from trainables.datasets.stats import inter_class_variance

PER_CLASS = 100
"""Images of each class from which the distance between classes is taken."""


def full_epsilon(config: Config, train: Samples) -> float:
    """ε after its warm-up: `config.epsilon`, or `epsilon_share` of the distance between the training images' classes.

    That distance is per root dimension, as if all pixels differed equally (S3, eq. 8 over √d); ε is at most 1.
    """
    if config.epsilon_share is None:
        return config.epsilon
    main = train.labels[:, 0]
    first = torch.cat([(main == label).nonzero().squeeze(1)[:PER_CLASS] for label in torch.unique(main)])
    images = train.split[train.chosen[first]]
    distance = inter_class_variance(Split(images.cpu(), main[first].cpu()), PER_CLASS)
    if distance is None:
        raise ValueError("epsilon_share needs training images of two classes at least")
    return min(1.0, config.epsilon_share * distance / math.sqrt(images[0].numel()))


def epsilon_at(config: Config, full: float, progress: float) -> float:
    """ε after `progress` epochs: it grows linearly up to `full` over the warm-up."""
    return full * min(1.0, progress / config.epsilon_warmup) if config.epsilon_warmup else full
