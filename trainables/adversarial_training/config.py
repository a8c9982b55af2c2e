"""The hyperparameters of adversarial training with mixed perturbations (S3). Imports no torch."""

from __future__ import annotations

from typing import Any, Self

from pydantic import field_validator, model_validator

from trainables.adversarial_training.analysis_table import ANALYSES
from trainables.adversarial_training.combinations import refusal as combination_refusal
from trainables.adversarial_training.perturbations.table import KINDS
from trainables.adversarial_training.settings.data import DataSettings
from trainables.adversarial_training.settings.evaluation import EvaluationSettings
from trainables.adversarial_training.settings.network import NetworkSettings
from trainables.adversarial_training.settings.objective import ObjectiveSettings
from trainables.adversarial_training.settings.optimisation import OptimisationSettings
from trainables.adversarial_training.settings.perturbation import PerturbationSettings
from trainables.adversarial_training.settings.preprocessing import PreprocessingSettings
from trainables.attacks.table import ATTACKS
from trainables.datasets.auxiliary_tasks.tasks import example_task, resolve_task
from trainables.datasets.config import known_facts, known_name, own_size, own_transformation
from trainables.datasets.registry import KNOWN
from trainables.datasets.transformations.transformation import Transformation, transformation_of
from trainables.device.settings import ArithmeticSettings
from trainables.models.sizes import too_small


# pydantic lists the fields of the last base first
class Config(
    EvaluationSettings,
    ArithmeticSettings,
    OptimisationSettings,
    ObjectiveSettings,
    PerturbationSettings,
    PreprocessingSettings,
    NetworkSettings,
    Transformation,
    DataSettings,
):
    """Training of a multi-task network on perturbations, with the techniques that make networks robust or general."""

    @field_validator("attacks", "threat_models", "analyses", "attributions", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("attacks", "threat_models", "analyses", "attributions")
    @classmethod
    def _without_doubles(cls, value: tuple[str, ...], info: Any) -> tuple[str, ...]:
        if not value and info.field_name == "attacks":
            raise ValueError("robust accuracy needs at least one attack, such as attacks: [pgd]")
        if not value and info.field_name == "threat_models":
            raise ValueError("an attack needs to know at least one head, such as threat_models: [main_head]")
        if not value and info.field_name == "attributions":
            raise ValueError("explanations need at least one method, such as attributions: [gradient]")
        return tuple(dict.fromkeys(value))

    @field_validator("attacks")
    @classmethod
    def _one_within_epsilon(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if all(name in ATTACKS and not ATTACKS[name].within_epsilon for name in value):
            raise ValueError(
                f"{', '.join(value)} has its own budget; robust accuracy also needs an L∞ attack, such as pgd"
            )
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.alpha0_min > self.alpha0_max:
            raise ValueError(f"alpha0_min {self.alpha0_min:g} is above alpha0_max {self.alpha0_max:g}; swap them")
        kind = KINDS.get(self.perturbation)  # a retired one has none
        if (kind is None or kind.needs_tasks) and not self.tasks:
            raise ValueError(
                f"perturbation {self.perturbation} needs auxiliary tasks; "
                f"add tasks, such as tasks: [{example_task(self.dataset)}], or choose perturbation: sta"
            )
        if self.threat_models != ("main_head",) and not self.tasks:
            raise ValueError("threat model all_heads needs auxiliary tasks; add tasks, or attack main_head alone")
        if refusal := ANALYSES.refusal(self) or combination_refusal(self):
            raise ValueError(refusal)
        if self.epsilon_share and not self.epsilon:
            raise ValueError("with epsilon 0, step_size can't be scaled; give the epsilon that step_size is for")
        if self.epsilon_warmup > self.epochs:
            raise ValueError(
                f"epsilon_warmup {self.epsilon_warmup} never reaches ε in {self.epochs} epochs; "
                f"at most {self.epochs} is possible"
            )
        if self.fold and self.fold >= (self.folds or 1):
            raise ValueError(
                f"fold {self.fold} of {self.folds or 'none'} does not exist; give folds: {self.fold + 1} or more, or "
                "fold: 0"
            )
        if self.network == "wide_resnet":
            self._check_depth()
        self._check_size()
        size = own_size(self.dataset)
        if size is not None and self.image_size not in (None, size):
            raise ValueError(
                f"image_size {self.image_size} contradicts the dataset's own size {size}; give one of them"
            )
        self._check_transformation()
        if self.angular_margin and self.head != "angular":
            raise ValueError("an angular_margin needs head: angular, because a linear head has no angles to classes")
        facts = known_facts(self.dataset)
        if facts is not None:
            for name, labels in self.tasks.items():
                resolve_task(name, labels, facts.classes)
        return self

    def _check_transformation(self) -> None:
        changes = transformation_of(self).changes
        own = own_transformation(self.dataset)
        if changes and own is not None:
            raise ValueError(f"the dataset has a transformation in addition to {', '.join(changes)}; give one of them")
        if own is not None and self.epsilon_scaled_with == "contrast":
            raise ValueError(
                "epsilon_scaled_with uses the field contrast only; set it instead of the dataset's contrast"
            )
        name, facts = known_name(self.dataset), known_facts(self.dataset)
        if self.separation != 1 and (name is None or KNOWN[name].draw is None or self.image_size is not None):
            drawn = ", ".join(known.name for known in KNOWN.values() if known.draw is not None)
            raise ValueError(f"separation is for drawn images in their own size: dataset: {drawn}, without image_size")
        if self.class_count is not None and facts is not None and self.class_count > len(facts.classes):
            raise ValueError(f"class_count {self.class_count} is more than the dataset's {len(facts.classes)} classes")

    def _check_depth(self) -> None:
        extra = {"madry": 2, "zagoruyko": 4}[self.depth_rule]
        blocks, rest = divmod(self.depth - extra, 6)
        if rest or blocks < 1:
            near = max(1, round((self.depth - extra) / 6)) * 6 + extra
            raise ValueError(
                f"a wide_resnet of depth {self.depth} does not have a whole number of blocks by the rule of "
                f"{self.depth_rule}; the nearest depth is {near}"
            )

    def _check_size(self) -> None:
        facts = known_facts(self.dataset)
        size = (self.image_size, self.image_size) if self.image_size else facts.shape[1:] if facts else None
        size = size or getattr(self.dataset, "height_width", None)  # own data may state its size
        if size and (problem := too_small(self.network, *size)):
            raise ValueError(f"{problem}; set a larger image_size, or choose another network")
