"""The results of one run of a study: its records, its arms, and what follows from them, each computed once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from saddle.analyse.ablation import comparison_spec, measure_arms
from saddle.analyse.answer_study import answer_study, groups_of
from saddle.analyse.arms.effects import ComparisonSpec
from saddle.analyse.arms.further_verdicts import FurtherVerdict, further_verdicts
from saddle.analyse.arms.paired_values import ArmValues, of_arm
from saddle.analyse.best import trial_order
from saddle.analyse.evaluation.evaluations import comparable
from saddle.analyse.outcomes import all_failed
from saddle.analyse.result import Answer, compared_metric
from saddle.analyse.tuning import TunedBy
from saddle.design import Arm, labels
from saddle.study.history import UNCHANGED, PlanHistory
from saddle.study.models import Study
from saddle.study.relations.unit_facts import NO_FACTS, UnitFacts
from saddle.study.trainable.declarations import Declarations
from saddle.trial.record import TrialRecord
from saddle.trial.run_id import RunId
from trainables.contract import Metric


@dataclass(frozen=True)
class StudyResults:
    """The finished trials of one run of a study; reports, tracking, comparison and verification take this.

    `arms` are those of an ablation around its settled baseline, the baseline's first, or the two of a relation; a
    search has none. `history` are the plans of an ablation's seeds or of a relation's analysis, `tuned` is
    the search that its baseline is the best of.
    """

    run: RunId
    study: Study
    declared: Declarations
    records: Sequence[TrialRecord]
    arms: Sequence[Arm] = ()
    history: PlanHistory = UNCHANGED
    tuned: TunedBy | None = None
    """The search that an ablation is built on (`best_of`)."""
    units: UnitFacts = NO_FACTS
    """What is known about the units of a relation without their trials."""
    _measured: dict[str, list[ArmValues]] = field(default_factory=dict, init=False, repr=False, compare=False)

    @cached_property
    def answer(self) -> Answer:
        """The answer to the study's question."""
        return answer_study(self.study, self.declared, self.records, self.arms, self.history, self.tuned, self.units)

    @cached_property
    def comparable(self) -> Sequence[TrialRecord]:
        """The records in the order of trials, without test metrics of those that were measured otherwise."""
        return comparable(sorted(self.records, key=trial_order))

    @property
    def all_failed(self) -> bool:
        """Whether trials have ended and every one of them failed, in any way."""
        return all_failed(self.records)

    @cached_property
    def by_key(self) -> Mapping[str, TrialRecord]:
        """The records by the keys of their trials."""
        return {record.key: record for record in self.records}

    @cached_property
    def metric(self) -> Metric:
        """The metric that an ablation compares."""
        return compared_metric(self.study, self.declared, self.comparable)

    @cached_property
    def spec(self) -> ComparisonSpec:
        """How an ablation's comparisons are judged; raises `ValueError` for a search."""
        return comparison_spec(self.study, self.metric, self.history)

    @cached_property
    def named_arms(self) -> Mapping[str, Arm]:
        """The arms by the names that a reader sees, the baseline's first."""
        return dict(zip(labels(self.arms), self.arms, strict=True))

    @cached_property
    def arm_names(self) -> Mapping[str, str]:
        """The displayed names of arms, by the names that the ledger may store."""
        return {stored_name: name for name, arm in self.named_arms.items() for stored_name in (arm.key, arm.name)}

    @cached_property
    def baseline(self) -> str | None:
        """The displayed name of the baseline; None in a search."""
        return next((name for name, arm in self.named_arms.items() if arm.is_baseline), None)

    @cached_property
    def groups(self) -> Mapping[str, list[TrialRecord]]:
        """The comparable records by the displayed name of their arm, or each trial of a search by its own name."""
        return groups_of(self.comparable, self.arms)

    def of_arm(self, arm: Arm) -> list[TrialRecord]:
        """The comparable records of an arm."""
        return of_arm(self.comparable, arm)

    def measured(self, metric: str) -> list[ArmValues]:
        """Every arm's values of a metric, seed by seed, the baseline's first."""
        if metric not in self._measured:
            scale = self.spec.scale if metric == self.metric.name else "linear"
            self._measured[metric] = measure_arms(self.study, self.arms, self.comparable, metric, scale)
        return self._measured[metric]

    @cached_property
    def further(self) -> tuple[FurtherVerdict, ...]:
        """The verdicts on further metrics that an ablation asks for; none if it asks for none."""
        ablation = self.study.ablation
        if ablation is None or not ablation.compare.each:
            return ()
        extended = self.history.is_extended
        return further_verdicts(ablation, self.arms, self.comparable, self.declared, any_time=extended)

    def name_of_arm(self, record: TrialRecord) -> str | None:
        """The displayed name of the record's arm; None in a search."""
        return None if record.arm is None else self.arm_names.get(record.arm, record.arm)
