"""Runs the trials of studies through Ray Tune on warm slots."""

from __future__ import annotations

import logging
import os
import pathlib
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar

from ray import cloudpickle, tune
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from saddle.cluster.credentials import withhold_secrets_from_tune
from saddle.cluster.failures.actor_failures import report_all_actor_failures
from saddle.cluster.failures.causes import explain_death, unwrap
from saddle.cluster.ray_internals import keep_idle_actors, keep_starting_actors
from saddle.cluster.tune_memory import forget
from saddle.execute.handover import Handover
from saddle.execute.scheduler import Scheduler
from saddle.execute.worker.errand import ANSWER, unpack
from saddle.execute.worker.slot import MESSAGE, START, WARM_UP, Slot
from saddle.execute.worker.trial_runner import working_folders
from saddle.execute.worker.worker import WorkerNotStarted
from saddle.store.infrastructure_errors import full_folder, infrastructure_error
from saddle.store.scratch import scratch_folder
from saddle.trial.messages import EpochMessage, LastMessage, StartMessage, parse_message

Args = ParamSpec("Args")
Answer = TypeVar("Answer")
Event = TypeVar("Event")

UNLIMITED = 10**6
"""How many trials Tune may run at the same time: the study whose turn it is gives it no more than fit."""

log = logging.getLogger(__name__)


class Unpickled:
    """What Tune is given: it pickles all of it, for a restore that never comes."""

    def __getstate__(self) -> dict[str, Any]:
        return {}


def failing_the_study(scheduler: Scheduler, call: Callable[Args, Answer], otherwise: Answer) -> Callable[Args, Answer]:
    """`call`, whose errors end the study: Tune would take them for errors of the trial that it happens to be at."""

    def guarded(*args: Args.args, **kwargs: Args.kwargs) -> Answer:
        try:
            return call(*args, **kwargs) if scheduler.failure is None else otherwise
        except Exception as error:  # raised again once Tune has ended
            scheduler.fail(error)
            return otherwise

    return guarded


class StudySearcher(Unpickled, Searcher):
    """Hands Tune the scheduler's next trial as the configuration of a slot; results go elsewhere."""

    def __init__(self, handover: Handover) -> None:
        super().__init__()
        self._handover = handover

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        config = self._handover.next_config(trial_id, next_start)
        return str(Searcher.FINISHED) if config is None and self._handover.finished else config

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Tune doesn't say why a trial ended, the slot's last message does."""
        self._handover.ended(trial_id)

    def save(self, checkpoint_path: str) -> None:
        """Nothing: Optuna's storage and the ledger are the truth, there is no second copy."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing, see `save`."""


def next_start(scheduler: Scheduler) -> dict[str, Any] | None:
    """The configuration of a slot that trains the scheduler's next trial; None if there is none for now."""
    start = failing_the_study(scheduler, scheduler.propose, None)()
    return {START: start.dump()} if start is not None else None


class EarlyStopper(Unpickled, FIFOScheduler):
    """Stops a trial when the scheduler says so after an epoch; trials otherwise run in the order they come."""

    def __init__(self, handover: Handover) -> None:
        super().__init__()
        self._handover = handover

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:
        """Let Tune keep the slots of trials that end, also while none waits for them, unless no study is to come."""
        if is_of_no_study(trial):
            trial.max_failures = 0
        turn = self._handover.turn
        keep_idle_actors(tune_controller, trial, kept=turn is None or not turn.last)
        keep_starting_actors(tune_controller)
        super().on_trial_add(tune_controller, trial)

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        stops = self._handover.warmed_up(trial.trial_id) if WARM_UP in trial.config else self._is_hopeless(result)
        decision: str = TrialScheduler.STOP if stops else TrialScheduler.CONTINUE
        return decision

    def _is_hopeless(self, result: Mapping[str, Any]) -> bool:
        scheduler = self._handover.scheduler
        message = parse_message(result[MESSAGE]) if MESSAGE in result else None
        if scheduler is None or not isinstance(message, EpochMessage):
            return False
        return failing_the_study(scheduler, scheduler.on_epoch, False)(message)


