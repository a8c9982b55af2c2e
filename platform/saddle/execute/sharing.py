"""Sharing a data loader's batches out among the ranks of a worker group."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from torch.utils.data import BatchSampler, DataLoader


@dataclass(frozen=True)
class Shares:
    """A batch sampler of one rank: samples r, r + N, … of every batch that has at least one for each rank.

    Unlike Ray's and torch's distributed samplers it neither pads nor changes which samples make up a batch.
    """

    batches: BatchSampler
    rank: int
    world_size: int

    def __iter__(self) -> Iterator[list[int]]:
        for batch in self.batches:
            if len(batch) >= self.world_size:
                yield batch[self.rank :: self.world_size]

    def __len__(self) -> int:
        full, rest = divmod(len(self.batches.sampler), self.batches.batch_size)  # type: ignore[arg-type]
        return full * (self.batches.batch_size >= self.world_size) + (
            rest >= self.world_size and not self.batches.drop_last
        )


def share_out(loader: Any, rank: int, world_size: int) -> DataLoader[Any]:
    """The loader with this rank's part of every batch; raises `TypeError` for what has no batches of samples."""
    batches = getattr(loader, "batch_sampler", None)
    if not isinstance(loader, DataLoader) or not isinstance(batches, BatchSampler):
        raise TypeError(f"prepare_loader wants a torch DataLoader that makes batches of samples, not {loader!r}")
    return DataLoader(
        loader.dataset,
        batch_sampler=Shares(batches, rank, world_size),
        num_workers=loader.num_workers,
        collate_fn=loader.collate_fn,
        pin_memory=loader.pin_memory,
        worker_init_fn=loader.worker_init_fn,
        generator=loader.generator,
        persistent_workers=loader.persistent_workers,
    )
