"""What the `relation` of a study file may say: the gain, the units that are its points, and what may predict it."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from saddle.study.field_types import Section, Seed
from saddle.study.seeds import SeedCount
from saddle.study.values import canonical, readable, same

DATASETS = "datasets"
"""The family of units that are in no family of their own."""
GAIN, ARM, OVER = "gain", "arm", "over"
"""Columns of published points: the gain itself, or the values of both arms, whose difference on the scale it is."""
PUBLISHED = "published"
"""The split of the metrics of published points, such as `published/gain`."""
OF_A_FAMILY = ("family", "vary", "fixed")


@dataclass(frozen=True)
class RelationUnit:
    """A point of a relation: the settings that every arm is trained with there."""

    settings: Mapping[str, Any]
    family: str = DATASETS

    @property
    def name(self) -> str:
        """`dataset=digits, image_size=8`."""
        return unit_name(self.settings)


def unit_name(settings: Mapping[str, Any]) -> str:
    """The unit's name as a reader sees it: its settings."""
    return ", ".join(f"{name}={readable(value)}" for name, value in settings.items())


class Table(Section):
    """A column of a CSV file with a row for each unit, found by the columns that are called as its settings."""

    csv: str
    """The file, next to the study file, in the folder `published` there, or packaged."""
    column: str
    """The column with the numbers."""
    rows: list[dict[str, Any]] = Field(default_factory=list)
    """The content of the file when the study was read."""

    def value(self, settings: Mapping[str, Any]) -> float | None:
        """The number of the unit with these settings; None if no row is about it."""
        for row in self.rows:
            by_name = {name: cell for name, cell in row.items() if name in settings}
            if by_name and all(same(cell, settings[name]) for name, cell in by_name.items()):
                number = row.get(self.column)
                return float(number) if isinstance(number, int | float) and not isinstance(number, bool) else None
        return None


class Predictor(Section):
    """What may predict the gain: a measure of the data, a number that every unit sets, a metric of the arm's trials, or
    a column of a table."""

    name: str | None = None
    """A data measure, a hyperparameter that distinguishes units, or a declared metric of the trainable."""
    table: Table | None = None
    """A column of a CSV file instead."""

    @model_validator(mode="before")
    @classmethod
    def _accept_name(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"name": value}
        return {"table": value} if isinstance(value, dict) and "csv" in value else value

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.name is None) == (self.table is None):
            raise ValueError("write the name of a data measure or metric, or {csv: FILE, column: NAME}")
        return self

    def __str__(self) -> str:
        return self.name if self.name is not None else self.table.column if self.table is not None else ""


class Gain(Section):
    """The gain of `arm` over `over`, seed by seed; or a column of a table, and then nothing is trained."""

    metric: str | None = None
    """A test or validation metric of the trainable."""
    arm: dict[str, Any] | None = None
    """The settings whose gain is measured."""
    over: dict[str, Any] | None = None
    """The settings that they are compared with, with the same seeds."""
    scale: Literal["linear", "log", "logit"] = "linear"
    """The scale of the difference: `log` compares ratios; `logit` compares shares near 0 or 1."""
    table: Table | None = None
    """A column of a CSV file that holds the gains, on `scale`."""

    @model_validator(mode="before")
    @classmethod
    def _accept_column(cls, value: Any) -> Any:
        if not isinstance(value, dict) or "csv" not in value:
            return value
        of_table = {name: value[name] for name in Table.model_fields if name in value}
        return {**{name: item for name, item in value.items() if name not in of_table}, "table": of_table}

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.table is not None and (self.arm is not None or self.over is not None):
            raise ValueError("a gain that a table holds has no arm and no over")
        if self.table is None and (self.arm is None or self.over is None):
            raise ValueError("write {metric: METRIC, arm: {NAME: VALUE}, over: {NAME: VALUE}}")
        return self


