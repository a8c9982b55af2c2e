"""The findings of a relation: its answer and all that its table, figure and tracked runs are made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from saddle.analyse.relations.measured_units import MeasuredUnit
from saddle.analyse.relations.relation import RelationAnswer
from saddle.analyse.relations.unit import UnitEstimate
from saddle.analyse.statistics.scales import ScaleName
from saddle.analyse.text.formatting import Scale, scale_of_differences
from trainables.contract import Metric


@dataclass(frozen=True)
class PublishedPoint:
    """A unit's gain and predictor as they were published; the gain is on the study's scale."""

    unit: str
    x: float
    y: float
    source: str = ""


@dataclass(frozen=True)
class Findings:
    """The answer of a relation, its units as they were trained, and published points of the same kind."""

    answer: RelationAnswer
    units: Sequence[MeasuredUnit]
    metric: Metric
    scale: ScaleName
    gain: str
    """What the gain is called: `the gain of mp over sta in test robust accuracy (worst case)`."""
    published: Sequence[PublishedPoint] = field(default_factory=tuple)

    @cached_property
    def estimates(self) -> Mapping[str, UnitEstimate]:
        """The units that take part, by their names."""
        return {estimate.name: estimate for estimate in self.answer.units}

    @cached_property
    def reasons(self) -> Mapping[str, str]:
        """Why the other units take no part, by their names."""
        absent = {measured.unit.name: "its data are absent" for measured in self.units if measured.absent}
        return {**{unit.name: unit.why for unit in self.answer.dropped}, **absent}

    @property
    def written(self) -> Scale:
        """How gains are written."""
        halves = [(e.high - e.low) / 2 for e in self.answer.units if e.low is not None and e.high is not None]
        return scale_of_differences(self.metric, self.scale, halves)
