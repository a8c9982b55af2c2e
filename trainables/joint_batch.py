"""Means over a batch that ranks share, with the same gradients as on one worker."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from trainables.contract import Run
from trainables.models.joint_batch_norm import total_over_ranks


@dataclass(frozen=True, eq=False)
class JointBatch:
    """The weights of this rank's samples in the batch of all ranks, whose gradients are averaged.

    `counts` (K,): samples of each class over all ranks. `weight` (): this rank's samples over their mean over ranks.
    `mean` and `class_means` return a rank's contribution: the mean over ranks is that of the joint batch.
    """

    counts: Tensor
    weight: Tensor
    ranks: int = 1

    @classmethod
    def of(cls, labels: Tensor, run: Run | None = None, classes: int = 2) -> JointBatch:
        """The joint batch of which this rank has samples with `labels` (N,); without a `run`, it has all."""
        here = torch.stack([(labels == label).sum() for label in range(classes)])
        if run is None or run.world_size == 1:
            return cls(here, torch.ones((), dtype=torch.float64, device=labels.device))
        counts = run.total(here)
        return cls(counts, here.sum().double() * run.world_size / counts.sum(), run.world_size)

    def swapped(self) -> JointBatch:
        """The same samples, each with the other of two labels."""
        return replace(self, counts=self.counts.flip(0))

    def mean(self, values: Tensor) -> Tensor:
        """The mean of `values` (N, …) of this rank's samples, weighted by their number."""
        mean = values.mean()
        return mean * self.weight.to(mean.dtype)

    def sum(self, values: Tensor) -> Tensor:
        """The sum of `values` (N, …) over the samples of all ranks, (…), which is the same on each.

        Gradients flow back to all of them, so what is computed from it needs no weight. Every rank must call it.
        """
        here = values.sum(0)
        return here if self.ranks == 1 else total_over_ranks(here)

    def class_means(self, values: Tensor, labels: Tensor) -> Tensor:
        """The sum of the means of `values` (N,) over each class; that of a class which no rank has is 0."""
        total = values.new_zeros(())
        for label, count in enumerate(self.counts):
            # no branch on a count, for which a GPU would have to wait
            total = total + torch.where(labels == label, values, 0).sum() / count.clamp(min=1)
        return total * self.ranks
