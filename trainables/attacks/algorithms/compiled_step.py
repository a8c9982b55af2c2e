"""A step of PGD against several tasks as one compiled graph: network, heads, losses, gradient, sign and bounds."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from trainables.attacks.algorithms.stacked import Precision, input_gradient, losses_of

if TYPE_CHECKING:
    from trainables.models.multi_task import MultiTaskNetwork

log = logging.getLogger(__name__)


def ascend_once(
    model: MultiTaskNetwork,
    stacked: Tensor,
    lowest: Tensor,
    highest: Tensor,
    labels: Tensor,
    attacks: Sequence[Sequence[int]],
    size: Tensor,
    precision: Precision,
) -> Tensor:
    """The images (K · N, C, H, W) of K attacks a step further, within `lowest` and `highest` (N, C, H, W).

    `size`: of the step, (). It is a step of `attack_tasks`, written without changing a tensor in place.
    """

    def total(points: Tensor) -> Tensor:
        return torch.stack(losses_of(model, points, labels, attacks, precision)).sum()

    return _moved(stacked, torch.func.grad(total)(stacked), size, lowest, highest)


def _moved(stacked: Tensor, gradient: Tensor, size: Tensor, lowest: Tensor, highest: Tensor) -> Tensor:
    moved = (stacked + size * torch.sign(gradient)).view(-1, *lowest.shape)
    return torch.clamp(moved, lowest, highest).view(stacked.shape)


class CompiledStep:
    """`ascend_once`, compiled whole in a `mode` of torch.compile; uncompiled after the first failure to compile it."""

    def __init__(self, mode: str = "default", backend: str = "inductor") -> None:
        inductor_mode = mode if backend == "inductor" else None
        self._compiled = torch.compile(ascend_once, fullgraph=True, backend=backend, mode=inductor_mode)
        self._keeps_results = mode != "reduce-overhead"
        self.has_failed = False

    def __call__(
        self,
        model: MultiTaskNetwork,
        stacked: Tensor,
        lowest: Tensor,
        highest: Tensor,
        labels: Tensor,
        attacks: Sequence[Sequence[int]],
        step_size: float,
        precision: Precision = "float32",
    ) -> Tensor:
        """The images a step of `step_size` further; see `ascend_once`."""
        # a number would be a constant of the graph, which a warm-up of ε would then compile again for every batch
        size = torch.full((), step_size, dtype=stacked.dtype, device=stacked.device)
        chosen = tuple(tuple(tasks) for tasks in attacks)
        if not self.has_failed:
            from torch._dynamo.exc import TorchDynamoException

            try:
                stepped: Tensor = self._compiled(model, stacked, lowest, highest, labels, chosen, size, precision)
                return stepped if self._keeps_results else stepped.clone()  # the next replay overwrites this result
            except TorchDynamoException as error:
                self.has_failed = True
                first = str(error).strip().partition("\n")[0]
                log.warning("the attack in training is not compiled, and its steps run uncompiled: %s", first)
        gradient = input_gradient(model, stacked, labels, attacks, precision)
        return _moved(stacked, gradient, size, lowest, highest)
