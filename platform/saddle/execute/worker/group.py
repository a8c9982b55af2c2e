"""A warm worker group: one `TorchTrainer` per slot, whose ranks train one trial after the other."""

from __future__ import annotations

import contextlib
import os
import threading
from dataclasses import dataclass, field
from typing import Any

from saddle.cluster.failures import RESTARTS, explain_death, is_process_end
from saddle.cluster.resources import Shape, on_machine
from saddle.execute.worker.coordinator import Exchange
from saddle.execute.worker.rank import serve_rank
from saddle.execute.worker.worker import START_SECONDS, WorkerNotStarted
from saddle.store.checkpoints import Checkpoints
from saddle.store.infrastructure_errors import infrastructure_error
from saddle.store.open import open_store
from saddle.store.scratch import scratch_folder
from saddle.trial.messages import EndMessage, Message, Order, parse_message
from saddle.trial.outcome import Outcome

END_SECONDS = 30.0
"""How long a group may take to end before its placement group is taken away from it."""

TRAIN_SETTINGS = {
    "RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": str(START_SECONDS),
    # how long the end of a group, or a death in it, goes unnoticed
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.5",
    # each of these is a process more per group, and nothing here listens to it
    "RAY_TRAIN_ENABLE_PREEMPTION_WATCHER": "0",
    "RAY_TRAIN_METRICS_ENABLED": "0",
}

COLLECTIVE_SECONDS = 60
"""After this the process group of torch gives a collective up, and the group starts anew."""


