"""One trial, from its start to its last message: train, checkpoint, select, evaluate, classify how it ended."""

from __future__ import annotations

import math
import tempfile
import time
import traceback
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from saddle.cluster.gpu.devices import mps_folder, own_gpu
from saddle.cluster.gpu.errors import GpuError, fatal_gpu_error
from saddle.execute.fingerprint import checksum_of_code, fingerprint_data
from saddle.execute.worker.artifacts import store_arrays, store_images
from saddle.execute.worker.pending_epoch import BackgroundWriter, PendingEpoch
from saddle.execute.worker.run_context import DataCache, TrainRun
from saddle.execute.worker.trainable_calls import evaluate_together, exits_are_failures, reports_of
from saddle.external_names import unescape
from saddle.store.checkpoint.checkpoints import Checkpoints, Superseded, load_state
from saddle.store.checkpoint.curve import of_attempt
from saddle.store.checkpoint.plain_state import NotPlain
from saddle.store.infrastructure_errors import full_folder, infrastructure_error
from saddle.store.ledger.ledger import Ledger
from saddle.store.open import open_store, trial_folder
from saddle.store.run_files.source_archive import located
from saddle.study.trainable.best_minus_last import best_minus_last
from saddle.study.trainable.loading import LoadedTrainable, load_trainable
from saddle.trial.measurement import Measurement, image_of_epoch, is_of_epoch
from saddle.trial.messages import (
    EndMessage,
    EpochMessage,
    FaultMessage,
    GpuFaultMessage,
    LastMessage,
    Message,
    ReadyMessage,
    StartMessage,
)
from saddle.trial.outcome import Outcome
from trainables.contract import Collapsed, Diverged, Report


