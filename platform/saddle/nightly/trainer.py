"""Training replicates with one code: a separate run of the study, by a process that imports that code."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from saddle.analyse.study_results import StudyResults
from saddle.archive.studies import read_study, set_aside
from saddle.cluster.failures.leave import INTERRUPTED
from saddle.errors import CouldNotRun
from saddle.nightly.decision.night import Code, Measurement, Purpose, Replicate, reproducible_metrics
from saddle.nightly.fingerprints import fingerprint_of_data
from saddle.nightly.policy_of_study import section, study_of_seeds
from saddle.nightly.storage import Part
from saddle.nightly.worktree import OWN_PACKAGES, Worktrees, python, python_path, top_level
from saddle.redaction import redact
from saddle.store.base import Store
from saddle.store.ledger.ledger import Ledger
from saddle.store.ownership.lock import driver_of, lock_study
from saddle.study.models import Study
from saddle.study.trainable.loading import LoadedTrainable
from saddle.studyfile.dump import dump_study
from saddle.trial.record import TrialRecord
from saddle.trial.run_id import RunId

POLL_SECONDS = 0.5
LAST_LINES = 12
"""Of what a failing process printed, repeated in the message that it failed."""

CHILD_ATTEMPTS = 3
"""Another driver may take the study between seeing that it has no driver and starting ours."""

PROGRESS = "  ["
"""Begins the lines of `saddle run` about single trials; its answer, from a night's few seeds, would be read as ours."""

ALL_FAILED = 1
"""A process whose trials all failed has measured that, too."""


@dataclass(frozen=True)
class Ended:
    """The exit code of a process, and the last lines that it printed."""

    code: int
    lines: tuple[str, ...]

    def failure(self, study: str) -> str:
        """What to say if it should have ended otherwise."""
        return f"training {study} ended with exit code {self.code}:\n" + "\n".join(self.lines)


@dataclass(frozen=True)
class Trained:
    """What a part measured, and on which data; the run of the study that holds its trials."""

    run: RunId
    measurements: tuple[Measurement, ...]
    data: str


