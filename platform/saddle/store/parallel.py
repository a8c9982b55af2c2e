"""Many blobs at the same time: in a bucket each read waits for the network, so they wait together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from saddle.store.base import Store

T = TypeVar("T")
R = TypeVar("R")


def in_parallel(store: Store, function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """`function` of each item in their order; of as many at the same time as the store asks for."""
    if store.parallel == 1:
        yield from map(function, items)
        return
    with ThreadPoolExecutor(store.parallel) as pool:
        yield from pool.map(function, items)
