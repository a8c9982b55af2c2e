"""The `run` that a trainable gets inside a Ray Train worker."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from saddle.execute.worker.shared_states import SharedStates, shared_folder
from saddle.store.base import Store
from saddle.trial.run_id import RunId
from trainables.lru_cache import LRUCache

T = TypeVar("T")


@dataclass
class DataCache:
    """What a warm worker has loaded or made, so that its next trial needn't wait: the latest two datasets, and what
    its trainable keeps (see `Run.cached`) or shares with other workers (`Run.shared`)."""

    root: str | None
    loaded: LRUCache = field(default_factory=lambda: LRUCache(2))
    made: LRUCache = field(default_factory=LRUCache)
    read: LRUCache = field(default_factory=LRUCache)
    """States that are shared, by where they are stored."""
    shared: SharedStates | None = None
    """Those of the run whose trial is trained; None if nothing is stored."""

    def get(self, name: Any) -> Any:
        from trainables.datasets import load

        return self.loaded.get(repr(name), lambda: load(name, self.root))

    def share_in(self, store: Store, run: RunId, code: Callable[[], str], *, makes: bool = True) -> None:
        """Share states with the trials of a run from now on; `makes`: see `SharedStates`."""
        self.shared = SharedStates(store, shared_folder(run), code, makes, self.read)

    def shared_state(self, key: Hashable, make: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
        """See `Run.shared`."""
        if self.shared is not None:
            return self.shared.get(key, make)
        state: Mapping[str, Any] = self.read.get(key, make)
        return state


@dataclass
class TrainRun:
    """A `trainables.contract.Run` over Ray Train's context (local mode or a worker group).

    `alone`: the other ranks take no part, as in the part of an evaluation that is not shared out.
    """

    seed: int
    cache: DataCache
    state: Mapping[str, Any] | None = None
    alone: bool = False

    @property
    def rank(self) -> int:
        import torch.distributed as dist

        return 0 if self.alone or not dist.is_initialized() else int(dist.get_rank())

    @property
    def world_size(self) -> int:
        import torch.distributed as dist

        return 1 if self.alone or not dist.is_initialized() else int(dist.get_world_size())

    @property
    def device(self) -> Any:
        import ray.train.torch

        return ray.train.torch.get_device()

    def data(self, name: Any) -> Any:
        return self.cache.get(name)

    def prepare(self, model: T) -> T:
        import ray.train.torch

        from trainables.models.joint_batch_norm import with_joint_statistics

        if self.world_size > 1:
            model = with_joint_statistics(model, self.device)  # type: ignore[type-var]
        prepared: T = ray.train.torch.prepare_model(model, parallel_strategy=None if self.alone else "ddp")
        return prepared

    def unwrap(self, model: T) -> T:
        from torch.nn.parallel import DistributedDataParallel

        return model.module if isinstance(model, DistributedDataParallel) else model

    def prepare_loader(self, loader: T) -> T:
        if self.world_size == 1:
            return loader
        from saddle.execute.worker.sharded_sampler import share_out

        shared: Any = share_out(loader, self.rank, self.world_size)
        return cast(T, shared)

    def mean(self, value: float) -> float:
        if self.world_size == 1:
            return value
        import torch
        import torch.distributed as dist

        total = torch.tensor(value, dtype=torch.float64, device=self.device)
        dist.all_reduce(total)
        return float(total) / self.world_size

    def total(self, values: T) -> T:
        if self.world_size == 1:
            return values
        import torch.distributed as dist

        summed: Any = values.clone()  # type: ignore[attr-defined]
        dist.all_reduce(summed)
        return cast(T, summed)

    def resume(self) -> Mapping[str, Any] | None:
        return self.state

    def cached(self, key: Hashable, make: Callable[[], T]) -> T:
        value: T = self.cache.made.get(key, make)
        return value

    def shared(self, key: Hashable, make: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
        return self.cache.shared_state(key, make)
