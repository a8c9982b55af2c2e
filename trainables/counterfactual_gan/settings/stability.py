"""When training counts as collapsed. Imports no torch.

The figures separated collapsed from healthy runs at scale quick (methods.md, 9): mean p_fake of .999 against .33 to
.66, change inside the mask over outside of .88 against 2.4 and more, output over input spread of .44 against .69 and
more, saturated pixels of 32 % against .1 % at most.
"""

from __future__ import annotations

from trainables.contract import Config, hyperparameter


class StabilitySettings(Config):
    """The alarm: D recognises every counterfactual, and G either changes no judge's verdict or destroys its images."""

    collapse_p_fake: float = hyperparameter(
        0.9, source="assumed", ge=0, le=1, description="The alarm needs a mean p_fake of G(x) above this."
    )
    collapse_validity: float = hyperparameter(
        0.1,
        source="assumed",
        ge=0,
        le=1,
        description="… together with the worse direction's validity, judged by an independent classifier, below this,",
    )
    collapse_saturation: float = hyperparameter(
        0.05,
        source="assumed",
        ge=0,
        le=1,
        description="… or with a share of pixels driven to black or white above this,",
    )
    collapse_diversity: float = hyperparameter(
        0.6,
        source="assumed",
        ge=0,
        description="… or with a spread of G's images, as a share of the spread of its inputs, below this.",
    )
    collapse_change: float = hyperparameter(
        1e-3,
        source="assumed",
        ge=0,
        unit="pixel value in [0, 1]",
        description="… or with a mean change of a pixel below this: G has given up.",
    )
    collapse_epochs: int = hyperparameter(
        2, source="assumed", unit="epochs", ge=1, description="Number of consecutive epochs that the alarm must last."
    )
    collapse_grace: float = hyperparameter(
        0.6, source="assumed", ge=0, le=1, description="Share of the epochs before the alarm can end a trial."
    )
