"""The parts of adversarial training that an ablation may take away by name. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping

from trainables.contract import Component

COMPONENTS: Mapping[str, Component] = {
    "random_start": Component(
        "PGD in training starts at a random point of the ε-box, not at the image.",
        off={"random_start": False},
        on={"random_start": True},
    ),
    "auxiliary_losses": Component(
        "The auxiliary tasks are trained along (S3, eq. 5 and 6), not the main task alone.",
        off={"auxiliary_weight": 0.0},
        on={"auxiliary_weight": 1.0},
    ),
    "mixing": Component(
        "Perturbations of all tasks are mixed (MP, S3, eq. 2), instead of the main task's alone (STA).",
        off={"perturbation": "sta"},
        on={"perturbation": "mp"},
    ),
    "epsilon_warmup": Component(
        "ε grows over the first epochs, as many as the scale has (full has none), instead of being whole at once.",
        off={"epsilon_warmup": 0},
    ),
    "weight_decay": Component(
        "An L2 penalty on all weights; 5e-4, customary in adversarial training (Pang et al., 2021, ICLR).",
        off={"weight_decay": 0.0},
        on={"weight_decay": 5e-4},
    ),
}
