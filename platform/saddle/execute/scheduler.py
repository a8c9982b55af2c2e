"""Decides what a study runs next and receives the results of what runs; the recorder stores them."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field, replace

from pydantic import ValidationError

from saddle.cluster.capacity.node_requests import NodeRequest
from saddle.cluster.capacity.resource_wait import ResourceWait
from saddle.cluster.capacity.resources import needs_group
from saddle.cluster.capacity.slot_count import SlotCount
from saddle.cluster.failures.causes import Death, free_orphaned_groups
from saddle.design.blocks import MACHINE
from saddle.errors import FailedAlike, InfrastructureError, TakenOver
from saddle.execute.alike_failures import AlikeFailures
from saddle.execute.recorder import Recorder
from saddle.execute.shared_gpu_faults import SharedGpuFaults
from saddle.execute.stop_request import StopWish
from saddle.store.checkpoint.checkpoints import Checkpoints, Superseded
from saddle.store.infrastructure_errors import explain_fault
from saddle.study.models import Study
from saddle.study.selection import selection_of
from saddle.study.trainable.loading import LoadedTrainable
from saddle.trial.failure import WORKER_DIED
from saddle.trial.measurement import finite
from saddle.trial.messages import EndMessage, EpochMessage, GpuFaultMessage, LastMessage, Message, StartMessage
from saddle.trial.outcome import Outcome
from saddle.trial.placement import Placement
from saddle.trial.progress import TrialProgress
from saddle.trial.record import TrialRecord
from saddle.trial.restart_policy import Restart, RestartPolicy
from saddle.trial.source import TrialSource
from saddle.trial.spec import TrialSpec
from trainables.contract import resolve

SWEEP_SECONDS = 3.0


@dataclass
class Scheduler:
    """What the driver decides about one study, called only from Tune's loop."""

    study: Study
    trainable: LoadedTrainable
    source: TrialSource
    recorder: Recorder
    placement: Placement
    """Where trials run that ask for no kind of machine."""
    slots: SlotCount
    """How many trials run at the same time, as nodes come and go."""
    stopping: bool = False
    under_way: dict[str, TrialProgress] = field(default_factory=dict)
    lost: list[TrialSpec] = field(default_factory=list)
    """Running trials that Tune lost together with their slots."""
    restarts: RestartPolicy = field(default_factory=RestartPolicy)
    gpu_faults: SharedGpuFaults = field(default_factory=SharedGpuFaults)
    """What failed under trials that share a GPU; those wait there until they run again."""
    failure: Exception | None = None
    """What ends the study without ending its trials: of machine, disk or network, or a mistake of the driver's."""
    hopeless: FailedAlike | None = None
    """What stops the study where its first trials failed in the same way."""
    swept: float = 0.0
    waiting: ResourceWait = field(default_factory=ResourceWait)
    request: NodeRequest = field(default_factory=NodeRequest)
    """What an autoscaler is asked for; withdrawn once no trial is left."""

    def __post_init__(self) -> None:
        self.run = self.recorder.ledger.run
        self.store = self.recorder.ledger.store
        self._wish = StopWish(self.store, self.run)
        self._alike = AlikeFailures(self.study.budget.failures_alike, self.recorder.progress.progress.outcomes)

    def propose(self) -> StartMessage | None:
        """The next trial that can run; those whose drawn values exclude each other end here as failed."""
        with contextlib.suppress(TakenOver):  # which `asked_to_stop` sees
            spec = self._next_lost() or self._next_spec() or self._next_lost(at_once=True)
            return None if spec is None else self._start_message(spec)
        return None

    def _next_lost(self, *, at_once: bool = False) -> TrialSpec | None:
        """A running trial that is to be resumed; `at_once` also where a GPU's fault may not be over."""
        if self.stopping:
            return None
        self._judge_gpu_faults(at_once=at_once)
        if self.lost:
            return self.lost.pop(0)
        key = self.gpu_faults.next()
        return None if key is None else self.under_way[key].spec

    def _next_spec(self) -> TrialSpec | None:
        while not self.stopping and not self.recorder.is_lost and not self.exhausted():
            self.recorder.lock.check()
            proposed = self.source.next()
            if proposed is None:
                return None
            spec, refusal = self._resolve(proposed)
            self.under_way[spec.key] = TrialProgress(spec, started=time.time())
            self.recorder.start(self.under_way[spec.key])
            if not refusal:
                return spec
            self._finish(EndMessage(spec.key, 0, str(Outcome.FAILED), refusal))
        return None

    def _resolve(self, spec: TrialSpec) -> tuple[TrialSpec, str]:
        """The trial with its complete configuration, or with what it was given and why the trainable refuses that."""
        settings = {**self.study.settings, **spec.settings}
        try:
            resolved = resolve(self.trainable, settings, self.study.recipe, self.study.scale)
        except ValidationError as error:
            return replace(spec, params=settings), str(error)
        return replace(spec, params=resolved.config.model_dump(mode="json"), sources=dict(resolved.sources)), ""

    def _start_message(self, spec: TrialSpec) -> StartMessage:
        """What a slot gets."""
        selection = selection_of(self.study, self.trainable)
        objectives = tuple(objective.metric for objective in self.study.objective or ())
        constrained = tuple(constraint.metric for constraint in self.study.constraints)
        return StartMessage(
            spec,
            replace(self.placement, machine=spec.block.get(MACHINE)),
            self.trainable.source,
            select=(selection.name, selection.direction),
            required=(*objectives, *constrained),
            ahead=self.study.early_stopping.name == "none" and self.placement.time_limit is None,
        )

    def on_worker_start(self, key: str) -> None:
        """The worker of a trial's slot has started."""
        if key in self.under_way:
            self.recorder.progress.worker_started(key)

    def on_epoch(self, message: EpochMessage) -> bool:
        """Take in an epoch; whether the trial is to be stopped early."""
        if not self._is_current(message):
            return False
        self.gpu_faults.is_past(message.key)
        self.recorder.report(message)
        hopeless = self.source.report(message.key, message.epoch, finite(message.metrics))
        planned = self.under_way[message.key].spec.params.get("epochs")
        if not hopeless or message.epoch == planned:  # after the last epoch there is nothing left to save
            return False
        why = f"stopped early in epoch {message.epoch}"
        self._finish(EndMessage(message.key, message.attempt, str(Outcome.PRUNED), why))
        return True

    def on_end(self, message: LastMessage) -> None:
        """Take in a trial's last message."""
        if isinstance(message, EndMessage):
            if self._is_current(message):
                self._finish(message)
        elif isinstance(message, GpuFaultMessage):
            if self._is_current(message):
                self.gpu_faults.add(message)
        elif not message.attempt or self._is_current(message):  # none where not even the manifest could be read
            self.fail(InfrastructureError(message.why))

    def _finish(self, end: EndMessage) -> None:
        trial = self.under_way.pop(end.key)
        self.gpu_faults.forget(end.key)
        # an orphan may end a trial that was lost with its slot and waits to be handed out again
        self.lost = [spec for spec in self.lost if spec.key != end.key]
        with contextlib.suppress(TakenOver):  # which `asked_to_stop` sees
            record = self.recorder.enter(trial, end)
            self.source.finish(record)
            self.recorder.announce(record, self.source.total)
            self._look_for_alike_failures(record)

    def _look_for_alike_failures(self, record: TrialRecord) -> None:
        error, total = self._alike.count(record), self.source.total
        if error is not None and (total is None or self.recorder.progress.progress.done < total):
            self.hopeless, self.stopping = error, True
            self.source.cancel_waits()

    def fail(self, error: Exception) -> None:
        """End the study because of `error`, the first of its kind; running trials stay unfinished."""
        if self.failure is None:
            self.failure = error
        self.stopping = True
        self.source.cancel_waits()

    def _is_current(self, message: Message) -> bool:
        """Whether this is the trial's present attempt; an orphan on a lost machine may still report of an earlier."""
        trial = self.under_way.get(message.key)
        if trial is None or message.attempt < trial.attempts:
            return False
        self.under_way[message.key] = replace(trial, attempts=message.attempt)
        self.restarts.on_message(message.key)
        return True

    def on_worker_death(self, key: str, death: Death, *, started: bool = True) -> None:
        """A trial's slot died; it continues from its checkpoint, unless it killed its slots once too often.

        A slot that had not `started` is not a fault of the trial's; where no slot starts at all, the study ends.
        """
        if key not in self.under_way or death.of_machine:
            return
        match self.restarts.on_death(key, started=started):
            case Restart.NEVER_STARTS:
                slots = self.restarts.unheard[key]
                why = f"{slots} slots in a row died before they could start a trial: {death.why}"
                self.fail(explain_fault(why))
            case Restart.GIVE_UP:
                self._give_up(key, f"{WORKER_DIED} {self.restarts.deaths[key]} times, the last time of {death.why}")

    def _give_up(self, key: str, why: str) -> None:
        """Let the next worker of the trial only end it."""
        with contextlib.suppress(Superseded):  # by another driver, which has the trial now
            token = self.recorder.lock.token
            Checkpoints.of_trial(self.store, self.run, key, token).give_up(Outcome.FAILED, why)

    def _judge_gpu_faults(self, *, at_once: bool) -> None:
        """Count the faults of shared GPUs that are over against the trials to blame."""
        for word in self.gpu_faults.judge(at_once=at_once):
            if self.restarts.on_death(word.key) is Restart.GIVE_UP:
                times = self.restarts.deaths[word.key]
                self._give_up(word.key, f"a GPU failed {times} times under it, the last time of {word.why}")

    def hand_out_again(self, key: str) -> None:
        """Propose a trial that Tune lost together with its slot once more."""
        if key in self.under_way:
            self.lost.append(self.under_way[key].spec)

    @property
    def has_lost(self) -> bool:
        """Whether a running trial waits to be resumed."""
        return bool(self.lost) or self.gpu_faults.holds()

    def exhausted(self) -> str:
        """Which time allowed is used up, in words, empty for none; what runs may end, nothing new starts."""
        return self.recorder.progress.exhausted(self.study.budget)

    def free_what_dead_slots_left(self) -> None:
        """Look now and then for placement groups without an owner: a slot's children die some time after it."""
        now = time.monotonic()
        if needs_group(self.placement.workers, self.placement.gpus_per_worker) and now - self.swept > SWEEP_SECONDS:
            self.swept = now
            free_orphaned_groups()

    @property
    def at_once(self) -> int:
        """How many trials run at the same time now."""
        return self.slots.at_once(self.recorder.progress.progress.done, self.source.total)

    def usable_slots(self) -> int:
        """How many trials could run at the same time on as many nodes as they want; none once the study stops."""
        return 0 if self.stopping else self.slots.usable(self.recorder.progress.progress.done, self.source.total)

    def look_at_cluster(self) -> None:
        """Count again what fits, say what is waited for, and store what was spent while nothing happens."""
        if self.slots.recount():
            self.recorder.progress.resize(self.at_once, len(self.slots.nodes))
        self.request.ask(self.slots.bundles(self.usable_slots(), self.source.machine))
        waiting = self.waiting.look() if self.under_way else ""
        if waiting is not None:
            self.recorder.progress.wait(waiting)
        self.recorder.progress.beat()

    def asked_to_stop(self) -> bool:
        """Whether someone pressed Ctrl-C here or ran `saddle stop` elsewhere, or another driver took the study over."""
        self.stopping = self.stopping or self.recorder.is_lost or self._wish.made()
        return self.stopping
