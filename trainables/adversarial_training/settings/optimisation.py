"""How it is trained: optimiser, schedule, batches. Imports no torch."""

from __future__ import annotations

from typing import Literal

from trainables.contract import Config, hyperparameter


class OptimisationSettings(Config):
    """The optimisation of a trial."""

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
    schedule: Literal["constant", "cosine", "cyclic", "piecewise"] = hyperparameter(
        "constant",
        source="official code",
        description=(
            "Learning rate over training: constant, cosine to 0, cyclic (0 → lr at 40 % → 0, one cycle), or piecewise "
            "(a tenth of it after 50 %, a hundredth after 75 %)."
        ),
    )
    weight_average: float = hyperparameter(
        0.0,
        source="assumed",
        ge=0,
        lt=1,
        description=(
            "Decay per step of a moving average of the weights, which is validated, tested and stored instead of the "
            "weights; smaller in the first steps; 0: none."
        ),
    )
    swa_start: float | None = hyperparameter(
        None,
        source="assumed",
        ge=0,
        lt=1,
        description=(
            "Share of the epochs after which weights and running statistics are averaged, each epoch's equally "
            "(stochastic weight averaging: Izmailov et al., 2018); the average is validated, tested and stored "
            "instead of the weights. null: none."
        ),
    )
    compile: Literal["off", "default", "cuda_graphs"] = hyperparameter(
        "off",
        source="assumed",
        description=(
            "Compile the network with torch.compile, which helps where a GPU waits for small kernels; cuda_graphs "
            "also replays them as one graph. Rounding may differ from the uncompiled network."
        ),
    )
    compile_attack: bool = hyperparameter(
        False,
        source="assumed",
        description=(
            "Compile each step of PGD in training as one graph, from the network and its heads over the losses to "
            "sign and bounds, by the way that compile names; gradients near 0 may then differ in their sign. A step "
            "that can't be compiled is run uncompiled, with a caution."
        ),
    )
    channels_last: bool = hyperparameter(
        False,
        source="assumed",
        description=(
            "Keep the weights of convolutions in channels-last order while training, by which convolutions of half "
            "precision are faster on GPUs with tensor cores. Rounding may differ."
        ),
    )