class Units(Section):
    """Units of one family: every combination of the levels that vary."""

    family: str = DATASETS
    """What the units have in common; a gain is related to the predictor within families."""
    vary: Annotated[dict[str, list[Any]], Field(min_length=1)]
    """The hyperparameters in which the units differ, with their levels."""
    fixed: dict[str, Any] = Field(default_factory=dict)
    """The hyperparameters that they share."""

    @model_validator(mode="before")
    @classmethod
    def _accept_levels(cls, value: Any) -> Any:
        if not isinstance(value, dict) or any(name in value for name in OF_A_FAMILY):
            return value
        return {"vary": {name: item if isinstance(item, list) else [item] for name, item in value.items()}}

    @property
    def expanded(self) -> list[RelationUnit]:
        """The units one by one, the settings of each by their names, as a ledger has them."""
        levels = itertools.product(*self.vary.values())
        settings = [{**self.fixed, **dict(zip(self.vary, combination, strict=True))} for combination in levels]
        return [RelationUnit(dict(sorted(each.items())), self.family) for each in settings]


class Relation(Section):
    """Whether a predictor that is declared before any data exist predicts by how much one arm gains over another."""

    gain: Gain
    """The gain that is related to the predictor."""
    units: Annotated[list[Units], Field(min_length=1)]
    """The points of the relation; each unit is trained with both arms and every seed."""
    predictor: Predictor
    """The primary predictor, which the answer is about."""
    also: Annotated[list[Predictor], Field(max_length=20)] = Field(default_factory=list)
    """Further predictors, which are described and counted in the correction."""
    seeds: SeedCount | Annotated[list[Seed], Field(min_length=1)] = 5
    """The number of seeds of both arms in every unit, or a list of seeds."""
    alpha: Annotated[float, Field(strict=True, gt=0, lt=1)] = 0.05
    """The probability of claiming a relation if there is none."""
    order_seed: Seed = 0
    """Seed of the random order in which the trials of each seed are run."""

    @property
    def seed_list(self) -> list[int]:
        """The seeds of every arm in every unit; none if a table holds the gains."""
        if self.gain.table is not None:
            return []
        return list(self.seeds) if isinstance(self.seeds, list) else list(range(self.seeds))

    @property
    def unit_list(self) -> list[RelationUnit]:
        """Every unit, in the order of the file."""
        return [unit for units in self.units for unit in units.expanded]

    @property
    def unit_settings(self) -> list[str]:
        """The hyperparameters that distinguish units, or that they share."""
        return list(dict.fromkeys(name for unit in self.unit_list for name in unit.settings))

    @property
    def predictors(self) -> Sequence[Predictor]:
        """The primary predictor, then the others."""
        return [self.predictor, *self.also]

    @property
    def analysis_plan(self) -> dict[str, Any]:
        """What decides on the answer, as plain data; `plan_digest` is its hash."""
        gain = self.gain
        difference = {"metric": gain.metric, "arm": gain.arm, "over": gain.over, "scale": gain.scale}
        return {
            "gain": {**difference, "table": None if gain.table is None else str(gain.table.column)},
            "predictor": str(self.predictor),
            "also": [str(predictor) for predictor in self.also],
            "units": {unit.name: unit.family for unit in self.unit_list},
            "seeds": self.seed_list,
            "alpha": self.alpha,
        }


def plan_digest(plan: Mapping[str, Any]) -> str:
    """Sixteen hexadecimal digits of the SHA-256 of an analysis plan."""
    return hashlib.sha256(canonical(plan).encode()).hexdigest()[:16]


def plan_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What differs between two analysis plans, each as a clause: `predictor: a → b`, `2 units added`."""
    changes = []
    for name in dict.fromkeys([*old, *new]):
        before, after = old.get(name), new.get(name)
        if same(before, after):
            continue
        if name in ("units", "seeds"):
            changes += _added_or_removed(name, before or (), after or ())
        if name not in ("units", "seeds") or not changes:
            changes.append(f"{name}: {readable(before)} → {readable(after)}")
    return changes


def _added_or_removed(name: str, before: Any, after: Any) -> list[str]:
    """`2 units added (a, b)`: what a unit or seed is called distinguishes it from others."""
    added = [str(item) for item in after if item not in before]
    removed = [str(item) for item in before if item not in after]
    pairs = ((added, "added"), (removed, "taken away"))
    noun = name.removesuffix("s")
    return [
        f"{len(items)} {noun}{'s' * (len(items) != 1)} {word} ({'; '.join(items)})" for items, word in pairs if items
    ]
