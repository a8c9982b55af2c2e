"""A warm worker group: one `TorchTrainer` per slot, whose ranks train one trial after the other."""

from __future__ import annotations

import contextlib
import os
import threading
from dataclasses import dataclass, field
from typing import Any

from saddle.cluster.capacity.resources import Shape, on_machine
from saddle.cluster.failures.causes import explain_death, is_process_end
from saddle.cluster.ray_internals import make_trainer
from saddle.execute.worker.coordinator import Coordinator
from saddle.execute.worker.rank import serve_rank
from saddle.execute.worker.worker import START_SECONDS, WorkerNotStarted
from saddle.store.checkpoint.checkpoints import Checkpoints
from saddle.store.infrastructure_errors import infrastructure_error
from saddle.store.open import open_store
from saddle.store.scratch import scratch_folder
from saddle.trainable_source import TrainableSource
from saddle.trial.messages import EndMessage, Message, StartMessage, parse_message
from saddle.trial.outcome import Outcome
from saddle.trial.placement import Placement
from saddle.trial.restart_policy import Restart, RestartPolicy

END_SECONDS = 30.0
"""How long a group may take to end before its placement group is taken away from it."""

TRAIN_SETTINGS = {
    "RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": str(START_SECONDS),
    # how long the end of a group, or a death in it, goes unnoticed
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.5",
    # each of these is a process more per group, and nothing here listens to it
    "RAY_TRAIN_ENABLE_PREEMPTION_WATCHER": "0",
    "RAY_TRAIN_METRICS_ENABLED": "0",
    # what a rank prints is kept with its trial (see `output_capture`), and goes through no logger of Train's
    "RAY_TRAIN_ENABLE_PRINT_PATCH": "0",
}

COLLECTIVE_SECONDS = 60
"""After this the process group of torch gives a collective up, and the group restarts."""


