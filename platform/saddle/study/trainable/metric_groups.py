"""Metrics for a reader: hundreds of names as a dozen groups."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class MetricGroup:
    """The measures that are reported of the same `splits` in the same `details`.

    Of `test/robust_accuracy.pgd` the split is `test`, the measure `robust_accuracy`, the detail `pgd`, which is empty
    where a metric has none.
    """

    measures: tuple[str, ...]
    splits: tuple[str, ...]
    details: tuple[str, ...]


def metric_groups(names: Iterable[str]) -> list[MetricGroup]:
    """The groups of these metrics, in the order of their first members; every metric is in one of them.

    A measure whose splits differ in details, as where only the test has some, is one of all its details.
    """
    splits: dict[str, dict[str, None]] = {}
    details: dict[str, dict[str, None]] = {}
    for name in names:
        split, _, rest = name.rpartition("/")
        measure, _, detail = rest.partition(".")
        splits.setdefault(measure, {})[split] = None
        details.setdefault(measure, {})[detail] = None
    grouped: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for measure in splits:
        grouped.setdefault((tuple(splits[measure]), tuple(details[measure])), []).append(measure)
    return [MetricGroup(tuple(measures), *alike) for alike, measures in grouped.items()]


MOST_MEMBERS = 15
"""Names of a family that are shown one by one."""


def families(names: Iterable[str]) -> list[str]:
    """Names for a sentence: many with the same beginning up to a dot as one, such as `test/angle_std.* (22)`."""
    grouped: dict[str, list[str]] = {}
    for name in names:
        grouped.setdefault(name.partition(".")[0], []).append(name)
    return [
        name
        for start, members in grouped.items()
        for name in (members if len(members) <= MOST_MEMBERS else [f"{start}.* ({len(members)})"])
    ]
