"""Measures what a trial takes of a GPU: its first steps, its first epoch's validation and test as far as time goes."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from typing import Any, Protocol

from saddle.cluster.gpu.share import TrialMemory
from saddle.redaction import redacting
from saddle.study.trainable.loading import LoadedTrainable, load_trainable
from saddle.trainable_source import TrainableSource
from trainables.contract import InProcessRun

PROBE_SECONDS = 20.0
"""How long each of training and test is watched, once it has begun to use its network."""

STEPS = 3
"""Steps of the optimizer that are waited for, however long they take: the second finds all of its state in memory."""

log = logging.getLogger("saddle")


class Meter(Protocol):
    """The memory of a GPU, in bytes."""

    def begin(self) -> None:
        """Free what is unused, and forget the largest amount so far."""

    def largest(self) -> int:
        """What torch's allocator had at most since then."""

    def beside(self) -> int:
        """What the GPU holds that is not torch's of this process."""


class CudaMeter:
    """The GPU that this process has."""

    def begin(self) -> None:
        import torch

        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()

    def largest(self) -> int:
        import torch

        return int(torch.cuda.max_memory_reserved())

    def beside(self) -> int:
        import torch

        free, total = torch.cuda.mem_get_info()
        return int(total - free - torch.cuda.memory_reserved())


class ProbeOver(BaseException):
    """Enough was seen; no `Exception`, for a trainable may handle those."""


@contextmanager
def limited(seconds: float, steps: int) -> Iterator[None]:
    """End the block with `ProbeOver` so long after its first use of a network, but not before so many steps."""
    from torch.nn.modules.module import register_module_forward_pre_hook
    from torch.optim.optimizer import register_optimizer_step_post_hook

    began, step_count = 0.0, 0

    def on_forward(*_: Any) -> None:
        nonlocal began
        began = began or time.monotonic()
        if step_count >= steps and time.monotonic() - began > seconds:
            raise ProbeOver

    def on_step(*_: Any) -> None:
        nonlocal step_count
        step_count += 1

    hooks = [register_module_forward_pre_hook(on_forward), register_optimizer_step_post_hook(on_step)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def measure(
    trainable: LoadedTrainable, params: Mapping[str, Any], run: InProcessRun, meter: Meter, seconds: float
) -> int:
    """What one configuration takes at most; raises what the trainable raises."""
    meter.begin()
    config = trainable.Config.model_validate(dict(params))
    report = None
    try:
        with limited(seconds, STEPS), closing(iter(trainable.train(config, run))) as reports:  # type: ignore[type-var]
            report = next(reports, None)
        if report is not None and report.state is not None:
            with limited(seconds, 0):
                trainable.evaluate(config, report.state, run)
    except ProbeOver:
        pass
    return meter.largest()


def measure_all(
    trainable: LoadedTrainable,
    configurations: Sequence[Mapping[str, Any]],
    make_run: Callable[[], InProcessRun],
    meter: Meter,
    seconds: float = PROBE_SECONDS,
) -> int:
    """What the largest of these takes; 0 where none could be measured. One that fails will say so as a trial."""
    largest = 0
    for params in configurations:
        try:
            largest = max(largest, measure(trainable, params, make_run(), meter, seconds))
        except Exception as error:
            log.info("a configuration failed while its memory was measured: %s", error)
    return largest


@redacting()
def probe_there(source: str, configurations: Sequence[Mapping[str, Any]], left_out: int, data_root: str | None) -> str:
    """The `TrialMemory` as JSON, from a node with a GPU; empty where torch finds none, or nothing could be measured."""
    import torch

    if not torch.cuda.is_available():
        return ""
    trainable = load_trainable(TrainableSource.parse(json.loads(source)))
    meter = CudaMeter()
    used = measure_all(trainable, configurations, lambda: InProcessRun(0, data_root, "cuda"), meter)
    if not used:
        return ""
    device = torch.cuda.get_device_properties(0)
    memory = TrialMemory(used, meter.beside(), device.total_memory, device.name, len(configurations), left_out)
    return json.dumps(asdict(memory))
