"""What each rank of a worker group does: it takes trials from the exchange and trains them, step by step."""

from __future__ import annotations

from typing import Any

from saddle.cluster.credentials import adopt_credentials
from saddle.cluster.worker_exit import note_exits
from saddle.execute.worker.malloc import keep_freed_memory
from saddle.execute.worker.run_context import DataCache
from saddle.execute.worker.trial_runner import Training
from saddle.redaction import redact_logs, redacting
from saddle.trial.messages import Message, Order, ReadyMessage, dump_message


@redacting()
def serve_rank(config: dict[str, Any]) -> None:
    """Ray Train's training function: serve trials until the exchange says that there are no more."""
    import ray
    import ray.train
    import torch

    redact_logs()
    exchange, generation = config["exchange"], config["generation"]
    rank = ray.train.get_context().get_world_rank()
    group = ray.util.get_current_placement_group()
    facts = {
        "actor": ray.get_runtime_context().current_actor,
        "group": group.id.hex() if group is not None else None,
    }
    ray.get(exchange.join.remote(generation, rank, facts))
    keep_freed_memory()
    note_exits()
    cache: DataCache | None = None
    serial = 0
    while (taken := ray.get(exchange.take.remote(generation, serial))) is not None:
        serial, text = taken
        order = Order.parse(text)
        adopt_credentials(order.storage)
        if cache is None or cache.root != order.data_root:
            cache = DataCache(order.data_root)
        torch.set_num_threads(order.threads)
        training = Training(order, cache, is_rank_zero=rank == 0)
        messages = training.messages()
        word: Message | ReadyMessage = training.ready()
        turn = 0
        while ray.get(exchange.agree.remote(generation, serial, turn, rank, dump_message(word))) == "go":
            word, turn = next(messages), turn + 1
        messages.close()
