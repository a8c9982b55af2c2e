"""Everything a report says in words and tables, whatever kind of page it becomes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata

from saddle.analyse.blocks import DESCRIPTIVE
from saddle.analyse.predictions import Read
from saddle.analyse.result import Answer
from saddle.analyse.sample_pairs import StudyOnSamples
from saddle.analyse.statistics.corrections import NAMES
from saddle.analyse.study_results import StudyResults
from saddle.analyse.text.formatting import duration, plural
from saddle.report import provenance as facts
from saddle.report.agreement import agreement_table
from saddle.report.checklist import Checked, badge_text, checked_trials
from saddle.report.evaluation import EvaluationFacts, evaluation_facts
from saddle.report.published_comparison import published_table
from saddle.report.samples import Samples, samples_section
from saddle.report.secondary_metrics import also_table
from saddle.report.tables import Table, detail_table, failure_table, trial_table
from saddle.study.models import Study
from saddle.trial.outcome import Outcome
from saddle.trial.record import TrialRecord
from saddle.trial.run_id import RunId

MOST_TROUBLES = 40
"""Trials whose reasons are printed whole; of more the table of outcomes has the commonest."""


@dataclass(frozen=True)
class Contents:
    """What a study's report holds beside figures and images."""

    of: StudyResults
    results_note: str
    details: Table | None
    failures: Table | None
    samples: Samples | None
    agreement: Table | None
    also: Table | None
    published: Table | None
    evaluation: EvaluationFacts | None
    checked: Sequence[Checked]
    endings: Sequence[facts.Ending]
    troubles: Sequence[facts.Trouble]
    troubles_left_out: int
    trials: Table
    sources: Sequence[tuple[str, Sequence[facts.Setting]]]
    fingerprints: Sequence[facts.Fingerprint]
    command: str
    study_file: str

    @property
    def study(self) -> Study:
        return self.of.study

    @property
    def run(self) -> RunId:
        return self.of.run

    @property
    def entries(self) -> Sequence[TrialRecord]:
        return self.of.comparable

    @property
    def answer(self) -> Answer:
        return self.of.answer

    @property
    def kind(self) -> str:
        return "search" if self.study.ablation is None else "ablation"

    @property
    def results(self) -> Table:
        """The answer's own table."""
        return Table(self.answer.columns, self.answer.rows, self.results_note)

    @property
    def blocks(self) -> Table | None:
        """The effects in single blocks; None where there are none."""
        rows = self.answer.block_rows
        return Table(self.answer.block_columns, rows, DESCRIPTIVE) if rows else None

    @property
    def counts(self) -> str:
        """`12 trials, 9 completed, 4 min of training`."""
        seconds = duration(sum(entry.seconds for entry in self.entries))
        return f"{count_line(self.study, self.entries)}, {seconds} of training"

    @property
    def badge(self) -> str:
        """What stands beside a search's answer; empty where nobody has the badge."""
        return badge_text(self.answer, self.entries)

    @property
    def version(self) -> str:
        return metadata.version("saddle")

    @property
    def written(self) -> str:
        return time.strftime("%Y-%m-%d %H:%M")


def gather(
    results: StudyResults,
    *,
    samples: StudyOnSamples | None = None,
    command: str | None = None,
    study_file: str | None = None,
    read: Read | None = None,
) -> Contents:
    """What there is to say now.

    `samples` are an ablation's networks on single test images; `command` and `study_file` replace what "how to
    reproduce" would otherwise show, which is `saddle run` on the study as it was resolved; `read` fetches arrays from
    the store.
    """
    run, study, entries, answer = results.run, results.study, results.comparable, results.answer
    troubles = facts.troubles(entries)
    trials = trial_table(study, entries, answer, results.declared, run.name)
    return Contents(
        results,
        _results_note(study, answer, trials),
        detail_table(answer.effects),
        failure_table(answer.failures),
        samples_section(run.name, samples),
        agreement_table(results),
        also_table(results),
        published_table(results),
        evaluation_facts(results, read),
        checked_trials(entries),
        facts.endings(entries),
        troubles[:MOST_TROUBLES],
        max(0, len(troubles) - MOST_TROUBLES),
        trials,
        facts.settings_by_source(entries),
        facts.fingerprints(entries),
        command or f"saddle run {study.study}.yaml",
        _study_file(study) if study_file is None else study_file,
    )


def count_line(study: Study, entries: Sequence[TrialRecord]) -> str:
    """`12 trials, 9 completed` or `9 replicates, 9 completed`."""
    completed = sum(entry.outcome == Outcome.COMPLETED for entry in entries)
    noun = "trial" if study.ablation is None else "replicate"
    return f"{plural(len(entries), noun)}, {completed} completed"


def _results_note(study: Study, answer: Answer, trials: Table) -> str:
    if study.ablation is None:
        more = len(trials.rows) > len(answer.rows)
        return "Completed trials, the best first; more of them are listed below." if more else ""
    name = NAMES[study.ablation.compare.correction]
    return (
        "Means ± standard deviation over seeds, of the checkpoint chosen on validation data. An interval leaves out"
        f" zero exactly where {name}’s procedure rejects; the permutation p flips signs exactly and decides nothing."
        " Differences are over the seeds that both arms completed, so they may differ from the difference of the means."
        + (f" {answer.conditional}" if answer.conditional else "")
    )


def _study_file(study: Study) -> str:
    from saddle.studyfile.loader import dump_study

    return dump_study(study)
