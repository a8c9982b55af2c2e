"""The hyperparameters of the counterfactual GAN (S1). Imports no torch."""

from __future__ import annotations

from typing import Any, Self

from pydantic import field_validator, model_validator

from trainables.counterfactual_gan.settings.evaluation import EvaluationSettings
from trainables.counterfactual_gan.settings.losses import LossSettings
from trainables.counterfactual_gan.settings.networks import NetworkSettings
from trainables.counterfactual_gan.settings.optimisation import OptimisationSettings
from trainables.counterfactual_gan.settings.stability import StabilitySettings
from trainables.datasets.config import known_facts
from trainables.datasets.errors import nearest
from trainables.defects.settings import DefectSettings
from trainables.device.settings import ArithmeticSettings
from trainables.models.discriminators import sizes as discriminators
from trainables.models.generators import sizes as generators


# pydantic lists the fields of the last base first
class Config(
    EvaluationSettings,
    StabilitySettings,
    ArithmeticSettings,
    OptimisationSettings,
    LossSettings,
    NetworkSettings,
    DefectSettings,
):
    """A generator of counterfactuals against a discriminator that is also the classifier."""

    @field_validator("analyses", "positive", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("analyses", "positive")
    @classmethod
    def _without_doubles(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(value))

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.cycle_identity and self.half_cycles < 2:
            raise ValueError("cycle_identity compares x with G(G(x)); give half_cycles: 2 or more, or leave it at 0")
        if self.generator_pretrained and self.generator != "swin_unet":
            raise ValueError(
                f"there are no pretrained weights of a {self.generator}; set generator_pretrained: false, or "
                "generator: swin_unet"
            )
        self._check_classes()
        self._check_size()
        return self

    def _check_classes(self) -> None:
        facts = known_facts(self.dataset)
        if facts is None:
            return
        for name in self.positive:
            if name not in facts.classes:
                raise ValueError(f"{name!r} is not a class of the dataset; {nearest(name, facts.classes)}")
        if not self.positive and len(facts.classes) != 2:
            example = facts.classes[-1]
            raise ValueError(
                f"the dataset has {len(facts.classes)} classes; choose which of them count as damaged, such as "
                f"positive: [{example}]"
            )

    def _check_size(self) -> None:
        facts = known_facts(self.dataset)
        size = (self.image_size, self.image_size) if self.image_size else facts.shape[1:] if facts else None
        if size is None:
            return
        channels = 1 if self.grey or facts is None else facts.shape[0]
        shape = (channels, *size)
        for problem in (
            generators.unfit(self.generator, shape, self.generator_levels),
            discriminators.unfit(self.discriminator, shape),
            discriminators.unfit(self.judge, shape),
        ):
            if problem:
                raise ValueError(problem)
