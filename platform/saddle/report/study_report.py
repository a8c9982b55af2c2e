"""What the report of a study is made from; each of its sections gets it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from saddle.analyse.evaluation.predictions import Read
from saddle.analyse.evaluation.sample_pairs import StudyOnSamples
from saddle.analyse.result import Answer
from saddle.analyse.study_results import StudyResults
from saddle.analyse.text.formatting import duration, plural
from saddle.analyse.verdict_badges import VerdictBadge, verdict_badges
from saddle.report.drawing.canvas import LazyFigure
from saddle.report.figure_registry import figures_of
from saddle.store.run_files.notes import Note
from saddle.study.models import Study
from saddle.trial.outcome import Outcome
from saddle.trial.record import TrialRecord
from saddle.trial.run_id import RunId

LEADING = ("figure-effects", "figure-relation", "figure-asked", "figure-history")
"""The first of them that a study has leads: effects with intervals, a relation, what a search was asked, its course."""


@dataclass(frozen=True)
class StudyReport:
    """The results of a study, and what else its report shows.

    `samples` are an ablation's networks on single test images; `read` fetches images and arrays from the store;
    `printed` is what trials that did not end well printed, by their keys; `notes` are those on the study;
    `command` and `study_file` replace what "how to reproduce" would otherwise show, which is `saddle run` on the study
    as it was resolved.
    """

    results: StudyResults
    samples: StudyOnSamples | None = None
    read: Read | None = None
    printed: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[Note] = ()
    command: str | None = None
    study_file: str | None = None

    @property
    def study(self) -> Study:
        return self.results.study

    @property
    def run(self) -> RunId:
        return self.results.run

    @property
    def records(self) -> Sequence[TrialRecord]:
        return self.results.comparable

    @property
    def answer(self) -> Answer:
        return self.results.answer

    @property
    def kind(self) -> str:
        return self.study.kind

    @property
    def trial_noun(self) -> str:
        """The word for one of the trials."""
        return "replicate" if self.study.kind == "ablation" else "trial"

    @property
    def counts(self) -> str:
        """`12 trials, 9 completed, 4 min of training`."""
        if self.results.declared.imported is not None:
            return f"{plural(len(self.records), self.trial_noun)} imported, trained elsewhere"
        completed = sum(record.outcome == Outcome.COMPLETED for record in self.records)
        seconds = duration(sum(record.seconds for record in self.records))
        return f"{plural(len(self.records), self.trial_noun)}, {completed} completed, {seconds} of training"

    @cached_property
    def figures(self) -> Sequence[LazyFigure]:
        """The figures of the study, with those that can't be drawn yet."""
        return figures_of(self.results)

    @property
    def leading_figure(self) -> LazyFigure | None:
        """The figure next to the answer; None if none of them can be drawn yet."""
        drawn = {figure.id: figure for figure in self.figures if not figure.reason}
        return next((drawn[name] for name in LEADING if name in drawn), None)

    @property
    def badges(self) -> Sequence[VerdictBadge]:
        """The words before the answer."""
        return verdict_badges(self.results)
