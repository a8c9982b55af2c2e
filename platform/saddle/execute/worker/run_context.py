"""The `run` that a trainable gets inside a Ray Train worker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

T = TypeVar("T")


@dataclass
class DataCache:
    """Datasets a warm worker has loaded, so that its next trial starts at once; only the latest two stay."""

    root: str | None
    loaded: dict[str, Any] = field(default_factory=dict)

    def get(self, name: Any) -> Any:
        from trainables.datasets import load

        key = repr(name)
        if key not in self.loaded:
            while len(self.loaded) >= 2:
                self.loaded.pop(next(iter(self.loaded)))
            self.loaded[key] = load(name, self.root)
        return self.loaded[key]


@dataclass
class TrainRun:
    """A `trainables.contract.Run` over Ray Train's context (local mode or a worker group).

    `alone`: the other ranks take no part, as in an evaluation, which is never shared out.
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

    def resume(self) -> Mapping[str, Any] | None:
        return self.state
