"""The arithmetic of a trial on a GPU, as fields that every method has. Imports no torch."""

from __future__ import annotations

from trainables.contract import Config, hyperparameter


class ArithmeticSettings(Config):
    """How exactly and reproducibly a trial computes; measurements are always made in full float32."""

    mixed_precision: bool = hyperparameter(
        False,
        source="assumed",
        description=(
            "On a GPU run the trained networks' passes under autocast (bfloat16); losses, weights, attacks and "
            "measurements stay float32."
        ),
    )
    tf32: bool = hyperparameter(
        False,
        source="assumed",
        description=(
            "On a GPU round what training multiplies to TF32 (10 bits), attacks in training included; measurements "
            "never are."
        ),
    )
    deterministic: bool = hyperparameter(
        False,
        source="assumed",
        description=(
            "Compute by deterministic algorithms only, so that a trial gives the same bits again on the same kind of "
            "machine; an operation without one fails the trial. Slower on a GPU."
        ),
    )