@dataclass
class GroupWorker:
    """N ranks (DDP where N > 1) behind one slot, started once and again only after a death."""

    placement: Placement
    starts: int = 0
    _coordinator: Any = None
    _thread: threading.Thread | None = None
    _whole: bool = True
    _placement_group: str | None = None
    _message: StartMessage | None = None
    _restarts: RestartPolicy = field(default_factory=RestartPolicy)
    _why: str = ""
    _failure: list[BaseException] = field(default_factory=list)

    def prepare(self, source: TrainableSource) -> None:
        """Start the group; its ranks import the trainable with their first trial."""
        self._launch()

    def start(self, message: StartMessage) -> None:
        """Take up a trial, on the warm group where there is one."""
        import ray

        if message != self._message:
            self._restarts = RestartPolicy()
        self._message = message
        if self._thread is None or not self._thread.is_alive() or not self._whole:
            self._launch()
        try:
            ray.get(self._coordinator.start.remote(message.dump()))
        except ray.exceptions.RayActorError:  # it died while the group was idle
            self._coordinator = None
            self._launch()
            ray.get(self._coordinator.start.remote(message.dump()))

    def step(self, timeout: float | None = None) -> Message:
        """Train until the ranks' next joint message; raises `TimeoutError` after `timeout` seconds.

        A group that dies is restarted and continues from the checkpoint; the trial fails if it dies too often.
        """
        import ray

        assert self._message is not None
        while True:
            try:
                answer = ray.get(self._coordinator.step.remote(timeout))
            except ray.exceptions.RayActorError as error:  # the coordinator may die just as the ranks may
                self._coordinator, self._failure = None, [error]
                answer = {"ended": str(error)}
            if answer is None:
                raise TimeoutError(f"no epoch ended within {timeout:g} s")
            if "ended" not in answer:
                self._whole = answer["whole"]
                return parse_message(answer["message"])
            self._whole = False
            if self._on_death(answer["ended"]) is Restart.GIVE_UP:
                deaths = self._restarts.deaths[self._message.spec.key]
                return self._failed(f"the worker group died {deaths} times, the last time of {self._why}")
            self.start(self._message)

    def _on_death(self, ended: str) -> Restart:
        """Count it against the trial unless a machine went away; raises what machine, disk or network are to blame for.

        The cause of a process's death says more than its effect on others: a collective that broke off.
        """
        for error in self._failure:
            fault = infrastructure_error(error)
            if fault is not None:
                raise fault
        deaths = [explain_death(error) for error in sorted(self._failure, key=is_process_end, reverse=True)]
        if any(death.of_machine for death in deaths):
            return Restart.AGAIN
        self._why = deaths[0].why if deaths else ended
        assert self._message is not None
        return self._restarts.on_death(self._message.spec.key)

    def stop(self) -> None:
        """Drop the running trial, between two of its epochs."""
        import ray

        with contextlib.suppress(ray.exceptions.RayActorError):  # then none is running
            ray.get(self._coordinator.drop.remote())

    def abandon(self) -> None:
        """Give up a trial whose step doesn't end, and the group with it."""
        self._retire()

    def close(self) -> None:
        """End the group."""
        import ray

        if self._coordinator is not None:
            with contextlib.suppress(ray.exceptions.RayError):
                ray.get(self._coordinator.close.remote(), timeout=5)
        self._retire(timeout=END_SECONDS)

    def _failed(self, why: str) -> EndMessage:
        assert self._message is not None
        spec, store = self._message.spec, open_store(self.placement.storage, create=False)
        attempt = Checkpoints.of_trial(store, spec.run, spec.key).manifest.attempts
        return EndMessage(spec.key, attempt, str(Outcome.FAILED), why)

    def _launch(self) -> None:
        """Start the group and wait until all its ranks are up."""
        import ray

        self._retire()
        if self._coordinator is None:
            self._coordinator = ray.remote(num_cpus=0, max_concurrency=1000)(Coordinator).remote(self.placement.workers)
        generation = ray.get(self._coordinator.begin.remote())
        self._failure, self._whole = [], True
        self.starts += 1
        self._thread = threading.Thread(
            target=self._fit, args=(self._coordinator, generation), name="saddle-group", daemon=True
        )
        self._thread.start()
        try:
            ranks = ray.get(self._coordinator.await_group.remote(START_SECONDS))
        except ray.exceptions.RayTaskError as error:
            for failure in self._failure:
                if infrastructure_error(failure) is not None or explain_death(failure).of_machine:
                    raise failure from error
            raise WorkerNotStarted(f"the worker group did not start: {error.cause}") from error
        self._placement_group = ranks[0]["group"]

    def _retire(self, timeout: float = 0.0) -> None:
        """End the present group: give it `timeout` seconds, then take its placement group, and its ranks with it."""
        import ray
        from ray.util.placement_group import PlacementGroup, remove_placement_group

        if self._thread is None:
            return
        self._thread.join(timeout)
        if self._placement_group is not None:
            # Train removes it at a regular end only; a group left over would keep its resources forever
            with contextlib.suppress(ValueError, ray.exceptions.RayError):
                identity = ray.PlacementGroupID(bytes.fromhex(self._placement_group))
                remove_placement_group(PlacementGroup(identity))
        self._thread.join(END_SECONDS)
        self._thread, self._placement_group = None, None

    def _fit(self, coordinator: Any, generation: int) -> None:
        """Run the ranks as Ray Train's workers; however they end, the slot is notified."""
        import ray

        why = "the group ended"
        try:
            self._train(coordinator, generation)
        except BaseException as error:  # the slot must be notified, or it would wait forever
            self._failure = failures_in(error)
            why = f"{type(error).__name__}: {error}"
        with contextlib.suppress(ray.exceptions.RayError):
            ray.get(coordinator.end_group.remote(generation, why))

    def _train(self, coordinator: Any, generation: int) -> None:
        from ray.train import FailureConfig, RunConfig, ScalingConfig
        from ray.train.torch import TorchConfig

        for name, value in TRAIN_SETTINGS.items():
            os.environ.setdefault(name, value)
        shape = Shape(self.placement.cpus_per_worker, self.placement.gpus_per_worker)
        with scratch_folder() as scratch:
            make_trainer()(
                serve_rank,
                train_loop_config={"coordinator": coordinator, "generation": generation},
                scaling_config=ScalingConfig(
                    num_workers=self.placement.workers,
                    use_gpu=self.placement.gpus_per_worker > 0,
                    resources_per_worker={**shape.bundle(), **on_machine(self.placement.machine)},
                ),
                torch_config=TorchConfig(backend=self._backend(), timeout_s=COLLECTIVE_SECONDS),
                # Train's own checkpoints are not used: rank 0 writes to the study's store
                run_config=RunConfig(storage_path=str(scratch), failure_config=FailureConfig(max_failures=0)),
            ).fit()

    def _backend(self) -> str:
        """NCCL between whole GPUs, gloo else; whether there are real devices behind them only a worker can say."""
        import ray

        if self.placement.workers == 1 or self.placement.gpus_per_worker < 1:
            return "gloo"
        probe = ray.remote(num_cpus=0, num_gpus=self.placement.gpus_per_worker)(_has_cuda)
        return "nccl" if ray.get(probe.remote(), timeout=START_SECONDS) else "gloo"


def failures_in(error: BaseException) -> list[BaseException]:
    """The error that a group ended with, and why its ranks and its controller failed."""
    failures = [error, *getattr(error, "worker_failures", {}).values()]
    controller = getattr(error, "controller_failure", None)
    if controller is not None:
        failures += [controller, controller.__cause__ or controller]
    return [getattr(failure, "health_check_failure", failure) for failure in failures]


def _has_cuda() -> bool:
    import torch

    return torch.cuda.is_available()
