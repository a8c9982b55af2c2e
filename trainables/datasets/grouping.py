"""Draws that keep together what was cut from one image: tiles of it on both sides of a split would leak."""

from __future__ import annotations

import torch
from torch import Tensor

from trainables.datasets.dataset import Split, stratified_order
from trainables.datasets.errors import DataError

DRAWS = 16
"""Random choices of groups of which the one nearest to the classes' proportions is taken."""


def hold_out(train: Split, validation: Split | None, share: float, seed: int) -> tuple[Split, Tensor, Tensor]:
    """The split that what is held out lies in, its indices (H,) int64 there, and those (M,) of the training samples.

    All of `validation` where a dataset brings it; else about `share` of `train`, as `cut_by_group` cuts it. Both are in
    random stratified order.
    """
    if validation is not None:
        return validation, stratified_order(validation.labels, seed), stratified_order(train.labels, seed)
    held_out, rest = cut_by_group(train.labels, train.groups, share, seed)
    return train, held_out, rest


def cut_by_group(labels: Tensor, groups: Tensor | None, share: float, seed: int) -> tuple[Tensor, Tensor]:
    """Indices (H,) and (N - H,) int64 of a held-out part, about `share` of the samples in whole groups, and the rest.

    Both are in random stratified order. No single group more or less would come nearer to `share`; among several such
    draws the one nearest to the classes' proportions is taken. Neither part is empty. Without groups it is the cut of
    the stratified order. Raises `ValueError` unless 0 < share < 1, `DataError` for a single group.
    """
    if not 0 < share < 1:
        raise ValueError(f"the share held out must lie between 0 and 1, not be {share}")
    if groups is None:
        order = stratified_order(labels, seed)
        held_out = round(share * len(order))
        return order[:held_out], order[held_out:]
    members = _members(groups)
    if len(members) < 2:
        raise DataError("all samples were cut from one image, of which no part can be held out")
    sizes = [len(index) for index in members]
    generator = torch.Generator().manual_seed(seed)
    draws = [_draw(sizes, share * len(labels), generator) for _ in range(DRAWS)]
    counts = torch.stack([torch.bincount(labels[index], minlength=int(labels.max()) + 1) for index in members])
    wanted = counts.sum(0) * share
    chosen = min(draws, key=lambda draw: float((counts[draw].sum(0) - wanted).abs().sum()))
    inside = torch.zeros(len(members), dtype=torch.bool)
    inside[chosen] = True
    held, rest = (torch.cat([members[int(group)] for group in part.nonzero()]) for part in (inside, ~inside))
    return held[stratified_order(labels[held], seed)], rest[stratified_order(labels[rest], seed)]


def _members(groups: Tensor) -> list[Tensor]:
    """The samples of each group, groups in the order of their numbers."""
    order = groups.argsort(stable=True)
    starts = (groups[order].diff() != 0).nonzero().squeeze(1) + 1
    return list(torch.tensor_split(order, starts))


def _draw(sizes: list[int], wanted: float, generator: torch.Generator) -> list[int]:
    """Random groups, of which none more and none less would bring their samples nearer to the wanted number."""
    order = torch.randperm(len(sizes), generator=generator).tolist()
    chosen: set[int] = set()
    total, nearer = 0, True
    while nearer:  # ends, because each change brings it nearer
        nearer = False
        for group in order:
            changed = total + (-sizes[group] if group in chosen else sizes[group])
            if abs(changed - wanted) < abs(total - wanted):
                chosen ^= {group}
                total, nearer = changed, True
    smallest = min(order, key=lambda group: sizes[group])
    if len(chosen) in (0, len(sizes)):
        chosen ^= {smallest}
    return sorted(chosen)
