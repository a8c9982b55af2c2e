"""Sharing a data loader's batches out among the ranks of a worker group."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from torch.utils.data import BatchSampler, DataLoader


@dataclass(frozen=True)
class Shares:
    """A batch sampler of one rank: samples r, r + N, … of every batch that has at least one for each rank.

    Unlike Ray's and torch's distributed samplers it neither pads nor changes which samples make up a batch. A last,
    smaller batch must have `least_per_rank` samples for each rank, where the sampler of batches asks for that.
    """

    batches: BatchSampler
    rank: int
    world_size: int

    def __iter__(self) -> Iterator[list[int]]:
        for batch in self.batches:
            if self._is_shared(len(batch)):
                yield batch[self.rank :: self.world_size]

    def __len__(self) -> int:
        full, rest = divmod(len(self.batches.sampler), self.batches.batch_size)  # type: ignore[arg-type]
        last = rest > 0 and not self.batches.drop_last
        return full * self._is_shared(self.batches.batch_size) + (last and self._is_shared(rest))

    def _is_shared(self, size: int) -> bool:
        # whole batches are as small as the user made them; with fewer samples a rank they'd all be left out
        least = getattr(self.batches, "least_per_rank", 1) if size < self.batches.batch_size else 1
        return size >= least * self.world_size


def share_out(loader: Any, rank: int, world_size: int) -> DataLoader[Any]:
    """The loader with this rank's part of every batch.

    Raises `TypeError` for what has no batches of samples, `ValueError` if no batch is large enough to be shared.
    """
    batches = getattr(loader, "batch_sampler", None)
    if not isinstance(loader, DataLoader) or not isinstance(batches, BatchSampler):
        raise TypeError(f"prepare_loader needs a torch DataLoader that makes batches of samples, not {loader!r}")
    shares = Shares(batches, rank, world_size)
    if not len(shares):
        raise ValueError(
            f"{len(batches.sampler)} samples in batches of {batches.batch_size} are too few for "  # type: ignore[arg-type]
            f"{world_size} workers; take fewer workers, or more samples"
        )
    return DataLoader(
        loader.dataset,
        batch_sampler=shares,
        num_workers=loader.num_workers,
        collate_fn=loader.collate_fn,
        pin_memory=loader.pin_memory,
        worker_init_fn=loader.worker_init_fn,
        generator=loader.generator,
        persistent_workers=loader.persistent_workers,
    )
