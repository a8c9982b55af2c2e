"""One trial, from its order to its last message: train, checkpoint, select, evaluate, classify how it ended."""

from __future__ import annotations

import io
import math
import time
import traceback
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

from saddle.execute.fingerprint import fingerprint_data
from saddle.execute.order import EndMessage, EpochMessage, Message, Order
from saddle.execute.train_run import DataCache, TrainRun
from saddle.search.outcomes import Outcome
from saddle.store.checkpoints import Checkpoints, Superseded, load_state
from saddle.store.opening import open_store, trial_folder
from saddle.study.trainables import load_trainable
from trainables.contract import Collapsed, Diverged, Report


@dataclass
class Training:
    """A trial under way in a worker."""

    order: Order
    cache: DataCache

    def __post_init__(self) -> None:
        self.store = open_store(self.order.storage, create=False)
        self.folder = trial_folder(self.order.study, self.order.key)
        self.checkpoints = Checkpoints.open(self.store, f"{self.folder}/checkpoints")
        earlier = self.checkpoints.manifest
        self.attempt = earlier.attempts + 1
        self.checkpoints.update(attempts=self.attempt, started=earlier.started or time.time())

    def messages(self) -> Generator[Message, None, None]:
        """Train and yield a message per epoch and one at the end; never raises for what the trainable does."""
        try:
            yield from self._train()
        except Collapsed as failure:
            yield self._end(Outcome.COLLAPSED, failure.why, images=self._store_images(failure.images))
        except Diverged as failure:
            yield self._end(Outcome.DIVERGED, failure.why, images=self._store_images(failure.images))
        except Superseded:
            raise  # nobody waits for this attempt's messages any more
        except Exception:  # whatever the trainable raises is its failure, not the slot's: the study goes on
            yield self._end(Outcome.FAILED, traceback.format_exc())

    def _train(self) -> Generator[Message, None, None]:
        if self.checkpoints.manifest.hung:
            yield self._end(Outcome.TIMED_OUT, self.checkpoints.manifest.hung)
            return
        trainable = load_trainable(self.order.trainable)
        config = trainable.Config.model_validate(dict(self.order.params))
        reached, state = self.checkpoints.resume()
        spent = self.checkpoints.manifest.seconds if reached else 0.0
        self._forget_after(reached)
        run = TrainRun(self.order.seed, self.cache, state)
        last = state
        since = time.monotonic()
        for epoch, report in enumerate(trainable.train(config, run), start=reached + 1):
            self._check(report, epoch)
            if report.state is None:
                raise ValueError(f"the report of epoch {epoch} has no state, so it could never be resumed")
            last = report.state
            seconds = spent + time.monotonic() - since
            self.checkpoints.save(epoch, last, report.metrics, seconds, best=self._is_best(report))
            yield EpochMessage(self.order.key, self.attempt, epoch, dict(report.metrics), seconds, time.time())
            if self.order.time_limit is not None and seconds > self.order.time_limit:
                yield self._end(
                    Outcome.TIMED_OUT, f"{seconds:.0f} s of training, more than the {self.order.time_limit:g} s allowed"
                )
                return
        if last is None:
            raise ValueError("the trainable reported no epoch")
        yield self._finish(trainable, config, last)

    def _check(self, report: Report, epoch: int) -> None:
        """Refuse test metrics during training, and treat an objective that is no number as divergence."""
        for name in report.metrics:
            if name.startswith("test/"):
                raise ValueError(f"{name} was reported during training; test is measured once, at the end")
        for name in (*self.order.required, self.order.select[0]):
            if name not in report.metrics:
                raise ValueError(
                    f"the report of epoch {epoch} lacks {name}; it has {', '.join(sorted(report.metrics))}"
                )
            if not math.isfinite(report.metrics[name]):
                raise Diverged(f"{name} is {report.metrics[name]} in epoch {epoch}")

    def _forget_after(self, epoch: int) -> None:
        """Drop from the curve what came after the state we resume from: it will be trained again."""
        manifest = self.checkpoints.manifest
        if len(manifest.curve) > epoch:
            saved = tuple(s for s in manifest.saved if s.epoch <= epoch)
            best = manifest.best_epoch if any(s.epoch == manifest.best_epoch for s in saved) else None
            self.checkpoints.update(curve=manifest.curve[:epoch], saved=saved, best_epoch=best)

    def _is_best(self, report: Report) -> bool:
        """Whether this epoch's selection metric beats all before it (the first of equals stays)."""
        metric, direction = self.order.select
        earlier = [epoch[metric] for epoch in self.checkpoints.manifest.curve if epoch.get(metric) is not None]
        value = report.metrics[metric]
        return all(value > v if direction == "maximize" else value < v for v in earlier)

    def _finish(self, trainable: Any, config: Any, last: Mapping[str, Any]) -> EndMessage:
        """Measure test once for the selected and once for the last checkpoint."""
        manifest = self.checkpoints.manifest
        best = manifest.best
        assert best is not None
        assert manifest.last is not None
        run = TrainRun(self.order.seed, self.cache)
        selected = best is not manifest.last
        report = trainable.evaluate(config, load_state(self.store, best) if selected else last, run)
        last_report = trainable.evaluate(config, last, run) if selected else report
        return self._end(
            Outcome.COMPLETED,
            metrics={**manifest.curve[best.epoch - 1], **report.metrics},
            test_last=dict(last_report.metrics),
            arrays=self._store_arrays(report.arrays),
            images=self._store_images(report.images),
            fingerprints=fingerprint_data(config, run),
        )

    def _end(self, outcome: Outcome, why: str = "", **rest: Any) -> EndMessage:
        return EndMessage(self.order.key, self.attempt, str(outcome), why, **rest)

    def _store_arrays(self, arrays: Mapping[str, Any]) -> dict[str, str]:
        import numpy as np

        paths = {}
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.save(buffer, np.asarray(array), allow_pickle=False)
            paths[name] = f"{self.folder}/arrays/{name.replace('/', '.')}.npy"
            self.store.write(paths[name], buffer.getvalue())
        return paths

    def _store_images(self, images: Mapping[str, Any]) -> dict[str, str]:
        import numpy as np
        from PIL import Image

        paths = {}
        for name, image in images.items():
            buffer = io.BytesIO()
            Image.fromarray(np.asarray(image, dtype=np.uint8)).save(buffer, "PNG")
            paths[name] = f"{self.folder}/images/{name.replace('/', '.')}.png"
            self.store.write(paths[name], buffer.getvalue())
        return paths
