"""Random streams of a trial, each a function of seed, purpose and epoch.

A stream restarts in every epoch, so the epoch number is the whole random state: a resumed trial can't differ from
an undisturbed one, and arms with the same seed share initial weights, data order and the main attack's starts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.data import Sampler

from trainables.contract import Run


def stream_seed(seed: int, purpose: str, epoch: int = 0) -> int:
    """A seed below 2⁶³ that differs for every seed, purpose and epoch."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{purpose}/{epoch}".encode()).digest()[:8], "big") >> 1


def stream(seed: int, purpose: str, epoch: int = 0) -> torch.Generator:
    """A CPU generator for one purpose in one epoch."""
    return torch.Generator().manual_seed(stream_seed(seed, purpose, epoch))


def forked(generator: torch.Generator | None, count: int) -> list[torch.Generator]:
    """Separate generators, seeded by one draw from `generator` (None: the global one) however they are used.

    What is drawn later from `generator` doesn't depend on how many of them were needed.
    """
    seeds = torch.randint(2**63 - 1, (count,), generator=generator)
    return [torch.Generator().manual_seed(int(seed)) for seed in seeds]


@contextmanager
def global_stream(run: Run, purpose: str, epoch: int = 0, *, together: bool = False) -> Iterator[None]:
    """Give layers that use the global generator a stream of this trial; afterwards the generator is restored.

    Every rank has its own stream: dropout on several workers is as random as on one, but not the same. Layers that
    draw for the whole batch (`BatchPart`) have one stream on all ranks with `together`.
    """
    rank = 0 if together else run.rank
    with torch.random.fork_rng(devices=[run.device] if run.device.type == "cuda" else []):
        torch.manual_seed(stream_seed(run.seed, f"{purpose} {rank}", epoch))
        yield


@dataclass(frozen=True)
class Share:
    """A rank's part of every batch: samples `rank`, `rank + world_size`, …, as in `prepare_loader`."""

    rank: int = 0
    world_size: int = 1

    def of(self, whole: Tensor) -> Tensor:
        """This rank's rows of the draws for the whole batch, as one worker would draw them."""
        return whole[self.rank :: self.world_size]


@dataclass(frozen=True)
class BatchPart:
    """This rank's part of a batch of `whole` samples."""

    share: Share
    whole: int

    def rows(self, draw: Callable[[int], Tensor]) -> Tensor:
        """This rank's rows of the draws of `draw` for so many samples: those that one worker would have drawn."""
        return self.share.of(draw(self.whole))


class EpochOrder(Sampler[int]):
    """All `n` indices in the order of the epoch set by `set_epoch`."""

    def __init__(self, n: int, seed: int) -> None:
        self.n, self.seed, self.epoch = n, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch; called before each pass, as with `DistributedSampler`."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.n

    def __iter__(self) -> Iterator[int]:
        return iter(torch.randperm(self.n, generator=stream(self.seed, "order", self.epoch)).tolist())