@dataclass
class Training:
    """A running trial in a worker, or in one rank of several; only the `is_rank_zero` writes to the store.

    `ahead`: checkpoints are written while the next epoch is trained; its message is then a `PendingEpoch`.
    """

    start: StartMessage
    cache: DataCache
    is_rank_zero: bool = True
    ahead: bool = False

    def __post_init__(self) -> None:
        self.began: tuple[int, dict[str, Any] | None] | None = None
        self.attempt = 0
        self.writer = BackgroundWriter() if self.ahead else None
        self.spec, self.placement = self.start.spec, self.start.placement
        self.folder = trial_folder(self.spec.run, self.spec.key)

    def _open(self) -> None:
        """Begin another attempt; raises `Superseded` if the trial has ended: what it stored would be lost."""
        self.store = open_store(self.placement.storage, create=False)
        if self.spec.key in Ledger(self.store, self.spec.run):
            raise Superseded(f"{self.folder}: the trial has ended; it is run again once its ledger entry is removed")
        self.checkpoints = Checkpoints.of_trial(self.store, self.spec.run, self.spec.key, self.placement.token)
        self.attempt = self.checkpoints.manifest.attempts + 1
        if self.is_rank_zero:
            self.attempt = self.checkpoints.claim(time.time())

    def ready(self) -> ReadyMessage | LastMessage:
        """Read the state to continue from, before any rank takes a step; the end, where the trial was given up."""
        try:
            self._open()
            given_up = self.checkpoints.manifest.given_up
            if given_up is not None:
                return self._end(Outcome(given_up.outcome), given_up.why)
            self.began = self.checkpoints.resume()
        except Superseded:
            raise
        except Exception as error:  # see `messages`
            return self._failed(error)
        return ReadyMessage(self.spec.key, self.attempt, self.began[0])

    def messages(self) -> Generator[Message | PendingEpoch, None, None]:
        """Train and yield a message per epoch and one at the end; raises nothing but `Superseded`.

        What the trainable raises is its failure, and the study continues; what the machine, its disk or network did
        is not a result, and a `FaultMessage` says so.
        """
        try:
            if self.began is None and not isinstance(answer := self.ready(), ReadyMessage):
                yield answer
                return
            yield from self._outcome()
        except Superseded:
            raise  # this attempt's messages are not waited for any more
        except Exception as error:
            yield self._failed(error)
        finally:
            if self.writer is not None:
                self.writer.close()

    def _outcome(self) -> Generator[Message | PendingEpoch, None, None]:
        """Train to the end, or to that which the method itself came to."""
        try:
            yield from self._train()
        except Collapsed as failure:
            yield self._end(Outcome.COLLAPSED, failure.why, Measurement(images=self._all_images(failure.images)))
        except Diverged as failure:
            yield self._end(Outcome.DIVERGED, failure.why, Measurement(images=self._all_images(failure.images)))
        except NotPlain as refusal:
            yield self._end(Outcome.FAILED, str(refusal))

    def _failed(self, error: Exception) -> LastMessage:
        """How the trial ended; a library that meets a full disk need not say so, so that the disks are checked."""
        fault = infrastructure_error(error) or full_folder(working_folders(self.placement.storage))
        if fault is not None:
            return FaultMessage(self.spec.key, self.attempt, str(fault))
        why = "".join(traceback.format_exception(error))
        gpu_error = fatal_gpu_error(error) if self.placement.gpus_per_worker else None
        if gpu_error is not None and self.placement.gpus_per_worker < 1 and mps_folder() is not None:
            return GpuFaultMessage(self.spec.key, self.attempt, why, own_gpu(), gpu_error is GpuError.MAYBE_OWN)
        return replace(self._end(Outcome.FAILED, why), gpu_lost=gpu_error is not None)

    def _train(self) -> Generator[Message | PendingEpoch, None, None]:
        assert self.began is not None
        with exits_are_failures():
            trainable = load_trainable(located(self.store, self.spec.run, self.start.trainable))
            config = trainable.Config.model_validate(dict(self.spec.params))
        reached, state = self.began if "resume" not in trainable.lacks else (0, None)
        spent = self.checkpoints.manifest.seconds if reached else 0.0
        if self.is_rank_zero:
            self.checkpoints.forget_after(reached)
            self.checkpoints.clean()
        self.cache.share_in(self.store, self.spec.run, lambda: checksum_of_code(trainable), makes=self.is_rank_zero)
        run = TrainRun(self.spec.seed, self.cache, state)
        last: Mapping[str, Any] | None = state
        since = time.monotonic()
        for epoch, report in enumerate(reports_of(trainable, config, run), start=reached + 1):
            self._check(report, epoch)
            if report.state is None:
                raise ValueError(f"the report of epoch {epoch} has no state, so the trial could not be resumed")
            last = report.state
            yield self._keep(epoch, report, spent + time.monotonic() - since)
        if last is None:
            raise ValueError("the trainable reported no epoch")
        if self.writer is not None:
            self.writer.finish()
        if self.is_rank_zero and self.checkpoints.manifest.best is None:
            raise ValueError(
                f"none of its {self.checkpoints.manifest.epochs} epochs was a candidate for the checkpoint; a report "
                "whose is_candidate is True is needed"
            )
        yield self._finish(trainable, config, last, run)

    def _keep(self, epoch: int, report: Report, seconds: float) -> EpochMessage | PendingEpoch:
        """Store an epoch and report it; the data to be stored are copied here."""
        if self.writer is not None:
            self.writer.finish()
        best = self._is_best(report)
        prepared = (
            self.checkpoints.prepare(epoch, report.state or {}, report.metrics, seconds, best)
            if self.is_rank_zero
            else None
        )
        # the manifest's own time, so that this epoch is reported the same when it is reported again
        when = prepared.manifest.times[-1] if prepared is not None else time.time()
        message = EpochMessage(self.spec.key, self.attempt, epoch, dict(report.metrics), seconds, when)

        def store() -> EpochMessage:
            if prepared is not None:
                self._store_images({image_of_epoch(epoch, name): image for name, image in report.images.items()})
                self.checkpoints.write(prepared)
            return message

        return store() if self.writer is None else PendingEpoch(self.writer.write(store), self._failed)

    def _check(self, report: Report, epoch: int) -> None:
        """Refuse test metrics during training, and treat an objective that is not a number as divergence."""
        for name in report.metrics:
            if name.startswith("test/"):
                raise ValueError(f"{name} was reported during training; test metrics are measured once, at the end")
        for name in (*self.start.required, self.start.select[0]):
            if name not in report.metrics:
                raise ValueError(
                    f"the report of epoch {epoch} lacks {name}; it has {', '.join(sorted(report.metrics))}"
                )
            if not math.isfinite(report.metrics[name]):
                raise Diverged(f"{name} is {report.metrics[name]} in epoch {epoch}")

    def _is_best(self, report: Report) -> bool:
        """Whether this epoch's selection metric beats all candidates before it (the first of equals stays)."""
        if not report.is_candidate:
            return False
        metric, direction = self.start.select
        best, value = self.checkpoints.manifest.best_metrics.get(metric), report.metrics[metric]
        return best is None or (value > best if direction == "maximize" else value < best)

    def _finish(self, trainable: LoadedTrainable, config: Any, last: Mapping[str, Any], run: TrainRun) -> EndMessage:
        """Measure test once for the selected and once for the last checkpoint."""
        if run.world_size > 1 and trainable.attack_test is not None:
            self._await_checkpoints(run)
        elif not self.is_rank_zero:
            return self._end(Outcome.COMPLETED)
        manifest = self.checkpoints.manifest
        best = manifest.best
        assert best is not None
        assert manifest.last is not None
        selected = best.epoch != manifest.last.epoch
        evaluate = partial(evaluate_together, trainable, config, run, TrainRun(self.spec.seed, self.cache, alone=True))
        with exits_are_failures():
            report = evaluate(load_state(self.store, best) if selected else last)
            last_report = evaluate(last) if selected else report
        if not self.is_rank_zero:
            return self._end(Outcome.COMPLETED)
        return self._end(Outcome.COMPLETED, "", self._measurement(trainable, config, report, last_report))

    def _await_checkpoints(self, run: TrainRun) -> None:
        """Wait until rank 0 has stored the last epoch, and read what it stored."""
        run.mean(0.0)
        if not self.is_rank_zero:
            self.checkpoints = Checkpoints.of_trial(self.store, self.spec.run, self.spec.key, self.placement.token)

    def _measurement(self, trainable: LoadedTrainable, config: Any, report: Report, last_report: Report) -> Measurement:
        """The result of a completed trial, its arrays and images stored."""
        manifest = self.checkpoints.manifest
        run = TrainRun(self.spec.seed, self.cache, alone=True)
        return Measurement(
            metrics={
                **manifest.best_metrics,
                **report.metrics,
                **best_minus_last(trainable.metrics, report.metrics, last_report.metrics),
            },
            test_last=dict(last_report.metrics),
            arrays=self._store_arrays(report.arrays),
            images=self._all_images(report.images),
            fingerprints={**fingerprint_data(config, run), **report.fingerprints},
        )

    def _end(self, outcome: Outcome, why: str = "", measurement: Measurement | None = None) -> EndMessage:
        if self.writer is not None:
            self.writer.settle()
        return EndMessage(self.spec.key, self.attempt, str(outcome), why, measurement or Measurement())

    def _store_arrays(self, arrays: Mapping[str, Any]) -> dict[str, str]:
        return store_arrays(self.store, self._own("arrays"), arrays)

    def _all_images(self, closing: Mapping[str, Any]) -> dict[str, str]:
        """Store the images of the end; returns them and those of epochs, earlier attempts included."""
        stored = self._store_images(closing)
        paths: dict[str, str] = {}
        for folder in self._folders_of_attempts("images") if self.is_rank_zero else ():
            epochs = (name for name in self.store.names(folder) if is_of_epoch(name))
            paths |= {unescape(name.removesuffix(".png")): f"{folder}/{name}" for name in epochs}
        return stored | {name: paths[name] for name in sorted(paths)}

    def _own(self, kind: str) -> str:
        """The folder of this attempt's images or arrays: an orphan of an earlier one writes to another folder."""
        return f"{self.folder}/{of_attempt(kind, self.attempt)}"

    def _folders_of_attempts(self, kind: str) -> list[str]:
        """The folders of all attempts so far, in their order."""
        return [f"{self.folder}/{of_attempt(kind, attempt)}" for attempt in range(1, self.attempt + 1)]

    def _store_images(self, images: Mapping[str, Any]) -> dict[str, str]:
        return store_images(self.store, self._own("images"), images if self.is_rank_zero else {})


def working_folders(storage: str) -> list[str]:
    """Where a trial writes on this machine: the storage, temporary files, the datasets' cache."""
    from trainables.datasets.cache.space import cache_root

    local = [] if "://" in storage else [storage]
    return [*local, tempfile.gettempdir(), str(cache_root())]
