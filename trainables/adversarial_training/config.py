"""The hyperparameters of adversarial training with mixed perturbations (S3). Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, field_validator, model_validator

from trainables.contract import Config as BaseConfig
from trainables.contract import hyperparameter
from trainables.datasets.config import DatasetSpec, known_facts
from trainables.datasets.tasks import DIGIT_TASKS, resolve_task

TaskLabels = dict[str, int | str]
"""Class name or index → label, with `default` for the rest; empty for a named task."""

NOT_YET: Mapping[str, tuple[str, ...]] = {
    "perturbation": ("sta_shrunk", "mp_random_labels"),
    "attacks": ("pgd_targeted", "cw_linf", "cw_l2"),
    "network": ("wide_resnet", "resnet18", "alexnet"),
}
"""Names that S3 or its controls use and that are announced, but can't be chosen yet."""


def _tasks(value: Any) -> Any:
    if isinstance(value, str):
        value = [value]
    if isinstance(value, Mapping):
        value = [value]
    if not isinstance(value, list | tuple):
        return value
    tasks: dict[str, Any] = {}
    for entry in value:
        named = {entry: {}} if isinstance(entry, str) else entry
        if not isinstance(named, Mapping):
            raise ValueError(f"a task is a name or {{name: {{class: label, default: label}}}}, not {entry!r}")
        for name, labels in named.items():
            if name in tasks:
                raise ValueError(f"task {name!r} is given twice")
            tasks[str(name)] = (
                {str(key): label for key, label in labels.items()} if isinstance(labels, Mapping) else labels or {}
            )
    return tasks


Tasks = Annotated[
    dict[str, TaskLabels],
    BeforeValidator(_tasks, json_schema_input_type=list[str | dict[str, TaskLabels]] | dict[str, TaskLabels]),
]


