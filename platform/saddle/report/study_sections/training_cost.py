"""What the arms of an ablation cost to train: time, and GPU-hours where trials had GPUs."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from saddle.analyse.text.formatting import DASH, duration
from saddle.report.blocks import Block, Table
from saddle.report.section import Section
from saddle.report.study_report import StudyReport
from saddle.trial.outcome import Outcome
from saddle.trial.record import TrialRecord

NOTE = (
    "Seconds of a replicate from its first epoch to its end, including validation and test, on the machine as it was "
    "loaded then: other trials may have run at the same time. A difference of a few per cent says nothing."
)


def blocks(report: StudyReport) -> list[Block]:
    """A row for each arm that has completed trials; none of imported ones, which were not timed."""
    results = report.results
    if results.study.ablation is None or results.declared.imported is not None:
        return []
    times = {arm: _seconds(records) for arm, records in results.groups.items()}
    means = {arm: fmean(durations) for arm, durations in times.items() if durations}
    if not means:
        return []
    gpus = results.study.resources.workers * results.study.resources.gpus_per_worker
    base = means.get(results.baseline or "")
    rows = tuple(
        (
            arm,
            str(len(times[arm])),
            duration(seconds),
            DASH if not base else f"{seconds / base:.2g}",
            *((f"{gpus * seconds / 3600:.3g}",) if gpus else ()),
        )
        for arm, seconds in means.items()
    )
    columns = ("arm", "replicates", "time of one", "times the baseline’s", *(("GPU-hours of one",) if gpus else ()))
    return [Table(columns, rows, NOTE)]


def _seconds(records: Sequence[TrialRecord]) -> list[float]:
    return [record.seconds for record in records if record.outcome == Outcome.COMPLETED]


TRAINING_COST = Section("training-cost", "What training cost", 95, blocks)
