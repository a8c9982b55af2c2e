"""The validation of a network during training: after which epochs, and what the others report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from trainables.adversarial_training.combinations import validated_epochs
from trainables.adversarial_training.config import Config
from trainables.adversarial_training.evaluation.evaluation import measure
from trainables.adversarial_training.overfitting_watch import is_watched
from trainables.adversarial_training.training.overfitting_signals import overfitting_signals
from trainables.adversarial_training.validated_epsilon import VALIDATED, validated_epsilon
from trainables.contract import Run
from trainables.datasets.sampling.samples import Samples


def at_validation(config: Config, full: float | None = None) -> Config:
    """The configuration with the ε, and the step, that validation attacks within; `full` is the ε of the training."""
    epsilon = validated_epsilon(config, full)
    if epsilon == config.attack_epsilon:
        return config
    share = epsilon / config.attack_epsilon if config.attack_epsilon else 1.0
    step = min(1.0, config.attack_step_size * share)
    return config.model_copy(update={"attack_epsilon": epsilon, "attack_step_size": step})


class Validation:
    """Measures on held-out samples after every `validate_every` epochs, all ranks of the run together.

    An epoch without a validation reports the latest one again, as every epoch must report the choosing metric; being no
    better than the epoch chosen before, it is never chosen. `epsilon` is that of the training, after its warm-up.
    """

    def __init__(
        self,
        config: Config,
        run: Run,
        samples: Samples,
        resumed: Mapping[str, Any] | None = None,
        epsilon: float | None = None,
    ) -> None:
        self.config, self.run, self.samples = at_validation(config, epsilon), run, samples
        self.is_tested_otherwise = self.config.attack_epsilon != config.attack_epsilon
        self.epochs = validated_epochs(config)
        self.latest: dict[str, float] = dict(resumed.get("validation", {})) if resumed else {}

    def after(self, epoch: int, model: nn.Module) -> dict[str, float]:
        """The metrics of the bare network after `epoch` epochs, counted from 1."""
        if not self.latest or self.is_due(epoch):
            metrics = measure(self.config, model, self.samples, run=self.run).metrics("validation")
            if is_watched(self.config):
                metrics |= overfitting_signals(self.config, model, self.samples, self.run)
            if self.is_tested_otherwise:
                metrics[VALIDATED] = self.config.attack_epsilon
            self.latest = metrics | {"validation/samples": float(len(self.samples))}
        return dict(self.latest)

    def is_due(self, epoch: int) -> bool:
        """Whether an epoch, counted from 1, ends with a validation."""
        return epoch in self.epochs

    def state(self) -> dict[str, Any]:
        """What a resumed trial needs: the latest metrics, which later epochs may report again."""
        return {"validation": dict(self.latest)} if self.config.validate_every > 1 else {}
