"""The average of weights that is validated and stored instead of the trained ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from trainables.adversarial_training.config import Config
from trainables.adversarial_training.training.phases import Phase
from trainables.models.moving_average import MovingAverage
from trainables.models.uniform_average import UniformAverage


class Averaging:
    """A moving average over steps, a uniform one over epochs (SWA), or none."""

    def __init__(self, config: Config, model: nn.Module) -> None:
        self.config = config
        self.moving = MovingAverage(model, config.weight_average) if config.weight_average else None
        self.uniform = UniformAverage(model) if config.swa_start is not None else None

    @property
    def network(self) -> nn.Module | None:
        """The averaged network; None if there is no average, or not yet."""
        if self.uniform is not None and self.uniform.count:
            return self.uniform.network
        return self.moving.network if self.moving is not None else None

    def after_step(self, model: nn.Module, step: int) -> None:
        """Update the average from the bare `model`, after so many earlier steps of this phase."""
        if self.moving is not None:
            self.moving.follow(model, step=step)

    def after_epoch(self, model: nn.Module, phase: Phase, epoch: int) -> None:
        """Take in the bare `model` of the end of an epoch, counted from 0."""
        start = self.config.swa_start
        if self.uniform is not None and start is not None and epoch + 1 - phase.first > start * phase.epochs:
            self.uniform.take_in(model)

    def restart(self, model: nn.Module) -> None:
        """Restart with a new network."""
        for average in (self.moving, self.uniform):
            if average is not None:
                average.network.load_state_dict(model.state_dict())
        if self.uniform is not None:
            self.uniform.count = 0

    def state(self) -> dict[str, Any]:
        """Its part of a stored state; the tensors are the average's own."""
        if self.network is None:
            return {}
        averaged = {} if self.uniform is None else {"averaged": self.uniform.count}
        return {"average": self.network.state_dict(), **averaged}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a stored state."""
        for average in (self.moving, self.uniform):
            if average is not None and "average" in state:
                average.network.load_state_dict(state["average"])
        if self.uniform is not None:
            self.uniform.count = int(state.get("averaged", 0))
