"""What a relation would do: its units with what predicts, and the chance that it ends in a word."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, variance

from saddle.analyse.relations.measured_units import MeasuredUnit, measure_units
from saddle.analyse.relations.power import CORRELATIONS, chances_of_the_word
from saddle.analyse.result import compared_metric
from saddle.archive.studies import StoredStudy, read_study
from saddle.design.study_arms import arms_of_study
from saddle.execute.plan import units
from saddle.execute.plan.checking_run import CheckingRun
from saddle.store.base import Store
from saddle.store.ledger.ledger import Ledger
from saddle.study.models import Study
from saddle.study.relations.relation import plan_digest
from saddle.study.relations.unit_facts import UnitFacts
from saddle.study.trainable.loading import LoadedTrainable

ASSUMED = (3.0, 1.5)
"""Standard deviations of true gains over units, and of a unit's paired gains over seeds, in points, where no data say;
the chances depend on their ratio only."""
FEWEST_MEASURED = 3
"""Units with two pairs from which the two are estimated."""


@dataclass(frozen=True)
class PlannedUnit:
    """A unit with its predictor, as far as it is known before anything is trained."""

    name: str
    family: str
    x: float | None
    done: int
    absent: str = ""


@dataclass(frozen=True)
class Chances:
    """The chance of the word for each true correlation, with `sizes` units in the families."""

    sizes: tuple[int, ...]
    seeds: int
    chances: Mapping[float, float]


@dataclass(frozen=True)
class RelationPlan:
    """The units of a relation, and what can be expected of it."""

    units: Sequence[PlannedUnit]
    predictor: str
    digest: str
    sd_of_gains: float
    sd_of_seeds: float
    source: str
    """Where the two standard deviations come from."""
    power: Sequence[Chances]

    @property
    def absent(self) -> Sequence[PlannedUnit]:
        """The units without data here."""
        return [unit for unit in self.units if unit.absent]


def plan_relation(study: Study, trainable: LoadedTrainable, store: Store, data_root: str | None) -> RelationPlan:
    """The plan of a relation; measures its data where the storage does not have that already, and keeps nothing."""
    relation = study.relation
    assert relation is not None
    run = CheckingRun(data_root=data_root)
    stored = read_study(store, study.study)
    absent = units.absent_units(study, run)
    facts = _facts(study, trainable, run, stored, absent)
    entries = Ledger(store, stored.run).entries() if stored is not None else []
    metric = compared_metric(study, trainable, entries)
    measured = measure_units(study, arms_of_study(study, None), entries, metric.name, trainable, facts)
    predictor = str(relation.predictor)
    planned = [
        PlannedUnit(
            each.unit.name,
            each.unit.family,
            each.unit.predictors.get(predictor),
            sum(len(arm.values) + len(arm.failures) for arm in (each.over, each.arm) if arm is not None),
            absent.get(each.unit.name, ""),
        )
        for each in measured
    ]
    sd_of_gains, sd_of_seeds, source = spreads(measured)
    seeds = max(len(relation.seed_list), 1)
    present = [unit for unit in planned if not unit.absent]
    size_lists = [sizes_of(present), *([sizes_of(planned)] if len(present) < len(planned) else [])]
    power = [chances(sizes, seeds, sd_of_gains, sd_of_seeds, relation.alpha) for sizes in size_lists if sum(sizes) > 2]
    digest = plan_digest(relation.analysis_plan)
    return RelationPlan(planned, predictor, digest, sd_of_gains, sd_of_seeds, source, power)


def _facts(
    study: Study,
    trainable: LoadedTrainable,
    run: CheckingRun,
    stored: StoredStudy | None,
    absent: Mapping[str, str],
) -> UnitFacts:
    """What is stored of the units' data, completed by what is measured now."""
    assert study.relation is not None
    known = dict(stored.units.measures) if stored is not None else {}
    wanted = set(units.wanted_measures(study, trainable))
    missing = [
        unit.name
        for unit in study.relation.unit_list
        if unit.name not in absent and not wanted <= known.get(unit.name, {}).keys()
    ]
    measured = {unit.name: values for unit, values in units.measure_units(study, trainable, run, missing)}
    return UnitFacts({**measured, **known}, absent)


def sizes_of(planned: Sequence[PlannedUnit]) -> tuple[int, ...]:
    """How many units each family has; where there are several, a family of one unit tells nothing about a slope."""
    sizes = Counter(unit.family for unit in planned)
    return tuple(size for size in sizes.values() if size > 1 or len(sizes) == 1)


def spreads(measured: Sequence[MeasuredUnit]) -> tuple[float, float, str]:
    """Standard deviations of true gains over units and of gains over seeds, and where they come from."""
    gains = [
        each.unit.gains for each in measured if len(each.unit.gains) > 1 and all(map(math.isfinite, each.unit.gains))
    ]
    none_shown = ""
    if len(gains) >= FEWEST_MEASURED:
        of_seeds = fmean(variance(each) for each in gains)
        noise = fmean(of_seeds / len(each) for each in gains)
        of_gains = variance([fmean(each) for each in gains]) - noise
        if of_seeds > 0 and of_gains > 0:
            return math.sqrt(of_gains), math.sqrt(of_seeds), f"of {len(gains)} units in this storage"
        none_shown = f"; {len(gains)} units in this storage show no spread beyond that of seeds"
    return (*ASSUMED, f"assumed, in points; only their ratio counts{none_shown}")


def chances(sizes: tuple[int, ...], seeds: int, sd_of_gains: float, sd_of_seeds: float, alpha: float) -> Chances:
    """The chance of the word for each correlation that is asked about."""
    powers = chances_of_the_word(sizes, seeds, sd_of_gains, sd_of_seeds, alpha=alpha)
    return Chances(sizes, seeds, dict(zip(CORRELATIONS, powers, strict=True)))
