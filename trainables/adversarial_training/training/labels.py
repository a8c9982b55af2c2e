"""Random labels: auxiliary tasks that have nothing to do with the images."""

from __future__ import annotations

from dataclasses import replace

import torch

from trainables.datasets.sampling.samples import Samples
from trainables.randomness import stream

LABEL_SEED = 20261121
"""Seed of random labels only, so that every replicate and arm has the same ones."""


def with_random_labels(samples: Samples) -> Samples:
    """The samples with each auxiliary task's labels permuted: every label as often as before, on other images."""
    labels = samples.labels.clone()
    for task in range(1, labels.shape[1]):
        order = torch.randperm(len(labels), generator=stream(LABEL_SEED, f"labels {task}"))
        labels[:, task] = labels[order.to(labels.device), task]
    return replace(samples, labels=labels)
