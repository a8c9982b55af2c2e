"""Runs a scheduler's trials through Ray Tune on warm slots."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar

from ray import cloudpickle, tune
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from saddle.cluster.actor_failures import report_all_actor_failures
from saddle.cluster.credentials import withhold_secrets_from_tune
from saddle.cluster.failures import explain_death, unwrap
from saddle.cluster.resources import slot_bundle
from saddle.cluster.tune_memory import forget
from saddle.execute.scheduler import Scheduler
from saddle.execute.worker.slot import MESSAGE, START, Slot
from saddle.execute.worker.trial_runner import working_folders
from saddle.execute.worker.worker import WorkerNotStarted
from saddle.store.infrastructure_errors import full_folder, infrastructure_error
from saddle.store.scratch import scratch_folder
from saddle.trial.messages import EndMessage, EpochMessage, FaultMessage, StartMessage, parse_message

Args = ParamSpec("Args")
Answer = TypeVar("Answer")


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
    """Hands Tune the scheduler's next trial as the configuration of a slot; how trials fare, others hear."""

    def __init__(self, scheduler: Scheduler) -> None:
        super().__init__()
        self._propose = failing_the_study(scheduler, scheduler.propose, None)

    def suggest(self, trial_id: str) -> dict[str, Any] | str:
        start = self._propose()
        return {START: start.dump()} if start is not None else str(Searcher.FINISHED)

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Nothing: Tune doesn't say why a trial ended, the slot's last message does."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing: Optuna's storage and the ledger are the truth, there is no second copy."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing, see `save`."""


class EarlyStopper(Unpickled, FIFOScheduler):
    """Stops a trial when the scheduler says so after an epoch; trials otherwise run in the order they come."""

    def __init__(self, scheduler: Scheduler) -> None:
        super().__init__()
        self._scheduler = scheduler
        self._hear_epoch = failing_the_study(scheduler, self._tell_epoch, False)

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        decision: str = TrialScheduler.STOP if self._hear_epoch(result) else TrialScheduler.CONTINUE
        return decision

    def _tell_epoch(self, result: Mapping[str, Any]) -> bool:
        message = parse_message(result[MESSAGE])
        return isinstance(message, EpochMessage) and self._scheduler.on_epoch(message)


class Ends(Unpickled, tune.Callback):
    """Tells the scheduler how trials end."""

    def __init__(self, scheduler: Scheduler) -> None:
        super().__init__()
        self.scheduler = scheduler
        self.started: set[str] = set()
        self._hear_start = failing_the_study(scheduler, scheduler.on_worker_start, None)
        self._hear_end = failing_the_study(scheduler, self._tell_end, None)
        self._hear_death = failing_the_study(scheduler, self._tell_death, None)

    def on_trial_start(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        self.started.add(trial.trial_id)
        self._hear_start(key_of(trial))

    def on_trial_result(
        self, iteration: int, trials: list[Trial], trial: Trial, result: dict[str, Any], **info: Any
    ) -> None:
        self._hear_end(result)

    def _tell_end(self, result: Mapping[str, Any]) -> None:
        message = parse_message(result[MESSAGE]) if MESSAGE in result else None
        if isinstance(message, EndMessage | FaultMessage):
            self.scheduler.on_end(message)

    def on_step_end(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        forget(trials)

    def on_trial_recover(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        self._hear_death(trial)

    def on_trial_error(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """Tune takes up a trial again whose slot died in a step, but not one whose slot died on its way to it."""
        self._hear_death(trial)
        self.scheduler.hand_out_again(key_of(trial))

    def _tell_death(self, trial: Trial) -> None:
        error = take_error(trial)
        fault = infrastructure_error(error)
        if fault is not None:
            raise fault
        death = explain_death(error)
        fault = None if death.of_machine else full_folder([*working_folders(self.scheduler.store.url), "/dev/shm"])
        if fault is not None:  # torch aborts the process and a mapped file raises SIGBUS where there is no room
            raise fault
        started = trial.trial_id in self.started and not isinstance(unwrap(error), WorkerNotStarted)
        self.started.discard(trial.trial_id)
        self.scheduler.on_worker_death(key_of(trial), death, started=started)


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

    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        look = failing_the_study(self.scheduler, self._look, True)
        return look() or self.scheduler.stopping

    def _look(self) -> bool:
        self.scheduler.free_what_dead_slots_left()
        self.scheduler.look_at_cluster()
        return self.scheduler.asked_to_stop()


def run_trials(scheduler: Scheduler, slots: int, machine: str | None = None) -> None:
    """Run every trial the scheduler proposes, `slots` at once, until there are no more or it was asked to stop.

    All on nodes of one kind of `machine`, if any: Tune keeps slots for trials of the same shape only. Raises what ended
    the study (`Scheduler.failure`).
    """
    withhold_secrets_from_tune()
    report_all_actor_failures()
    bundle = slot_bundle(scheduler.study.resources, machine)
    trainable = tune.with_resources(Slot, tune.PlacementGroupFactory([bundle]))
    with scratch_folder() as scratch:
        tune.Tuner(
            trainable,
            tune_config=tune.TuneConfig(
                search_alg=StudySearcher(scheduler),
                scheduler=EarlyStopper(scheduler),
                num_samples=-1,
                max_concurrent_trials=slots,
                reuse_actors=True,
                trial_name_creator=lambda trial: trial.trial_id,
                trial_dirname_creator=lambda trial: trial.trial_id,
            ),
            run_config=tune.RunConfig(
                name=scheduler.study.study,
                storage_path=str(scratch),  # Tune's own copy of the state is not the truth, and not kept
                callbacks=[Ends(scheduler)],
                stop=Interruption(scheduler),
                failure_config=tune.FailureConfig(max_failures=-1),  # the scheduler counts
                verbose=0,
            ),
        ).fit()
    if scheduler.failure is not None:
        raise scheduler.failure
