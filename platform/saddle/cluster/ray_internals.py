"""Every private name of Ray's that saddle uses, in one place; this file's tests say what breaks without each."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterable, Iterator
from typing import Any

HEAD_NODE = "node:__internal_head__"
"""The resource that only a cluster's head has."""

CHATTY_LOGGERS = (
    "ray.util.client", "ray._private.runtime_env.packaging", "ray.dashboard.modules.dashboard_sdk",
    "ray.dashboard.modules.job.sdk",
)  # fmt: skip

HARMLESS_QUESTIONS = (
    "/ray.rpc.NodeInfoGcsService/CheckAlive", "/ray.rpc.NodeManagerService/GetNodeStats",
    "/ray.rpc.ObjectManagerService/Pull", "/ray.rpc.CoreWorkerService/GetCoreWorkerStats",
    "/ray.rpc.ReporterService/HealthCheck",
)  # fmt: skip
"""A question for each kind of Ray's processes; empty, it asks for nothing."""

FAILURE_HANDLERS = ("_actor_start_failed", "_actor_task_failed")
"""What Tune's manager of actors does with an error of an actor's start, or of a call."""

MANY_ACTORS = 10**6
"""More than a run of Tune's ever has."""


# this process and its machine


def own_node() -> Any:
    """What this process is connected to: `head`, `gcs_address`, `all_processes` and so on; None without a Ray."""
    import ray

    return ray._private.worker._global_node


def logs_folder() -> str:
    """Ray's folder of logs on this machine, also in a worker."""
    from ray._private.worker import global_worker

    return str(global_worker.node.get_logs_dir_path())


def machine_resources() -> dict[str, float]:
    """The CPUs and GPUs that a Ray started here would find."""
    from ray._private.accelerators import get_accelerator_manager_for_resource
    from ray._private.utils import get_num_cpus

    gpus = get_accelerator_manager_for_resource("GPU").get_current_node_num_accelerators()
    return {"CPU": float(get_num_cpus(override_docker_cpu_warning=True)), "GPU": float(gpus)}


def remove_job_variables(environment: dict[str, str]) -> None:
    """Remove what a process of Ray's hands its children, so that a driver among them starts as one of its own."""
    from ray._private.utils import remove_ray_internal_flags_from_env

    remove_ray_internal_flags_from_env(environment)


@contextlib.contextmanager
def taken_for_alone() -> Iterator[None]:
    """Let a Ray that is started meanwhile keep the loopback address that it is given.

    It replaces one by an address that others reach, except on systems where it assumes to be alone;
    `RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER=0` says so, but is read only when Ray is first imported.
    """
    from ray._private import ray_constants

    before = ray_constants.ENABLE_RAY_CLUSTER
    ray_constants.ENABLE_RAY_CLUSTER = False
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = before


class NoFolders(list[str]):
    """A list of folders that stays empty."""

    def extend(self, folders: Iterable[str]) -> None:
        """Nothing, see `job_without_folders`."""


def job_without_folders() -> Any:
    """Ray's settings of a job whose workers import installed packages only.

    Ray (2.60) extends this list by the driver's working directory and its script's folder, and workers look there
    first: a `queue.py` or `trainables.py` in it kept every slot from starting. Nothing of ours needs them: trainables
    are found by their distribution's entry points.
    """
    from ray.job_config import JobConfig

    config = JobConfig()
    config._py_driver_sys_path = NoFolders()
    return config


# tokens


def token_loader() -> Any:
    """Ray's own reading of the token."""
    return importlib.import_module("ray._raylet").AuthenticationTokenLoader.instance()


def reread_authentication() -> None:
    """Let Ray read mode and token again; it reads each once per process."""
    importlib.import_module("ray._raylet").Config.initialize("")
    token_loader().reset_cache()


# the cluster's own tables: the public State API would need the dashboard, which a local Ray doesn't start


def _tables() -> Any:
    from ray._private.state import state

    return state._connect_and_get_accessor()


def actors() -> Iterator[Any]:
    """Every actor that the cluster knows, dead ones included: `actor_id`, `node_id`, `pid`, `death_cause`."""
    from ray.core.generated.gcs_pb2 import ActorTableData

    return map(ActorTableData.FromString, _tables().get_actor_table(None, None))


def is_dead(actor: Any) -> bool:
    """Whether an actor is gone permanently."""
    return bool(actor.state == type(actor).DEAD)


def died_with_its_node(context: Any) -> bool:
    """Whether an actor is gone because its machine is, or its owner's; `context` is its `actor_died_error_context`."""
    return context.reason in (type(context).NODE_DIED, type(context).OWNER_DIED)


def placement_groups() -> Iterator[Any]:
    """Every placement group that was not removed: `placement_group_id`, `creator_job_id`, `bundles` and so on."""
    from ray.core.generated.gcs_pb2 import PlacementGroupTableData

    groups = map(PlacementGroupTableData.FromString, _tables().get_placement_group_table())
    return (group for group in groups if group.state != PlacementGroupTableData.REMOVED)


def is_pending(group: Any) -> bool:
    """Whether a placement group has found no room yet."""
    return bool(group.state == type(group).PENDING)


def other_jobs(own: bytes) -> list[Any]:
    """The jobs that run on the cluster, but for this one and Ray's own."""
    from ray.core.generated.gcs_pb2 import JobTableData

    jobs = map(JobTableData.FromString, _tables().get_job_table())
    alive = (job for job in jobs if job.job_id != own and not job.is_dead)
    return [job for job in alive if not job.config.ray_namespace.startswith("_ray_internal")]


