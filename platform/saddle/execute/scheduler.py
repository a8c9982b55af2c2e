"""Conducts one study: turns proposals into orders, messages into ledger entries, and tells everyone concerned."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError
from ray.tune.experiment import Trial

from saddle.cluster.failures import RESTARTS, Death, free_orphaned_groups
from saddle.cluster.resource_wait import ResourceWait
from saddle.cluster.resources import needs_group
from saddle.design.blocks import MACHINE
from saddle.errors import InfrastructureError
from saddle.execute.progress import ProgressKeeper
from saddle.execute.stop_request import StopWish
from saddle.execute.trial_records import UnderWay, describe, make_entry, refused_entry
from saddle.execute.worker.slot import MESSAGE, ORDER
from saddle.search.unfinished import keep_proposal
from saddle.store.base import Store
from saddle.store.checkpoints import Checkpoints, Superseded
from saddle.store.fence import NO_LOCK, StudyLock, TakenOver
from saddle.store.infrastructure_errors import explain_fault
from saddle.store.ledger import Ledger
from saddle.store.ledger_index import SEGMENT
from saddle.study.models import Study
from saddle.study.trainables import LoadedTrainable
from saddle.track.base import StartedTrial, Tracker
from saddle.trial.messages import EndMessage, EpochMessage, FaultMessage, Message, Order, finite, parse_message
from saddle.trial.outcome import Outcome
from saddle.trial.record import TrialRecord
from saddle.trial.source import Proposal, TrialSource
from trainables.contract import resolve

SWEEP_SECONDS = 3.0


@dataclass
class Scheduler:
    """Everything the driver does about one study, called only from Tune's loop."""

    study: Study
    trainable: LoadedTrainable
    store: Store
    ledger: Ledger
    source: TrialSource
    tracker: Tracker
    progress: ProgressKeeper
    select: tuple[str, str]
    fingerprints: Mapping[str, Any]
    data_root: str | None
    gpu_seconds: float = 0.0
    hours_spent: float = 0.0
    stopping: bool = False
    lock: StudyLock = NO_LOCK
    under_way: dict[str, UnderWay] = field(default_factory=dict)
    deaths: Counter[str] = field(default_factory=Counter)
    silent: Counter[str] = field(default_factory=Counter)
    """How many slots in a row died on each trial before they said a word of it."""
    failure: Exception | None = None
    """What ends the study without ending its trials: of machine, disk or network, or a mistake of the driver's."""
    lost: list[Proposal] = field(default_factory=list)
    begun: float = field(default_factory=time.monotonic)
    swept: float = 0.0
    waiting: ResourceWait = field(default_factory=ResourceWait)
    unindexed: int = 0
    recorded: set[str] = field(default_factory=set)
    """The keys in the ledger that we know: those of earlier runs, and our own."""
    conflict: str = ""
    """What somebody else wrote into the ledger, of a trial that we have ended."""

    def __post_init__(self) -> None:
        self.run = self.ledger.run
        self._wish = StopWish(self.store, self.run)

    def propose(self) -> Proposal | None:
        """The next trial that can run; those whose drawn values exclude each other end here as failed."""
        if self.lost and not self.stopping:
            return self.lost.pop(0)
        with contextlib.suppress(TakenOver):  # which `asked_to_stop` sees
            return self._propose()
        return None

    def _propose(self) -> Proposal | None:
        while not self.stopping and not self.exhausted():
            self.lock.check()
            proposal = self.source.next()
            if proposal is None:
                return None
            given = {**self.study.settings, **proposal.settings}
            now = time.time()
            try:
                resolved = resolve(self.trainable, given, self.study.recipe, self.study.scale)
            except ValidationError as error:
                self._tell_start(proposal, given, now)
                self._record(refused_entry(self.study.study, proposal, given, str(error), now, self.fingerprints))
                continue
            self.under_way[proposal.key] = UnderWay(proposal, resolved, now)
            keep_proposal(self.store, self.run, proposal, self.lock)
            self._tell_start(proposal, resolved.config.model_dump(mode="json"), now)
            self.progress.started(proposal.key)
            return proposal
        return None

    def _tell_start(self, proposal: Proposal, params: Mapping[str, Any], now: float) -> None:
        settings = dict(proposal.settings)
        self.tracker.start_trial(
            StartedTrial(proposal.key, params, proposal.seed, proposal.arm, now, settings, proposal.block)
        )

    def order(self, proposal: Proposal) -> dict[str, Any]:
        """What Tune hands the slot."""
        minutes = self.study.budget.minutes_per_trial
        objectives = tuple(objective.metric for objective in self.study.objective or ())
        constrained = tuple(constraint.metric for constraint in self.study.constraints)
        order = Order(
            run=self.run,
            key=proposal.key,
            trainable=self.study.trainable,
            params=self.under_way[proposal.key].resolved.config.model_dump(mode="json"),
            seed=proposal.seed,
            select=self.select,
            required=(*objectives, *constrained),
            storage=self.store.url,
            data_root=self.data_root,
            workers=self.study.resources.workers,
            cpus_per_worker=self.study.resources.cpus_per_worker,
            gpus_per_worker=self.study.resources.gpus_per_worker,
            machine=proposal.block.get(MACHINE),
            time_limit=60 * minutes if minutes else None,
            token=self.lock.token,
        )
        return {ORDER: order.dump()}

    def on_epoch(self, trial: Trial, result: Mapping[str, Any]) -> bool:
        """Take in an epoch; whether the trial is to be stopped early."""
        message = parse_message(result[MESSAGE])
        if not isinstance(message, EpochMessage) or not self._is_current(message):
            return False
        metrics = finite(message.metrics)
        self.tracker.report(message.key, message.epoch, metrics, message.time)
        self.progress.epoch(message.key, message.epoch)
        hopeless = self.source.report(message.key, message.epoch, metrics)
        planned = getattr(self.under_way[message.key].resolved.config, "epochs", None)
        if not hopeless or message.epoch == planned:  # after the last epoch there is nothing left to save
            return False
        why = f"stopped early in epoch {message.epoch}"
        self._finish(EndMessage(message.key, message.attempt, str(Outcome.PRUNED), why))
        return True

    def on_end(self, result: Mapping[str, Any]) -> None:
        """Take in a trial's last message."""
        message = parse_message(result[MESSAGE]) if MESSAGE in result else None
        if isinstance(message, FaultMessage):
            if not message.attempt or self._is_current(message):  # none where not even the manifest could be read
                self.fail(InfrastructureError(message.why))
        elif isinstance(message, EndMessage) and self._is_current(message):
            self._finish(message)

    def fail(self, error: Exception) -> None:
        """End the study because of `error`, the first of its kind; what is under way stays unfinished."""
        if self.failure is None:
            self.failure = error
        self.stopping = True
        self.source.cancel_waits()

    def _is_current(self, message: Message) -> bool:
        """Whether this is the trial's present attempt; an orphan on a lost machine may still report of an earlier."""
        trial = self.under_way.get(message.key)
        if trial is None or message.attempt < trial.attempt:
            return False
        self.under_way[message.key] = replace(trial, attempt=message.attempt)
        self.silent.pop(message.key, None)
        return True

    def on_worker_death(self, key: str, death: Death, *, started: bool = True) -> None:
        """A trial's slot died; it goes on from its checkpoint, unless it killed its slots once too often.

        A slot that had not `started` is no fault of the trial's, nor is one whose trial is given up and that had only
        to say so: where that happens again and again, no slot will ever start, and the study ends.
        """
        if key not in self.under_way or death.of_machine:
            return
        if not started or self.deaths[key] > RESTARTS:
            self.silent[key] += 1
            if self.silent[key] > RESTARTS:
                why = f"{self.silent[key]} slots in a row died before they could take up a trial: {death.why}"
                self.fail(explain_fault(why))
            return
        self.deaths[key] += 1
        if self.deaths[key] > RESTARTS:
            why = f"the worker died {self.deaths[key]} times, the last time of {death.why}"
            with contextlib.suppress(Superseded):  # by another driver, whose affair the trial is now
                Checkpoints.of_trial(self.store, self.run, key, self.lock.token).give_up(Outcome.FAILED, why)

    def hand_out_again(self, key: str) -> None:
        """Propose a trial that Tune lost together with its slot once more."""
        if key in self.under_way:
            self.lost.append(self.under_way[key].proposal)

    def _finish(self, end: EndMessage) -> None:
        trial = self.under_way.pop(end.key)
        checkpoints = Checkpoints.of_trial(self.store, self.run, end.key)
        with contextlib.suppress(TakenOver):  # which `asked_to_stop` sees
            self._record(make_entry(self.study.study, trial, end, checkpoints, self.fingerprints))

    def _record(self, entry: TrialRecord) -> None:
        """First the ledger, which is the truth; then all that can be derived from it. Raises `TakenOver`."""
        self.lock.check()
        try:
            self.ledger.add(replace(entry, token=self.lock.token))
        except TakenOver as error:
            self.conflict = str(error)
            raise
        self.recorded.add(entry.key)
        self.unindexed += 1
        if self.unindexed >= SEGMENT:
            self.index()
        self.gpu_seconds += entry.seconds * self.study.resources.workers * self.study.resources.gpus_per_worker
        self.progress.progress.gpu_seconds = self.gpu_seconds
        self.source.finish(entry)
        self.progress.progress.total = self.source.total
        self.tracker.finish_trial(entry, list(entry.images.values()))
        self.progress.finished(
            entry.key, entry.outcome, entry.metrics, describe(entry, self.progress.progress.metric, self.trainable)
        )

    def index(self) -> None:
        """Bring the ledger's index up to date; raises `TakenOver`."""
        self.lock.check()
        self.ledger.index()
        self.unindexed = 0

    def set_strays_aside(self) -> None:
        """Put aside what a driver wrote into the ledger that we had taken over before: nobody here knows of it."""
        self.lock.check()
        for key in sorted({*self.ledger.keys()} - self.recorded):
            self.ledger.set_aside(key)

    def exhausted(self) -> str:
        """Which time allowed is used up, in words, empty for none; what runs may end, nothing new starts."""
        budget = self.study.budget
        spent = {
            "hours": self.hours_spent + (time.monotonic() - self.begun) / 3600,
            "gpu_hours": self.gpu_seconds / 3600,
        }
        for name, amount in spent.items():
            limit = getattr(budget, name)
            if limit is not None and amount >= limit:
                self.progress.progress.exhausted = f"budget.{name} is used up ({amount:.3g} of {limit:g})"
                return self.progress.progress.exhausted
        return ""

    def free_what_dead_slots_left(self) -> None:
        """Look now and then for placement groups without an owner: a slot's children die some time after it."""
        resources = self.study.resources
        now = time.monotonic()
        if needs_group(resources.workers, resources.gpus_per_worker) and now - self.swept > SWEEP_SECONDS:
            self.swept = now
            free_orphaned_groups()

    def look_at_cluster(self) -> None:
        """Say what is waited for, and store what was spent while nothing happens."""
        waiting = self.waiting.look() if self.under_way else ""
        if waiting is not None:
            self.progress.wait(waiting)
        self.progress.beat()

    @property
    def is_lost(self) -> bool:
        """Whether the study is another driver's."""
        return self.lock.lost or bool(self.conflict)

    def asked_to_stop(self) -> bool:
        """Whether someone pressed Ctrl-C here or ran `saddle stop` elsewhere, or another driver took the study over."""
        self.stopping = self.stopping or self.is_lost or self._wish.made()
        return self.stopping
