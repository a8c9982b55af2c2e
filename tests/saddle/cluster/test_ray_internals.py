"""Each name that Ray keeps for itself is there and does what it is used for; a test's id says what breaks otherwise."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from ray.tune.experiment import Trial

from saddle.cluster import ray_internals as internals
from tests.support.waiting import wait_until


def of_this_machine() -> None:
    found = internals.machine_resources()
    assert found["CPU"] >= 1
    assert found["GPU"] >= 0


def of_a_job() -> None:
    environment = {"RAY_JOB_ID": "01000000", "RAY_RAYLET_PID": "7", "PATH": "/bin"}
    internals.remove_job_variables(environment)
    assert environment == {"PATH": "/bin"}


def of_loopback() -> None:
    from ray._private import node, ray_constants

    before = ray_constants.ENABLE_RAY_CLUSTER
    with internals.taken_for_alone():
        assert ray_constants.ENABLE_RAY_CLUSTER is False
    assert ray_constants.ENABLE_RAY_CLUSTER is before
    assert "ENABLE_RAY_CLUSTER" in inspect.getsource(internals_of_services()), "where an address is replaced"
    assert node


def internals_of_services() -> Any:
    from ray._private import services

    return services


def of_folders() -> None:
    from ray._private import worker
    from ray.job_config import JobConfig

    assert JobConfig()._py_driver_sys_path == []
    assert "_py_driver_sys_path.extend" in inspect.getsource(worker.connect), "the one way in which Ray adds to it"
    config = internals.job_without_folders()
    config._py_driver_sys_path.extend(["/folder/of/the/script"])
    assert config._py_driver_sys_path == []


def of_tokens() -> None:
    internals.reread_authentication()
    assert internals.token_loader().has_token(ignore_auth_mode=True) in (True, False)
    assert callable(internals.token_loader().get_token_for_http_header)


def of_questions() -> None:
    import grpc

    with grpc.insecure_channel("127.0.0.1:1") as channel:
        for ask, question in (
            internals.ask_alive(channel, of_client=False),
            internals.ask_alive(channel, of_client=True),
            internals.ask_metadata(channel),
        ):
            with pytest.raises(grpc.RpcError) as error:
                ask(question, timeout=5)
            assert error.value.code() == grpc.StatusCode.UNAVAILABLE, "it was asked, and nobody is there"


def of_tunes_variables() -> None:
    assert "RAY_CHDIR_TO_TRIAL_DIR" in internals.variables_for_tune()


def of_tunes_actors() -> None:
    for name in internals.FAILURE_HANDLERS:
        assert "exception" in inspect.signature(getattr(internals.actor_manager(), name)).parameters


def of_tunes_memory() -> None:
    trial = Trial("__none", config={"x": 1}, stub=True)
    trial.update_last_result({"score": 0.5, "training_iteration": 1})
    assert trial.run_metadata.metric_analysis
    internals.empty_trial(trial)
    assert (trial.config, dict(trial.run_metadata.metric_analysis)) == ({}, {})
    assert hasattr(trial, "placement_group_factory")


def of_tunes_idle_actors() -> None:
    from ray.tune.execution.tune_controller import TrialRunnerWrapper, TuneController
    from ray.tune.utils.object_cache import _ObjectCache

    kept = _ObjectCache(may_keep_one=True)
    trial = Trial("__none", stub=True)
    trial.placement_group_factory = "a shape"
    wrapper = TrialRunnerWrapper(SimpleNamespace(_actor_cache=kept), None)
    for _ in range(2):
        internals.keep_idle_actors(wrapper, trial, kept=True)
    assert all(kept.cache_object("a shape", slot) for slot in range(3))
    assert list(kept.flush_cached_objects()) == []
    for _ in range(2):
        internals.keep_idle_actors(wrapper, trial, kept=False)
    assert len(list(kept.flush_cached_objects())) == 3
    assert "_actor_cache" in inspect.getsource(TuneController.__init__)


def of_tunes_reuse() -> None:
    from ray.air.execution._internal import RayActorManager
    from ray.tune.execution.tune_controller import TrialRunnerWrapper, TuneController

    handed: list[str] = []
    names = {
        "_trial_to_actor": {"its own starts": "starting", "its own waits for room": "waiting"},
        "_resetting_trials": set[str](),
        "_actor_manager": SimpleNamespace(is_actor_started=lambda actor: actor == "starting"),
        "_maybe_reuse_cached_actor": lambda trial: not handed.append(trial),  # type: ignore[func-returns-value]
    }
    controller = SimpleNamespace(**names)
    for _ in range(2):
        internals.keep_starting_actors(TrialRunnerWrapper(controller, None))
    trials = ["its own starts", "its own waits for room", "has none"]
    assert [controller._maybe_reuse_cached_actor(trial) for trial in trials] == [False, True, True]
    assert handed == trials[1:], "asked once each"
    assert all(name in inspect.getsource(TuneController) for name in names)
    assert callable(RayActorManager.is_actor_started)


def of_tunes_errors() -> None:
    for name in ("pickled_error_file", "error_file"):
        assert hasattr(Trial, name)


def of_trains_callbacks() -> None:
    from ray.train.torch import TorchTrainer

    own = internals.make_trainer()
    assert own._create_default_callbacks is not TorchTrainer._create_default_callbacks
    assert issubclass(own, TorchTrainer)


def of_trains_errors() -> None:
    from ray.train import ControllerError, WorkerGroupError
    from ray.train.v2._internal.exceptions import WorkerHealthCheckFailedError

    lost = OSError("lost")
    assert WorkerGroupError("", {1: lost}).worker_failures == {1: lost}
    assert ControllerError(lost).controller_failure is lost
    assert WorkerHealthCheckFailedError("", lost).health_check_failure is lost


WITHOUT_RAY: dict[str, Callable[[], None]] = {
    "`saddle plan` and `check` would not know this machine's CPUs and GPUs": of_this_machine,
    "a driver on a head node would take itself for a worker of the job that started it": of_a_job,
    "a Ray of our own would be reached from other machines": of_loopback,
    "a queue.py beside the study file would keep every slot from starting": of_folders,
    "a Ray of our own would demand no token, and a cluster's would not be found": of_tokens,
    "a cluster would be joined without knowing whether it lets everybody in, or is another program's": of_questions,
    "Tune would show S3 keys on the dashboard": of_tunes_variables,
    "a worker that ran out of memory would end the study": of_tunes_actors,
    "a study of ten thousand trials would fill the driver's memory": of_tunes_memory,
    "of the slots that wait for the next study all but one would end": of_tunes_idle_actors,
    "where trials are short, nodes that join would never be used": of_tunes_reuse,
    "nobody would learn what a slot died of": of_tunes_errors,
    "every worker group would start two processes more": of_trains_callbacks,
    "nobody would learn what a rank died of": of_trains_errors,
}


@pytest.mark.parametrize("probe", WITHOUT_RAY.values(), ids=WITHOUT_RAY)
def test_without_it(probe: Callable[[], None]) -> None:
    probe()


def test_a_death_would_be_blamed_on_nobody_and_what_a_dead_slot_held_never_freed(ray_session: Any) -> None:
    import ray
    from ray.util.placement_group import placement_group, remove_placement_group

    class Idle:
        def process(self) -> int:
            return os.getpid()

    actor = ray.remote(num_cpus=0)(Idle).remote()
    process = ray.get(actor.process.remote())
    [known] = [one for one in internals.actors() if one.pid == process]
    assert not internals.is_dead(known)
    assert known.node_id.hex() == ray.get_runtime_context().get_node_id()
    ray.kill(actor)

    def same_actor_dead() -> Any:
        [now] = [one for one in internals.actors() if one.actor_id == known.actor_id]
        return now if internals.is_dead(now) else None

    known = wait_until(same_actor_dead, "the actor's death")
    assert known.death_cause.HasField("actor_died_error_context")
    assert not internals.died_with_its_node(known.death_cause.actor_died_error_context)
    group = placement_group([{"CPU": 1000.0}])
    [waiting] = internals.placement_groups()
    assert internals.is_pending(waiting)
    assert [dict(bundle.unit_resources) for bundle in waiting.bundles] == [{"CPU": 1000.0}]
    assert waiting.creator_job_id == bytes.fromhex(ray.get_runtime_context().get_job_id())
    remove_placement_group(group)
    assert list(internals.placement_groups()) == []
    assert not internals.draining_nodes()


def test_nobody_would_notice_that_the_cluster_is_gone_nor_who_else_is_there(ray_session: Any) -> None:
    import ray

    node = internals.own_node()
    assert node.head
    assert node.gcs_address == ray.get_runtime_context().gcs_address
    assert {"gcs_server", "raylet"} <= set(node.all_processes)
    assert list(node.dead_processes()) == []
    assert os.path.isdir(internals.logs_folder())
    job = bytes.fromhex(ray.get_runtime_context().get_job_id())
    assert internals.other_jobs(job) == []
    assert [one.job_id for one in internals.other_jobs(b"")] == [job]


def test_a_driver_could_not_be_put_on_the_head(ray_session: Any) -> None:
    import ray

    assert ray.cluster_resources()[internals.HEAD_NODE] == 1.0
