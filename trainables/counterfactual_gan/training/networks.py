"""The networks that are trained together: generator, discriminator, their optimisers and moving averages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn
from torch.optim import Adam, Optimizer

from trainables.contract import Run
from trainables.counterfactual_gan.config import Config
from trainables.counterfactual_gan.model import CounterfactualModel, discriminator_of, generator_of
from trainables.models.moving_average import MovingAverage
from trainables.states import detached


class Networks:
    """Generator, discriminator, their optimisers, and the averages that are evaluated instead of them."""

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        generator_optimizer: Optimizer,
        discriminator_optimizer: Optimizer,
        averages: Mapping[str, MovingAverage],
    ) -> None:
        self.generator, self.discriminator = generator, discriminator
        self.generator_optimizer, self.discriminator_optimizer = generator_optimizer, discriminator_optimizer
        self.averages = averages

    @classmethod
    def start(cls, config: Config, run: Run, shape: tuple[int, int, int]) -> Networks:
        """Fresh networks of the run's seed on its device."""
        generator = generator_of(config, shape, run.seed).to(run.device)
        discriminator = discriminator_of(config, shape, run.seed).to(run.device)
        decays = {"generator": config.generator_average, "discriminator": config.discriminator_average}
        bare = {"generator": generator, "discriminator": discriminator}
        averages = {name: MovingAverage(bare[name], decay) for name, decay in decays.items() if decay}
        if config.compile == "default":  # after the averages, which are only evaluated
            generator.compile()
            discriminator.compile()
        generator, discriminator = run.prepare(generator), run.prepare(discriminator)
        return cls(
            generator,
            discriminator,
            Adam(generator.parameters(), config.generator_lr, betas=(config.beta1, 0.999)),
            Adam(discriminator.parameters(), config.discriminator_lr, betas=(config.beta1, 0.999)),
            averages,
        )

    def average(self, run: Run, **stepped: bool) -> None:
        """Update the averages of the networks that took a step, by name."""
        for name, average in self.averages.items():
            if stepped[name]:
                average.follow(run.unwrap(getattr(self, name)))

    def evaluated(self, run: Run) -> CounterfactualModel:
        """The bare networks that are measured: averages where there are any."""

        def chosen(name: str) -> Any:
            return self.averages[name].network if name in self.averages else run.unwrap(getattr(self, name))

        return CounterfactualModel(chosen("generator"), chosen("discriminator"))

    def state(self, run: Run) -> dict[str, Any]:
        """Weights and optimisers, copied to the CPU."""
        networks = {
            "generator": run.unwrap(self.generator).state_dict(),
            "discriminator": run.unwrap(self.discriminator).state_dict(),
            "generator_optimizer": self.generator_optimizer.state_dict(),
            "discriminator_optimizer": self.discriminator_optimizer.state_dict(),
            **{f"{name}_average": average.network.state_dict() for name, average in self.averages.items()},
        }
        return {name: detached(value) for name, value in networks.items()}

    def resume(self, run: Run) -> Mapping[str, Any] | None:
        """Load a stored state; returns it, or None if there is none."""
        state: Mapping[str, Any] | None = run.resume()
        if state is None:
            return None
        if state["seed"] != run.seed:
            raise ValueError(f"the stored state has seed {state['seed']}, but this run has seed {run.seed}")
        run.unwrap(self.generator).load_state_dict(state["generator"])
        run.unwrap(self.discriminator).load_state_dict(state["discriminator"])
        # optimisers keep these tensors, and train on them
        self.generator_optimizer.load_state_dict(detached(state["generator_optimizer"]))
        self.discriminator_optimizer.load_state_dict(detached(state["discriminator_optimizer"]))
        for name, average in self.averages.items():
            average.network.load_state_dict(state[f"{name}_average"])
        return state
