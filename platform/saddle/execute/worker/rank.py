"""What each rank of a worker group does: it takes trials from the coordinator and trains them, step by step."""

from __future__ import annotations

from typing import Any

from saddle.cluster.credentials import adopt_credentials
from saddle.cluster.failures.worker_exit import note_exits
from saddle.execute.worker.malloc import keep_freed_memory
from saddle.execute.worker.memory_limit import limit_memory
from saddle.execute.worker.output_capture import keeping_output
from saddle.execute.worker.pending_epoch import settled
from saddle.execute.worker.run_context import DataCache
from saddle.execute.worker.trial_runner import Training
from saddle.redaction import redact_logs, redacting
from saddle.trial.messages import Message, ReadyMessage, StartMessage, dump_message


@redacting()
def serve_rank(config: dict[str, Any]) -> None:
    """Ray Train's training function: serve trials until the coordinator says that there are no more."""
    import ray
    import ray.train
    import torch

    redact_logs()
    coordinator, generation = config["coordinator"], config["generation"]
    rank = ray.train.get_context().get_world_rank()
    group = ray.util.get_current_placement_group()
    facts = {
        "actor": ray.get_runtime_context().current_actor,
        "group": group.id.hex() if group is not None else None,
    }
    ray.get(coordinator.join.remote(generation, rank, facts))
    keep_freed_memory()
    note_exits()
    cache: DataCache | None = None
    trial = 0
    while (assignment := ray.get(coordinator.take.remote(generation, trial))) is not None:
        trial, text = assignment
        start = StartMessage.parse(text)
        adopt_credentials(start.placement.storage)
        if cache is None or cache.root != start.placement.data_root:
            cache = DataCache(start.placement.data_root)
        torch.set_num_threads(start.placement.threads)
        limit_memory(start.placement.gpus_per_worker)
        training = Training(start, cache, is_rank_zero=rank == 0)
        messages = keeping_output(training.messages(), start, rank)
        message: Message | ReadyMessage = training.ready()
        barrier = 0
        while ray.get(coordinator.meet.remote(generation, trial, barrier, rank, dump_message(message))) == "go":
            message, barrier = settled(next(messages)), barrier + 1
        messages.close()
