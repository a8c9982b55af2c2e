"""Real processes that train together over gloo, each a rank with the `run` of a Ray Train worker."""

from __future__ import annotations

import multiprocessing
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar, cast

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from saddle.execute.worker.run_context import DataCache, TrainRun
from trainables.datasets.sampling.samples import Samples
from trainables.models.joint_batch_norm import with_joint_statistics

T = TypeVar("T")
COLLECTIVE_SECONDS = 60


@dataclass
class RankRun(TrainRun):
    """A `TrainRun` without Ray: on the CPU, with the model wrapped as by Ray Train.

    `joint`: whether BatchNorm takes its statistics over all ranks, as in a `TrainRun`.
    """

    joint: bool = True

    @property
    def device(self) -> Any:
        return torch.device("cpu")

    def prepare(self, model: T) -> T:
        if self.world_size == 1:
            return model
        network = cast(torch.nn.Module, model)
        return cast(T, DistributedDataParallel(with_joint_statistics(network, self.device) if self.joint else network))


def rank_run(seed: int = 0, *, joint: bool = True) -> RankRun:
    """The run of this process, a rank if a process group was started, else the only one."""
    return RankRun(seed, DataCache(None), joint=joint)


@dataclass(frozen=True, eq=False)
class Doubles(Samples):
    """Samples whose pixels are float64."""

    def __getitems__(self, index: list[int]) -> tuple[Tensor, Tensor]:
        images, labels = super().__getitems__(index)
        return images.double(), labels


def run_ranks(
    work: Callable[..., Any], folder: Path, *arguments: Any, ranks: int = 2, seconds: float = 240
) -> list[Any]:
    """What `work(*arguments)` returns in each of `ranks` processes of one gloo group.

    Raises `AssertionError` with what a rank raised, or if they don't end within `seconds`.
    """
    folder.mkdir(parents=True)
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_serve, args=(work, folder, rank, ranks, arguments)) for rank in range(ranks)]
    for process in processes:
        process.start()
    deadline = time.monotonic() + seconds
    for process in processes:
        process.join(max(0.0, deadline - time.monotonic()))
    late = [rank for rank, process in enumerate(processes) if process.is_alive()]
    for process in processes:
        process.kill()
        process.join(10)
    raised = [path.read_text() for path in sorted(folder.glob("*.error"))]
    assert not raised, "\n".join(raised)
    assert not late, f"ranks {late} did not end within {seconds:g} s"
    return [torch.load(folder / f"{rank}.pt", weights_only=False) for rank in range(ranks)]


def _serve(work: Callable[..., Any], folder: Path, rank: int, ranks: int, arguments: tuple[Any, ...]) -> None:
    torch.set_num_threads(1)
    store = dist.FileStore(str(folder / "store"), ranks)
    dist.init_process_group(
        "gloo", store=store, rank=rank, world_size=ranks, timeout=timedelta(seconds=COLLECTIVE_SECONDS)
    )
    try:
        torch.save(work(*arguments), folder / f"{rank}.pt")
    except BaseException:
        (folder / f"{rank}.error").write_text(f"rank {rank}:\n{traceback.format_exc()}")
        raise
    finally:
        dist.destroy_process_group()
