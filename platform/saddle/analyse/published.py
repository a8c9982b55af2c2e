"""Published values compared with ours, arm by arm, with the conditions that differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, stdev
from typing import Any

from saddle.analyse.arms.paired_values import of_arm
from saddle.analyse.best import value_of
from saddle.design import Arm, labels
from saddle.design.blocks import Block
from saddle.study.published import PublishedValue
from saddle.study.values import canonical, readable, same
from saddle.trial.outcome import Outcome
from saddle.trial.record import TrialRecord

ABSENT = object()
"""Marks a setting that no trial has."""


@dataclass(frozen=True)
class Condition:
    """A condition that differs: `ours` are the values of our trials, none if it is not a setting of the trainable."""

    name: str
    published: Any
    ours: tuple[Any, ...]


@dataclass(frozen=True)
class ComparedValue:
    """A published value and ours, over `n` seeds; `mean` is None if we have not measured it."""

    arm: str
    published: PublishedValue
    mean: float | None
    sd: float | None
    n: int
    differing: tuple[Condition, ...]
    block: Block = field(default_factory=dict)
    """The block that its conditions name, if the ablation has blocks."""

    @property
    def difference(self) -> float | None:
        """Ours minus theirs."""
        return None if self.mean is None else self.mean - self.published.value


@dataclass(frozen=True)
class Comparison:
    """All published values that have an arm and trials here, and those that have none."""

    rows: tuple[ComparedValue, ...]
    unknown_arms: tuple[str, ...]
    not_measured: tuple[str, ...]
    """Metrics that no trial of a named arm has."""


def compare_published(
    values: Sequence[PublishedValue], arms: Sequence[Arm], entries: Sequence[TrialRecord], config: Any = None
) -> Comparison:
    """Each value with the mean over seeds of the arm it names.

    Arms are named as in a report, in full, or by a level, if the conditions state those of other factors.
    `config` is the trainable's model of a configuration, which says when two ways of writing a setting mean the same.
    Where an ablation has blocks, a value whose conditions name one is compared with that one.
    """
    by_word = {word: arm for arm, label in zip(arms, labels(arms), strict=True) for word in _words(arm, label)}
    displayed = dict(zip((arm.key for arm in arms), labels(arms), strict=True))
    rows, unknown, unmeasured = [], [], []
    for value in values:
        arm = by_word.get(value.arm) or _by_levels(value, arms)
        if arm is None:
            unknown.append(value.arm)
            continue
        members = [entry for entry in of_arm(entries, arm) if _in_block(entry, value.conditions)]
        ours = _by_seed(members, value.metric)
        if members and not ours:
            unmeasured.append(value.metric)
            continue
        sd = stdev(ours) if len(ours) > 1 else None
        differing = _differing(value.conditions, members, config)
        block = _block_of(members, value.conditions)
        rows.append(
            ComparedValue(displayed[arm.key], value, fmean(ours) if ours else None, sd, len(ours), differing, block)
        )
    return Comparison(tuple(rows), tuple(dict.fromkeys(unknown)), tuple(dict.fromkeys(unmeasured)))


def _words(arm: Arm, label: str) -> tuple[str, ...]:
    return (label, arm.name, arm.key, *(("baseline",) if arm.is_baseline else ()))


def _by_levels(value: PublishedValue, arms: Sequence[Arm]) -> Arm | None:
    """The one arm with a level of that name, and with those levels of other factors that the conditions state."""
    rows = [
        arm
        for arm in arms
        if any(readable(level) == value.arm for level in arm.levels.values())
        and all(same(level, value.conditions[name]) for name, level in arm.levels.items() if name in value.conditions)
    ]
    return rows[0] if len(rows) == 1 else None


def _in_block(entry: TrialRecord, conditions: Mapping[str, Any]) -> bool:
    return all(same(level, conditions[name]) for name, level in entry.block.items() if name in conditions)


def _block_of(members: Sequence[TrialRecord], conditions: Mapping[str, Any]) -> Block:
    """The conditions that concern blocks; the entries are those of these blocks alone."""
    return {name: level for name, level in (members[0].block if members else {}).items() if name in conditions}


def _by_seed(members: Sequence[TrialRecord], metric: str) -> list[float]:
    """The completed replicates' values, of a seed with several blocks their mean."""
    by_seed: dict[int, list[float]] = {}
    for entry in members:
        value = value_of(entry, metric)
        if value is not None and entry.outcome == Outcome.COMPLETED:
            by_seed.setdefault(entry.seed, []).append(value)
    return [fmean(values) for values in by_seed.values()]


def _differing(conditions: Mapping[str, Any], members: Sequence[TrialRecord], config: Any) -> tuple[Condition, ...]:
    unequal = []
    for name, wanted in conditions.items():
        ours = {canonical(value): value for entry in members if (value := _setting(entry, name)) is not ABSENT}
        if not members or (len(ours) == 1 and canonical(_as_ours(name, wanted, members[0], config)) in ours):
            continue
        unequal.append(Condition(name, wanted, tuple(ours.values())))
    return tuple(unequal)


def _setting(entry: TrialRecord, name: str) -> Any:
    """A trial's setting; a nested one is given by its dotted name."""
    value: Any = entry.params
    for part in (name,) if name in entry.params else name.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return ABSENT
        value = value[part]
    return value


def _as_ours(name: str, value: Any, entry: TrialRecord, config: Any) -> Any:
    """The value as the trainable's configuration would hold it: `[odd_even]` for tasks is a mapping there."""
    if config is None or name not in entry.params:
        return value
    trained = {key: setting for key, setting in entry.params.items() if key in config.model_fields}
    try:
        return config.model_validate({**trained, name: value}).model_dump(mode="json")[name]
    except (ValueError, TypeError, KeyError):  # not possible here, so it differs
        return value
