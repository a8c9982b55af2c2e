"""Draws that keep groups together: tiles of an image on both sides of a split would leak."""

from __future__ import annotations

import torch
from torch import Tensor

from trainables.datasets.dataset import Split, stratified_order
from trainables.datasets.errors import DataError

DRAWS = 16
"""Random choices of groups; the one nearest to the classes' proportions is taken."""


def hold_out(
    train: Split, validation: Split | None, share: float, seed: int, *, pool: float = 0
) -> tuple[Split, Tensor, Tensor]:
    """The split of the held-out samples, their indices (H,) int64 there, and those (M,) of the training samples.

    All of `validation` if a dataset has it; else about `share` of `train`, as `cut_by_group` cuts it, or, if
    every group is of one class, drawn from about `pool` of the groups or more, as `cut_by_class` cuts them. Both are in
    random stratified order.
    """
    if validation is not None:
        return validation, stratified_order(validation.labels, seed), stratified_order(train.labels, seed)
    if train.groups is None or not of_one_class(train.labels, train.groups):
        return train, *cut_by_group(train.labels, train.groups, share, seed)
    held_out, rest = cut_by_class(train.labels, train.groups, max(share, pool), seed)
    return train, held_out[: max(1, round(share * len(train)))], rest


def cut_by_class(labels: Tensor, groups: Tensor, share: float, seed: int) -> tuple[Tensor, Tensor]:
    """Indices (H,) and (N - H,) int64 of a held-out part and the rest, in whole groups, each of which is of one class.

    About `share` of each class that has several groups is held out, at least one group and not all of them, so that
    classes with few groups are validated, too. Both parts are in random stratified order. Raises `ValueError` unless
    0 < share < 1, `DataError` if no class has several groups.
    """
    if not 0 < share < 1:
        raise ValueError(f"the held-out share must be between 0 and 1, not {share}")
    members = _members(groups)
    order = torch.randperm(len(members), generator=torch.Generator().manual_seed(seed)).tolist()
    of_class: dict[int, list[Tensor]] = {}
    for group in order:
        of_class.setdefault(int(labels[members[group][0]]), []).append(members[group])
    held = [group for several in of_class.values() for group in _nearest_prefix(several, share)]
    if not held:
        raise DataError("no class has images of several groups, of which some could be held out")
    inside = torch.zeros(len(labels), dtype=torch.bool)
    inside[torch.cat(held)] = True
    parts = inside.nonzero().squeeze(1), (~inside).nonzero().squeeze(1)
    held_out, rest = (part[stratified_order(labels[part], seed)] for part in parts)
    return held_out, rest


def of_one_class(labels: Tensor, groups: Tensor) -> bool:
    """Whether every group has images of one class only."""
    return all(bool((labels[index] == labels[index[0]]).all()) for index in _members(groups))


def _nearest_prefix(groups: list[Tensor], share: float) -> list[Tensor]:
    """The first of a class's groups, with about `share` of its images; at least one, and not all."""
    sizes = torch.tensor([len(group) for group in groups])
    missed = (sizes.cumsum(0) - share * sizes.sum())[:-1].abs()
    return groups[: int(missed.argmin()) + 1] if len(groups) > 1 else []


def cut_by_group(labels: Tensor, groups: Tensor | None, share: float, seed: int) -> tuple[Tensor, Tensor]:
    """Indices (H,) and (N - H,) int64 of a held-out part, about `share` of the samples in whole groups, and the rest.

    Both are in random stratified order. Adding or removing a group would not come nearer to `share`; among several such
    draws the one nearest to the classes' proportions is taken. Neither part is empty. Without groups it is the cut of
    the stratified order. Raises `ValueError` unless 0 < share < 1, `DataError` for a single group.
    """
    if not 0 < share < 1:
        raise ValueError(f"the held-out share must be between 0 and 1, not {share}")
    if groups is None:
        order = stratified_order(labels, seed)
        held_out = round(share * len(order))
        return order[:held_out], order[held_out:]
    members = _members(groups)
    if len(members) < 2:
        raise DataError("all samples were cut from one image or belong to one group, of which no part can be held out")
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
    """Random groups whose samples would not come nearer to the wanted number by adding or removing a group."""
    order = torch.randperm(len(sizes), generator=generator).tolist()
    chosen: set[int] = set()
    total, nearer = 0, True
    while nearer:  # ends, because each change comes nearer
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
