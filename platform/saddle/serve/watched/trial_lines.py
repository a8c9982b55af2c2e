"""A study's trials in lines: those that ended, those that run, and those that are planned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from saddle.archive.progress import Progress
from saddle.archive.studies import StoredStudy
from saddle.design.blocks import replicate_name
from saddle.trial.outcome import FAILURES
from saddle.trial.record import TrialRecord

RUNNING, STARTING, PLANNED = "running", "starting", "planned"
"""States of trials that have not ended; the others' are their outcomes."""
DRAWN_POINTS = 120
"""Epochs of a curve that are drawn; of more every second, third, …"""


@dataclass(frozen=True)
class TrialLine:
    """One trial; `value` and `curve` are of the metric that chooses checkpoints, `arm` as readers call it."""

    key: str
    name: str
    state: str
    epoch: int = 0
    epochs: int | None = None
    value: float | None = None
    curve: Sequence[float] = ()
    seconds: float | None = None
    why: str = ""
    arm: str = ""
    seed: int | None = None
    settings: str = ""

    @property
    def has_ended(self) -> bool:
        """Whether it is in the ledger."""
        return self.state not in (RUNNING, STARTING, PLANNED)

    @property
    def has_failed(self) -> bool:
        """Whether the method, the code or the machine failed."""
        return self.state in FAILURES


def ended_line(record: TrialRecord, metric: str, arm: str, settings: str) -> TrialLine:
    """The line of a trial in the ledger."""
    failed = record.outcome in FAILURES
    why = (record.why.strip().splitlines() or [""])[-1] if failed else ""
    return TrialLine(
        record.key, replicate_or_key(record), record.outcome, record.epochs, None, record.metrics.get(metric),
        values_of(record.curve, metric), record.seconds, why, arm, record.seed, settings,
    )  # fmt: skip


def running_line(key: str, progress: Progress, curve: Sequence[Mapping[str, float]], planned: TrialLine) -> TrialLine:
    """The line of a running trial, with what is in its manifest."""
    epoch, trial = progress.running[key], progress.details.get(key)
    has_begun = trial is None or trial.begun or epoch > 0
    return TrialLine(
        key, planned.name, RUNNING if has_begun else STARTING, epoch, None if trial is None else trial.epochs,
        None if trial is None else trial.value, values_of(curve, progress.metric), None, "", planned.arm,
        planned.seed, planned.settings,
    )  # fmt: skip


def planned_lines(stored: StoredStudy, arm_names: Mapping[str, str]) -> dict[str, TrialLine]:
    """The lines of the trials that an ablation or relation plans, arm by arm; a search has drawn none yet."""
    places = {arm.key: place for place, arm in enumerate(stored.arms)}
    lines = (
        TrialLine(
            replicate.key, replicate_name(replicate.arm.name, replicate.seed, replicate.block), PLANNED,
            arm=row_name(arm_names.get(replicate.arm.name, replicate.arm.name), replicate.block), seed=replicate.seed,
        )
        for replicate in sorted(stored.replicates, key=lambda replicate: places[replicate.arm.key])
    )  # fmt: skip
    return {line.key: line for line in lines}


def row_name(arm: str, block: Mapping[str, object]) -> str:
    """What the arm is called in one block: `mp · dataset=mnist`."""
    return " · ".join([arm, *(f"{name}={level}" for name, level in block.items())])


def replicate_or_key(record: TrialRecord) -> str:
    """What a reader calls a trial: `mp, seed 2`, or in a search its key."""
    return record.key if record.arm is None else replicate_name(record.arm, record.seed, record.block)


def values_of(curve: Sequence[Mapping[str, float]], metric: str) -> tuple[float, ...]:
    """A metric's values over the epochs that have it, thinned if there are very many; the last one stays."""
    values = [epoch[metric] for epoch in curve if epoch.get(metric) is not None]
    step = max(1, -(-len(values) // DRAWN_POINTS))
    return tuple(values[::-1][::step][::-1])


def by_arm(lines: Sequence[TrialLine]) -> Iterator[tuple[str, list[TrialLine]]]:
    """The lines of each arm, in the order of their seeds."""
    arms: dict[str, list[TrialLine]] = {}
    for line in lines:
        arms.setdefault(line.arm, []).append(line)
    for arm, members in arms.items():
        yield arm, sorted(members, key=lambda line: (line.seed is None, line.seed or 0, line.key))
