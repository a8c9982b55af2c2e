"""Batches for training, the same for every trainable: none has a single image, which has no statistics."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Protocol, TypeVar

from torch.utils.data import BatchSampler, DataLoader
from torch.utils.data import Dataset as TorchDataset

from trainables.datasets.errors import DataError
from trainables.randomness import stream

LEAST = 2
"""Images that a batch needs: BatchNorm needs more than one value, and refuses a single feature map of one pixel."""

T_co = TypeVar("T_co", covariant=True)


class Order(Protocol):
    """A sampler of indices with its trial's seed."""

    seed: int

    def __iter__(self) -> Iterator[int]: ...

    def __len__(self) -> int: ...


class Batches(BatchSampler):
    """Batches of `batch_size` indices; a last one of a single index is left out, unless all are that small.

    `least_per_rank` is the same limit for each rank's part of a last batch, for `Run.prepare_loader`.
    """

    least_per_rank: ClassVar[int] = LEAST

    def __init__(self, order: Order, batch_size: int) -> None:
        super().__init__(order, batch_size, drop_last=len(order) % batch_size == 1)


def make_loader(samples: TorchDataset[T_co], order: Order, batch_size: int) -> DataLoader[T_co]:
    """Batches of `samples` in `order`, as their `__getitems__` makes them.

    A last batch of one image is left out. Raises `DataError` if there is no other.
    """
    batches = Batches(order, batch_size)
    if not len(batches):
        raise DataError(f"{len(order)} training image is too few for batches of {batch_size}; give at least {LEAST}")
    return DataLoader(
        samples,
        batch_sampler=batches,
        collate_fn=_as_they_are,
        # unused here, but without one torch would draw from the global generator
        generator=stream(order.seed, "loader"),
    )


def _as_they_are(batch: Any) -> Any:
    return batch