class Config(BaseConfig):
    """Adversarial training by STA, MTA or MP on a multi-task network."""

    dataset: DatasetSpec = hyperparameter(
        "digits",
        source="assumed",
        description="A known name (digits, mnist, fashion_mnist), {folder: PATH} or {parquet: {train: …, test: …}}.",
    )
    tasks: Tasks = hyperparameter(
        {},
        source="assumed",
        description=(
            "Auxiliary tasks: names (odd_even, prime_composite) or mappings {NAME: {CLASS: label, default: label}}."
        ),
    )
    auxiliary_weight: float = hyperparameter(
        1.0,
        source="paper",
        ge=0,
        le=100,
        description=(
            "Weight λ of the auxiliary tasks' losses in the training loss; S3, eq. 5 and 6 sum the losses of all tasks "
            "unweighted. 0 trains the main head only. Attacks are not weighted."
        ),
    )
    network: Literal["lenet"] = hyperparameter(
        "lenet", source="paper", description="The network; lenet has one trunk and a linear head per task."
    )
    width: int = hyperparameter(
        16,
        source="official code",
        ge=1,
        le=64,
        description="Capacity w: convolutions of 2w and 4w channels, 64w units.",
    )
    perturbation: Literal["sta", "mta", "mp"] = hyperparameter(
        "sta",
        source="paper",
        description=(
            "What to train on: sta attacks the main task (eq. 5), mta the sum of all tasks (eq. 7 from m = 0), "
            "mp mixes each task's own perturbation (eq. 2)."
        ),
    )
    alpha0_min: float = hyperparameter(
        0.5, source="paper", ge=0, le=1, description="Lower bound of α₀, the main task's share in a mixed perturbation."
    )
    alpha0_max: float = hyperparameter(
        1.0, source="paper", ge=0, le=1, description="Upper bound of α₀, drawn uniformly once per batch."
    )
    alpha_split: Literal["uniform", "equal"] = hyperparameter(
        "uniform",
        source="assumed",
        description=(
            "How two or more auxiliary tasks share 1 - α₀: uniform draws from the simplex (flat Dirichlet) per batch, "
            "equal gives all the same. With one auxiliary task it gets all."
        ),
    )
    epsilon: float = hyperparameter(
        8 / 255, source="assumed", unit="pixel value in [0, 1]", ge=0, le=1, description="Attack budget ε, L∞."
    )
    step_size: float = hyperparameter(
        2 / 255, source="assumed", unit="pixel value in [0, 1]", ge=0, le=1, description="PGD step in training."
    )
    steps: int = hyperparameter(
        10, source="customary", unit="steps", ge=0, le=1000, description="PGD steps in training."
    )
    random_start: bool = hyperparameter(
        True, source="official code", description="Whether PGD starts at a uniform random point of the ε-box."
    )
    epsilon_warmup: int = hyperparameter(
        0,
        source="assumed",
        unit="epochs",
        ge=0,
        le=1000,
        description="Epochs over which ε (and its step) grows linearly.",
    )
    optimizer: Literal["adam", "sgd"] = hyperparameter("adam", source="official code", description="The optimiser.")
    lr: float = hyperparameter(1e-4, source="official code", gt=0, le=10, description="Learning rate (its peak).")
    momentum: float = hyperparameter(0.0, source="assumed", ge=0, lt=1, description="Momentum of sgd; adam ignores it.")
    weight_decay: float = hyperparameter(0.0, source="assumed", ge=0, le=1, description="L2 penalty on all weights.")
    batch_size: int = hyperparameter(
        50, source="official code", unit="images", ge=1, le=8192, description="Images per optimiser step."
    )
    epochs: int = hyperparameter(
        200, source="paper", unit="epochs", ge=1, le=10_000, description="Passes over the data."
    )
    schedule: Literal["constant", "cosine", "cyclic"] = hyperparameter(
        "constant",
        source="official code",
        description="Learning rate over training: constant, cosine to 0, or cyclic (0 → lr at 40 % → 0).",
    )
    train_size: int | None = hyperparameter(
        None,
        source="paper",
        unit="images",
        ge=1,
        description="Train on at most this many images (stratified); null: all.",
    )
    test_size: int | None = hyperparameter(
        None,
        source="paper",
        unit="images",
        ge=1,
        description="Test on at most this many images (stratified); null: all.",
    )
    validation_fraction: float = hyperparameter(
        0.1,
        source="assumed",
        gt=0,
        le=0.5,
        description="Held-out part of the training split, as a share of train_size; the same for every seed and arm.",
    )
    attacks: tuple[Literal["pgd"], ...] = hyperparameter(
        ("pgd",), source="paper", description="Attacks on the main task that robust accuracy is the worst case over."
    )
    attack_steps: int = hyperparameter(
        20, source="customary", unit="steps", ge=1, le=10_000, description="PGD steps in validation and test."
    )
    attack_step_size: float = hyperparameter(
        2 / 255,
        source="assumed",
        unit="pixel value in [0, 1]",
        ge=0,
        le=1,
        description="PGD step in validation and test.",
    )
    attack_restarts: int = hyperparameter(
        1,
        source="official code",
        unit="starts",
        ge=1,
        le=100,
        description="Random starts per attack; the worst counts.",
    )

    @field_validator("perturbation", "attacks", "network", mode="before")
    @classmethod
    def _announced(cls, value: Any, info: Any) -> Any:
        for name in value if isinstance(value, list | tuple) else [value]:
            if isinstance(name, str) and name in NOT_YET[info.field_name]:
                raise ValueError(
                    f"{name!r} is not there yet; {info.field_name} can be {_choices(cls, info.field_name)}"
                )
        return value

    @field_validator("attacks")
    @classmethod
    def _some_attack(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value:
            raise ValueError("robust accuracy needs at least one attack, such as attacks: [pgd]")
        return tuple(dict.fromkeys(value))

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.alpha0_min > self.alpha0_max:
            raise ValueError(f"alpha0_min {self.alpha0_min:g} is above alpha0_max {self.alpha0_max:g}; swap them")
        if self.perturbation != "sta" and not self.tasks:
            raise ValueError(
                f"perturbation {self.perturbation} needs auxiliary tasks; "
                f"add tasks, such as tasks: [{next(iter(DIGIT_TASKS))}], or choose perturbation: sta"
            )
        if self.epsilon_warmup > self.epochs:
            raise ValueError(
                f"epsilon_warmup {self.epsilon_warmup} never reaches ε in {self.epochs} epochs; "
                f"at most {self.epochs} is possible"
            )
        facts = known_facts(self.dataset)
        if facts is not None:
            for name, labels in self.tasks.items():
                resolve_task(name, labels, facts.classes)
        return self


def _choices(config_type: type[BaseConfig], field: str) -> str:
    """The values a field may take, for a message."""
    schema = config_type.model_json_schema()["properties"][field]
    values = schema.get("enum") or schema.get("items", {}).get("enum") or [schema.get("const", "") or "pgd"]
    return " or ".join(str(value) for value in values)
