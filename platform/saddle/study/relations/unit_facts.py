"""Facts about the units of a relation: measures of their data, and whether data are absent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class UnitFacts:
    """Of all units of a run of a relation, by their names."""

    measures: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Measures of each unit's training data, taken once."""
    absent: Mapping[str, str] = field(default_factory=dict)
    """Why nothing can be trained of a unit: its data were not there when the study last ran."""
    arrivals: int = 0
    """How often data of further units came after trials had ended, so after results could be seen."""


NO_FACTS = UnitFacts()
"""Of a study that is not a relation, or has not run."""
