"""How it is trained: optimisers, their turns, averaging. Imports no torch."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator

from trainables.contract import Config, hyperparameter

_RATIO = re.compile(r"([1-9]\d?):([1-9]\d?)")


def _as_text(value: Any) -> Any:
    """YAML 1.1 readers take 2:1 for a number of base 60; this one doesn't, but users also write 2 or 1/2."""
    return f"{value}:1" if isinstance(value, int) and not isinstance(value, bool) else value


def _ratio(value: str) -> str:
    if not _RATIO.fullmatch(value):
        raise ValueError(f"{value!r} is not a ratio of D's updates to G's; write it as 2:1, 1:1 or 1:3")
    return value


Ratio = Annotated[str, BeforeValidator(_as_text), AfterValidator(_ratio)]


def turns(ratio: str) -> tuple[int, int]:
    """Updates of D and of G in `max` of them batches, from "D:G"."""
    discriminator, generator = ratio.split(":")
    return int(discriminator), int(generator)


class OptimisationSettings(Config):
    """The optimisation of a trial."""

    generator_lr: float = hyperparameter(
        2e-4, source="customary", gt=0, le=1, description="Adam's learning rate of G; not stated in S1."
    )
    discriminator_lr: float = hyperparameter(
        2e-4, source="customary", gt=0, le=1, description="Adam's learning rate of D; not stated in S1."
    )
    beta1: float = hyperparameter(0.5, source="customary", ge=0, lt=1, description="Adam's β₁ of both networks.")
    update_ratio: Ratio = hyperparameter(
        "1:1",
        source="paper",
        description="Updates of D to updates of G (S1, 3.2.3): 2:1 updates D on every batch, G on every second.",
    )
    batch_size: int = hyperparameter(32, source="assumed", unit="images", ge=2, le=4096, description="Images a batch.")
    epochs: int = hyperparameter(
        100, source="assumed", unit="epochs", ge=1, le=10_000, description="Passes over the data; not stated in S1."
    )
    generator_average: float = hyperparameter(
        0.0,
        source="paper",
        ge=0,
        lt=1,
        description="Decay of the moving average of G's weights that is evaluated; 0: the weights themselves.",
    )
    discriminator_average: float = hyperparameter(
        0.0,
        source="paper",
        ge=0,
        lt=1,
        description="The same for D's weights, as its outputs vary between batches; 0: the weights themselves.",
    )
    compile: Literal["off", "default"] = hyperparameter(
        "off",
        source="assumed",
        description=(
            "Compile both networks with torch.compile, which helps where a GPU waits for small kernels. Noise and "
            "dropout then have different draws."
        ),
    )
