"""Which test images a trial uses if the test split has more."""

from __future__ import annotations

from torch import Tensor

from trainables.datasets.dataset import stratified_order
from trainables.datasets.errors import DataError


def draw_subset(labels: Tensor, size: int | None, which: int, seed: int) -> Tensor:
    """Indices, (size,) int64, of subset number `which` of samples with these labels (N,); all samples without a size.

    Subsets of one size share no sample, and each keeps the classes' proportions. Raises `DataError` if there is no
    such subset.
    """
    order = stratified_order(labels, seed)
    if which == 0:
        return order[:size]
    if size is None or (which + 1) * size > len(order):
        whole = "a test_size, of which subsets can be drawn" if size is None else f"{(which + 1) * size:,} test images"
        raise DataError(f"test_subset {which} needs {whole}; the test split has {len(order):,} images")
    return order[which * size : (which + 1) * size]