class Ends(Unpickled, tune.Callback):
    """Reports to the scheduler how trials end."""

    def __init__(self, handover: Handover) -> None:
        super().__init__()
        self._handover = handover
        self.started: set[str] = set()

    def _tell(self, tell: Callable[[Scheduler, Event], None], what: Event) -> None:
        scheduler = self._handover.scheduler
        if scheduler is not None:
            failing_the_study(scheduler, tell, None)(scheduler, what)

    def on_trial_start(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        self.started.add(trial.trial_id)
        if not is_of_no_study(trial):
            self._tell(Scheduler.on_worker_start, key_of(trial))

    def on_trial_result(
        self, iteration: int, trials: list[Trial], trial: Trial, result: dict[str, Any], **info: Any
    ) -> None:
        if ANSWER in result:
            self._handover.end_errand(trial.trial_id, unpack(result[ANSWER]))
        message = parse_message(result[MESSAGE]) if MESSAGE in result else None
        if isinstance(message, LastMessage):
            self._tell(Scheduler.on_end, message)

    def on_step_end(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        forget(trials)

    def on_trial_recover(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        self._tell(self._tell_death, trial)

    def on_trial_error(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """Tune resumes a trial whose slot died in a step, but not one whose slot died on its way to it."""
        if is_of_no_study(trial):
            error = take_error(trial)
            log.info("a slot that trained nothing has ended: %s", error)
            self._handover.end_errand(trial.trial_id, error=error)
            return
        self._tell(self._tell_death, trial)
        self._tell(Scheduler.hand_out_again, key_of(trial))

    def _tell_death(self, scheduler: Scheduler, trial: Trial) -> None:
        error = take_error(trial)
        fault = infrastructure_error(error)
        if fault is not None:
            raise fault
        death = explain_death(error)
        fault = None if death.of_machine else full_folder([*working_folders(scheduler.store.url), "/dev/shm"])
        if fault is not None:  # torch aborts the process and a mapped file raises SIGBUS where there is no room
            raise fault
        started = trial.trial_id in self.started and not isinstance(unwrap(error), WorkerNotStarted)
        self.started.discard(trial.trial_id)
        scheduler.on_worker_death(key_of(trial), death, started=started)


def is_of_no_study(trial: Trial) -> bool:
    """Whether Tune's trial only starts a slot or is an errand; what ends one would end a study's next trial."""
    return START not in trial.config


def key_of(trial: Trial) -> str:
    """Our name of the trial that Tune's is about."""
    return StartMessage.parse(trial.config[START]).spec.key


def take_error(trial: Trial) -> BaseException:
    """What just went wrong in Tune's trial.

    Tune hands it on in files of this machine, which `Trial.get_pickled_error` looks for in the experiment's storage,
    where they aren't yet. They are removed, because an error that can't be pickled would leave an earlier one's there.
    """
    error: BaseException | None = None
    for path, read in ((trial.pickled_error_file, cloudpickle.loads), (trial.error_file, _as_error)):
        if path is not None and os.path.exists(path):
            content = pathlib.Path(path).read_bytes()
            os.unlink(path)
            error = error or read(content)
    return error or RuntimeError("Tune does not say why")


def _as_error(content: bytes) -> BaseException:
    return RuntimeError(content.decode(errors="replace").strip())


class Interruption(Unpickled, tune.Stopper):
    """Ends the run once somebody asked for it."""

    def __init__(self, handover: Handover) -> None:
        self._handover = handover

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        scheduler = self._handover.scheduler
        if self._handover.closing or scheduler is None:
            return self._handover.closing
        self._handover.resize(scheduler.at_once)
        return failing_the_study(scheduler, look_around, True)(scheduler) or scheduler.stopping


def look_around(scheduler: Scheduler) -> bool:
    """What the driver looks at while trials run; whether the study is to be stopped."""
    scheduler.free_what_dead_slots_left()
    scheduler.look_at_cluster()
    return scheduler.asked_to_stop()


def run_tune(handover: Handover, bundle: dict[str, float], name: str) -> None:
    """Run the trials of every study that is handed over, in slots of one shape, until that is closed.

    One shape, as Tune keeps slots for trials of the same only. How many run at the same time each study says.
    """
    withhold_secrets_from_tune()
    report_all_actor_failures()
    trainable = tune.with_resources(Slot, tune.PlacementGroupFactory([bundle]))
    with scratch_folder() as scratch:
        tune.Tuner(
            trainable,
            tune_config=tune.TuneConfig(
                search_alg=StudySearcher(handover),
                scheduler=EarlyStopper(handover),
                num_samples=-1,
                max_concurrent_trials=UNLIMITED,
                reuse_actors=True,
                trial_name_creator=lambda trial: trial.trial_id,
                trial_dirname_creator=lambda trial: trial.trial_id,
            ),
            run_config=tune.RunConfig(
                name=name,
                storage_path=str(scratch),  # Tune's own copy of the state is not the truth, and not kept
                callbacks=[Ends(handover)],
                stop=Interruption(handover),
                failure_config=tune.FailureConfig(max_failures=-1),  # the scheduler counts
                verbose=0,
            ),
        ).fit()