@dataclass(frozen=True)
class Trainer:
    """Trains parts of a nightly's nights in one storage; only for the holder of the nightly's lock.

    `options` are those of `saddle run` that say where the study runs. `say` gets what its processes print, line by
    line.
    """

    study: Study
    trainable: LoadedTrainable
    store: Store
    worktrees: Worktrees | None
    code: Code
    """What is checked out or installed now."""
    options: Sequence[str] = ()
    say: Callable[[str], None] = lambda line: None
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    def current_instance(self) -> str | None:
        """The instance of the run that currently has the study's name."""
        stored = read_study(self.store, self.study.study)
        return None if stored is None else stored.instance

    def train(
        self, part: Part, code: Code, wanted: Sequence[Replicate], purpose: Purpose, hours: float | None = None
    ) -> Trained:
        """Train what is missing of a part, and read what it measured; raises `CouldNotRun`.

        With `hours` it may end before all is trained; what is not is left out.
        """
        self._make_room(part)
        study = study_of_seeds(self.study, part.seeds, hours=hours, on_cpu=purpose == "canary")
        with self._process_arguments(code) as (command, environment), tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "study.yaml"
            file.write_text(dump_study(study))
            # no trial of a night is called the best, so that none needs the minutes of the checklist
            where = ["--storage", self.store.url, "--no-check", *self.options]
            ended = self._run([*command, "run", str(file), *where], environment)
        stored = read_study(self.store, self.study.study)
        if stored is None or stored.instance == part.before:
            raise CouldNotRun(f"{self.study.study} with {code}: the process ended without a run of the study")
        self._check_code(code, Ledger(self.store, stored.run).entries())
        results = stored.results(Ledger(self.store, stored.run).entries())
        if ended.code == ALL_FAILED and not results.all_failed:  # as Python ends where saddle itself fails
            raise CouldNotRun(ended.failure(self.study.study))
        return self._read(results, wanted, purpose, partial=hours is not None)

    def _make_room(self, part: Part) -> None:
        """Set the run aside that had the study's name when the part began."""
        run = RunId(self.study.study)
        self._wait_for(run)
        if part.before is not None and self.current_instance() == part.before:
            with lock_study(self.store, run):
                set_aside(self.store, run_with(run, part.before))

    def _wait_for(self, run: RunId) -> None:
        """Wait for the process that a killed night left behind: it trains what is wanted."""
        while driver_of(self.store, run) is not None:
            time.sleep(POLL_SECONDS)

    @contextlib.contextmanager
    def _process_arguments(self, code: Code) -> Iterator[tuple[list[str], dict[str, str]]]:
        """How `saddle` is started with this code, and its environment, without what only this process needs."""
        secret = {channel.variable for channel in section(self.study).notify}
        environment = {name: value for name, value in self.environment.items() if name not in secret}
        environment["PYTHONUNBUFFERED"] = "1"  # through a pipe its lines would come in bursts
        command = [*python(), "-m", "saddle.cli"]
        if self.worktrees is None:
            yield command, environment
            return
        with self.worktrees.checkout(code) as worktree:
            packages = [*OWN_PACKAGES, top_level(module_of(self.trainable))]
            path = python_path(self.worktrees.repository, worktree, packages)
            yield command, {**environment, "PYTHONPATH": path}

    def _run(self, command: list[str], environment: Mapping[str, str]) -> Ended:
        for _ in range(CHILD_ATTEMPTS):
            ended = run_process(command, environment, self.say)
            if ended.code in (0, ALL_FAILED):
                return ended
            if ended.code == INTERRUPTED:
                raise KeyboardInterrupt
            if driver_of(self.store, RunId(self.study.study)) is None:
                break
            self._wait_for(RunId(self.study.study))
        raise CouldNotRun(ended.failure(self.study.study))

    def _check_code(self, code: Code, records: Sequence[TrialRecord]) -> None:
        """Raise `CouldNotRun` if the trials say that they ran with another commit than the worktree's."""
        if self.worktrees is None or not self.worktrees.holds_saddle:
            return
        commit = self.worktrees.repository.commit_of(code)
        commits = {str(record.fingerprints["commit"]) for record in records if "commit" in record.fingerprints}
        other_commits = commits - {commit}
        if other_commits:
            raise CouldNotRun(f"trials ran with {', '.join(sorted(other_commits))} instead of {commit}")

    def _read(self, results: StudyResults, wanted: Sequence[Replicate], purpose: Purpose, *, partial: bool) -> Trained:
        records = {Replicate(str(results.name_of_arm(record)), record.seed): record for record in results.records}
        missing = [replicate for replicate in wanted if replicate not in records]
        if missing and not partial:
            names = ", ".join(f"{each.arm} with seed {each.seed}" for each in missing[:3])
            raise CouldNotRun(f"{len(missing)} of {len(wanted)} trials did not end: {names}")
        measurements = (
            measurement_of(records[each], each, purpose, self.trainable) for each in wanted if each in records
        )
        return Trained(results.run, tuple(measurements), fingerprint_of_data(records.values()))


def measurement_of(
    record: TrialRecord, replicate: Replicate, purpose: Purpose, trainable: LoadedTrainable
) -> Measurement:
    """Every reproducible number of a trial: of the selected checkpoint, the last one, and the last epoch.

    A loss shows a change that leaves the accuracy on a few hundred images unchanged.
    """

    def exact(metrics: Mapping[str, float], prefix: str = "") -> dict[str, float]:
        return {prefix + name: value for name, value in reproducible_metrics(metrics, trainable.metrics).items()}

    last_epoch = record.curve[-1] if len(record.curve) else {}
    metrics = {
        **exact(last_epoch, "last_epoch/"),
        **exact(record.test_last, "last_checkpoint/"),
        **exact(record.metrics),
    }
    return Measurement(replicate.arm, replicate.seed, metrics, record.outcome, purpose)


def run_process(command: Sequence[str], environment: Mapping[str, str], say: Callable[[str], None]) -> Ended:
    """Run a process to its end.

    A Ctrl-C reaches it, too, as it belongs to the same group; it then ends as `saddle run` does, and so do we.
    """
    last: deque[str] = deque(maxlen=LAST_LINES)
    with subprocess.Popen(
        command, env=dict(environment), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        assert process.stdout is not None
        while True:
            try:
                for line in process.stdout:
                    last.append(redact(line.rstrip()))
                    if last[-1].startswith(PROGRESS):
                        say(last[-1])
                return Ended(process.wait(), tuple(last))
            except KeyboardInterrupt:
                say("stopping after the current epochs")


def module_of(trainable: LoadedTrainable) -> str:
    """The module with the trainable's code."""
    code = trainable.code
    return str(getattr(code, "__name__", None) or type(code).__module__)


def run_with(run: RunId, instance: str) -> RunId:
    """The run under the study's name, with its instance."""
    return RunId(run.study, instance)