def ended_jobs() -> set[bytes]:
    """The ids of the jobs whose drivers are gone."""
    from ray.core.generated.gcs_pb2 import JobTableData

    return {job.job_id for job in map(JobTableData.FromString, _tables().get_job_table()) if job.is_dead}


def live_jobs() -> set[str]:
    """The ids of the jobs whose drivers run, in hexadecimal digits as Ray writes them."""
    from ray.core.generated.gcs_pb2 import JobTableData

    jobs = map(JobTableData.FromString, _tables().get_job_table())
    return {job.job_id.hex() for job in jobs if not job.is_dead}


def draining_nodes() -> Any:
    """The ids of machines that are about to leave."""
    return _tables().get_draining_nodes()


# questions to a cluster that this process is not connected to; each is a call and what to call it with


def ask_alive(channel: Any, *, of_client: bool) -> tuple[Any, Any]:
    """Whether the cluster's server (GCS), or that of Ray Client, is there."""
    from ray.core.generated import gcs_service_pb2, gcs_service_pb2_grpc, ray_client_pb2, ray_client_pb2_grpc

    if of_client:
        ping = ray_client_pb2.ClusterInfoRequest(type=ray_client_pb2.ClusterInfoType.PING)
        return ray_client_pb2_grpc.RayletDriverStub(channel).ClusterInfo, ping
    return gcs_service_pb2_grpc.NodeInfoGcsServiceStub(channel).CheckAlive, gcs_service_pb2.CheckAliveRequest()


def ask_metadata(channel: Any) -> tuple[Any, Any]:
    """What the cluster recorded when it was started, as JSON in `value`; `ray_init_cluster` says by whom."""
    from ray._common.usage.usage_constants import CLUSTER_METADATA_KEY
    from ray._private.ray_constants import KV_NAMESPACE_CLUSTER
    from ray.core.generated import gcs_service_pb2, gcs_service_pb2_grpc

    question = gcs_service_pb2.InternalKVGetRequest(key=CLUSTER_METADATA_KEY, namespace=KV_NAMESPACE_CLUSTER)
    return gcs_service_pb2_grpc.InternalKVGcsServiceStub(channel).InternalKVGet, question


# Tune and Train


def variables_for_tune() -> set[str]:
    """The names of environment variables that Tune copies into the runtime environment of its actors."""
    from ray.tune.execution import class_cache

    names: set[str] = class_cache.ENV_VARS_TO_PROPAGATE
    return names


def actor_manager() -> Any:
    """Tune's manager of actors, a class with the methods in `FAILURE_HANDLERS`."""
    from ray.air.execution._internal.actor_manager import RayActorManager

    return RayActorManager


def empty_trial(trial: Any) -> None:
    """Let go of what Tune's trial holds: its results, its resources, its configuration."""
    from ray.tune.trainable.metadata import _TrainingRunMetadata

    trial.run_metadata = _TrainingRunMetadata()
    trial.placement_group_factory = None
    trial.config = {}


def keep_idle_actors(controller: Any, trial: Any, *, kept: bool) -> None:
    """Let Tune keep the actors of all trials of this shape that end, as long as they are to be `kept`.

    Else it keeps of those that no trial waits for a single one, until there are no more trials. `controller` is what
    Tune hands its schedulers.
    """
    cache, shape = controller._tune_controller._actor_cache, trial.placement_group_factory
    has_room = cache._max_num_objects[shape] >= MANY_ACTORS
    if kept and not has_room:
        cache.increase_max(shape, MANY_ACTORS)
    elif has_room and not kept:
        cache.decrease_max(shape, MANY_ACTORS)


def keep_starting_actors(controller: Any) -> None:
    """Keep Tune from giving a trial to an idle actor while the trial's own is being started; `controller` as above.

    Tune ends the new actor then, starts another for the next trial, and so on: if trials are shorter than a start, a
    node that has joined is never used.
    """
    inner = controller._tune_controller
    if hasattr(inner, "_saddle_reuse"):
        return
    inner._saddle_reuse = inner._maybe_reuse_cached_actor

    def reuse(trial: Any) -> bool:
        own = None if trial in inner._resetting_trials else inner._trial_to_actor.get(trial)
        starting = own is not None and inner._actor_manager.is_actor_started(own)
        return False if starting else bool(inner._saddle_reuse(trial))

    inner._maybe_reuse_cached_actor = reuse


def make_trainer() -> Any:
    """`TorchTrainer` without two helpers, each of them a process more for every group.

    One hands out Ray datasets, and there are none here; the other, detached, frees the resources of a dead
    controller, but only where Ray's dashboard is up (see `failures.free_orphaned_groups`).
    """
    from ray.train.torch import TorchTrainer
    from ray.train.v2._internal.callbacks import DatasetsCallback
    from ray.train.v2._internal.callbacks.placement_group_callback import PlacementGroupCleanerCallback

    class GroupTrainer(TorchTrainer):
        def _create_default_callbacks(self) -> list[Any]:
            unneeded = (DatasetsCallback, PlacementGroupCleanerCallback)
            return [callback for callback in super()._create_default_callbacks() if not isinstance(callback, unneeded)]

    return GroupTrainer
