"""Runs a conductor's trials through Ray Tune on warm slots."""

from __future__ import annotations

from typing import Any

from ray import tune
from ray.tune.experiment import Trial

from saddle.execute.conductor import Conductor
from saddle.execute.credentials import withhold_secrets_from_tune
from saddle.execute.forgetting import forget
from saddle.execute.order import Order
from saddle.execute.shapes import slot_bundle
from saddle.execute.slot import ORDER, Slot
from saddle.scratch import scratch_folder
from saddle.search.searcher import EarlyStopper, StudySearcher


class OfThisRun:
    """Holds the conductor, but not in a pickle: Tune pickles what it is given, for a restore that never comes."""

    def __init__(self, conductor: Conductor) -> None:
        self.conductor = conductor

    def __getstate__(self) -> dict[str, Any]:
        return {}


class Ends(OfThisRun, tune.Callback):
    """Tells the conductor how trials end."""

    def on_trial_result(
        self, iteration: int, trials: list[Trial], trial: Trial, result: dict[str, Any], **info: Any
    ) -> None:
        self.conductor.hear_end(result)

    def on_step_end(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        forget(trials)

    def on_trial_recover(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        self.conductor.hear_death(key_of(trial), error_of(trial))

    def on_trial_error(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """Tune takes up a trial again whose slot died in a step, but not one whose slot died on its way to it."""
        self.conductor.hear_death(key_of(trial), error_of(trial))
        self.conductor.hand_out_again(key_of(trial))


def key_of(trial: Trial) -> str:
    """Our name of the trial that Tune's is about."""
    return Order.parse(trial.config[ORDER]).key


def error_of(trial: Trial) -> BaseException | str:
    """The last thing that went wrong in Tune's trial."""
    return trial.get_pickled_error() or str(trial.get_error())


class Interruption(OfThisRun, tune.Stopper):
    """Ends the run once somebody asked for it."""

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        self.conductor.free_what_dead_slots_left()
        self.conductor.look_at_cluster()
        return self.conductor.asked_to_stop()


def run_trials(conductor: Conductor, slots: int, machine: str | None = None) -> None:
    """Run every trial the conductor proposes, `slots` at once, until there are no more or it was asked to stop.

    All on nodes of one kind of `machine`, if any: Tune keeps slots for trials of the same shape only.
    """
    withhold_secrets_from_tune()
    bundle = slot_bundle(conductor.study.resources, machine)
    trainable = tune.with_resources(Slot, tune.PlacementGroupFactory([bundle]))
    with scratch_folder() as scratch:
        tune.Tuner(
            trainable,
            tune_config=tune.TuneConfig(
                search_alg=StudySearcher(conductor.propose, conductor.order),
                scheduler=EarlyStopper(conductor.hear_epoch),
                num_samples=-1,
                max_concurrent_trials=slots,
                reuse_actors=True,
                trial_name_creator=lambda trial: trial.trial_id,
                trial_dirname_creator=lambda trial: trial.trial_id,
            ),
            run_config=tune.RunConfig(
                name=conductor.study.study,
                storage_path=str(scratch),  # Tune's own copy of the state is not the truth, and not kept
                callbacks=[Ends(conductor)],
                stop=Interruption(conductor),
                failure_config=tune.FailureConfig(max_failures=-1),  # the conductor counts
                verbose=0,
            ),
        ).fit()
