"""Dropout that stays on when a trained generator samples (Isola et al., 2017)."""

from __future__ import annotations

from torch import Tensor, nn

from trainables.randomness import BatchPart


class SamplingDropout(nn.Module):
    """Dropout of single values with probability `p`, in eval mode, too, unless `when_sampling` is False.

    `part`: the part of a batch that ranks share with these features; the draw is then for the whole batch.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p
        self.when_sampling = True
        self.part: BatchPart | None = None

    def forward(self, features: Tensor) -> Tensor:
        """Features (N, …), some of them zero and the others scaled up."""
        if not (self.training or self.when_sampling):
            return features

        def draw(count: int) -> Tensor:
            # in rows for any layout of the features, so that a part of them is what one worker draws
            return features.new_empty(count, *features.shape[1:]).bernoulli_(1 - self.p)

        return features * ((draw(len(features)) if self.part is None else self.part.rows(draw)) / (1 - self.p))