@dataclass
class GroupWorker:
    """N ranks (DDP where N > 1) behind one slot, started once and again only after a death."""

    workers: int
    cpus: float
    gpus: float
    machine: str | None = None
    starts: int = 0
    _exchange: Any = None
    _thread: threading.Thread | None = None
    _whole: bool = True
    _placement: str | None = None
    _order: Order | None = None
    _deaths: int = 0
    _why: str = ""
    _failure: list[BaseException] = field(default_factory=list)

    def start(self, order: Order) -> None:
        """Take up a trial, on the warm group where there is one."""
        import ray

        if order != self._order:
            self._deaths = 0
        self._order = order
        if self._thread is None or not self._thread.is_alive() or not self._whole:
            self._launch()
        try:
            ray.get(self._exchange.start.remote(order.dump()))
        except ray.exceptions.RayActorError:  # it died while the group was idle
            self._exchange = None
            self._launch()
            ray.get(self._exchange.start.remote(order.dump()))

    def step(self, timeout: float | None = None) -> Message:
        """Train until the ranks' next joint message; raises `TimeoutError` after `timeout` seconds.

        A group that dies is started anew and goes on from the checkpoint; the trial fails where it dies too often.
        """
        import ray

        assert self._order is not None
        while True:
            try:
                answer = ray.get(self._exchange.step.remote(timeout))
            except ray.exceptions.RayActorError as error:  # the exchange is as mortal as the ranks
                self._exchange, self._failure = None, [error]
                answer = {"ended": str(error)}
            if answer is None:
                raise TimeoutError(f"no epoch ended within {timeout:g} s")
            if "ended" not in answer:
                self._whole = answer["whole"]
                return parse_message(answer["message"])
            self._whole = False
            self._hear_death(answer["ended"])
            if self._deaths > RESTARTS:
                return self._failed(f"the worker group died {self._deaths} times, the last time of {self._why}")
            self.start(self._order)

    def _hear_death(self, ended: str) -> None:
        """Count it against the trial unless a machine went away; raises what machine, disk or network are to blame for.

        What processes died of tells more than what their ends did to others: a collective that broke off.
        """
        for error in self._failure:
            fault = infrastructure_error(error)
            if fault is not None:
                raise fault
        deaths = [explain_death(error) for error in sorted(self._failure, key=is_process_end, reverse=True)]
        if any(death.of_machine for death in deaths):
            return
        self._deaths += 1
        self._why = deaths[0].why if deaths else ended

    def stop(self) -> None:
        """Drop the trial under way, between two of its epochs."""
        import ray

        with contextlib.suppress(ray.exceptions.RayActorError):  # then there is none under way
            ray.get(self._exchange.drop.remote())

    def abandon(self) -> None:
        """Give up a trial whose step doesn't end, and the group with it."""
        self._retire()

    def close(self) -> None:
        """End the group."""
        import ray

        if self._exchange is not None:
            with contextlib.suppress(ray.exceptions.RayError):
                ray.get(self._exchange.close.remote(), timeout=5)
        self._retire(patience=END_SECONDS)

    def _failed(self, why: str) -> EndMessage:
        assert self._order is not None
        store = open_store(self._order.storage, create=False)
        attempt = Checkpoints.of_trial(store, self._order.run, self._order.key).manifest.attempts
        return EndMessage(self._order.key, attempt, str(Outcome.FAILED), why)

    def _launch(self) -> None:
        """Start the group and wait until all its ranks are up."""
        import ray

        self._retire()
        if self._exchange is None:
            self._exchange = ray.remote(num_cpus=0, max_concurrency=1000)(Exchange).remote(self.workers)
        generation = ray.get(self._exchange.begin.remote())
        self._failure, self._whole = [], True
        self.starts += 1
        self._thread = threading.Thread(
            target=self._fit, args=(self._exchange, generation), name="saddle-group", daemon=True
        )
        self._thread.start()
        try:
            ranks = ray.get(self._exchange.await_group.remote(START_SECONDS))
        except ray.exceptions.RayTaskError as error:
            for failure in self._failure:
                if infrastructure_error(failure) is not None or explain_death(failure).of_machine:
                    raise failure from error
            raise WorkerNotStarted(f"the worker group did not start: {error.cause}") from error
        self._placement = ranks[0]["group"]

    def _retire(self, patience: float = 0.0) -> None:
        """See the present group off: give it time to end, then take its placement group, and its ranks with it."""
        import ray
        from ray.util.placement_group import PlacementGroup, remove_placement_group

        if self._thread is None:
            return
        self._thread.join(patience)
        if self._placement is not None:
            # Train removes it at a regular end only; a group left over would keep its resources for ever
            with contextlib.suppress(ValueError, ray.exceptions.RayError):
                identity = ray.PlacementGroupID(bytes.fromhex(self._placement))
                remove_placement_group(PlacementGroup(identity))
        self._thread.join(END_SECONDS)
        self._thread, self._placement = None, None

    def _fit(self, exchange: Any, generation: int) -> None:
        """Run the ranks as Ray Train's workers; however they end, the slot hears of it."""
        import ray

        why = "the group ended"
        try:
            self._train(exchange, generation)
        except BaseException as error:  # the slot must hear of it, or it would wait for ever
            self._failure = failures_in(error)
            why = f"{type(error).__name__}: {error}"
        with contextlib.suppress(ray.exceptions.RayError):
            ray.get(exchange.end_group.remote(generation, why))

    def _train(self, exchange: Any, generation: int) -> None:
        from ray.train import FailureConfig, RunConfig, ScalingConfig
        from ray.train.torch import TorchConfig

        for name, value in TRAIN_SETTINGS.items():
            os.environ.setdefault(name, value)
        with scratch_folder() as scratch:
            make_trainer()(
                serve_rank,
                train_loop_config={"exchange": exchange, "generation": generation},
                scaling_config=ScalingConfig(
                    num_workers=self.workers,
                    use_gpu=self.gpus > 0,
                    resources_per_worker={**Shape(self.cpus, self.gpus).bundle(), **on_machine(self.machine)},
                ),
                torch_config=TorchConfig(backend=self._backend(), timeout_s=COLLECTIVE_SECONDS),
                # Train's own checkpoints are not used: rank 0 writes to the study's store
                run_config=RunConfig(storage_path=str(scratch), failure_config=FailureConfig(max_failures=0)),
            ).fit()

    def _backend(self) -> str:
        """NCCL between whole GPUs, gloo else; whether there are real devices behind them only a worker can say."""
        import ray

        if self.workers == 1 or self.gpus < 1:
            return "gloo"
        probe = ray.remote(num_cpus=0, num_gpus=self.gpus)(_has_cuda)
        return "nccl" if ray.get(probe.remote(), timeout=START_SECONDS) else "gloo"


def make_trainer() -> Any:
    """`TorchTrainer` without two helpers, each of them a process more for every group.

    The one hands out Ray datasets, of which there are none; the other, detached, frees the resources of a dead
    controller, but only where Ray's dashboard is up (see `deaths.free_orphaned_groups`).
    """
    from ray.train.torch import TorchTrainer
    from ray.train.v2._internal.callbacks import DatasetsCallback
    from ray.train.v2._internal.callbacks.placement_group_callback import PlacementGroupCleanerCallback

    class GroupTrainer(TorchTrainer):
        def _create_default_callbacks(self) -> list[Any]:
            unneeded = (DatasetsCallback, PlacementGroupCleanerCallback)
            return [callback for callback in super()._create_default_callbacks() if not isinstance(callback, unneeded)]

    return GroupTrainer


def failures_in(error: BaseException) -> list[BaseException]:
    """The error that a group ended with, and what its ranks and its controller failed of."""
    failures = [error, *getattr(error, "worker_failures", {}).values()]
    controller = getattr(error, "controller_failure", None)
    if controller is not None:
        failures += [controller, controller.__cause__ or controller]
    return [getattr(failure, "health_check_failure", failure) for failure in failures]


def _has_cuda() -> bool:
    import torch

    return torch.cuda.is_available()
