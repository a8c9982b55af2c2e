"""The parts of adversarial training that an ablation may remove by name. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping

from trainables.contract import Component

COMPONENTS: Mapping[str, Component] = {
    "random_start": Component(
        "PGD in training starts at a random point of the ε-box instead of the image.",
        off={"random_start": False},
        on={"random_start": True},
    ),
    "auxiliary_losses": Component(
        "The auxiliary tasks are trained, too (S3, eq. 5 and 6), not the main task alone.",
        off={"auxiliary_weight": 0.0},
        on={"auxiliary_weight": 1.0},
    ),
    "mixing": Component(
        "The perturbations of all tasks are mixed (MP, S3, eq. 2) instead of using the main task's alone (STA).",
        off={"perturbation": "sta"},
        on={"perturbation": "mp"},
    ),
    "epsilon_warmup": Component(
        "ε grows over the first epochs (as many as the scale says; none at scale full) instead of being full "
        "from the start.",
        off={"epsilon_warmup": 0},
    ),
    "trades": Component(
        "Clean images' loss plus β times the divergence of perturbed predictions (Zhang et al., 2019), β 6.",
        off={"objective": "cross_entropy", "perturbation": "sta"},
        on={"objective": "trades", "perturbation": "kl"},
    ),
    "weight_perturbation": Component(
        "Gradients are taken at weights moved along their own gradient (AWP: Wu et al., 2020), by 0.005 of their norm.",
        off={"awp_gamma": 0.0},
        on={"awp_gamma": 0.005},
    ),
    "weight_averaging": Component(
        "A moving average of the weights is tested instead of the weights.",
        off={"weight_average": 0.0},
        on={"weight_average": 0.999},
    ),
    "label_smoothing": Component(
        "A tenth of each label is spread over all classes in the training loss (Szegedy et al., 2016).",
        off={"label_smoothing": 0.0},
        on={"label_smoothing": 0.1},
    ),
    "dropout": Component(
        "Features are dropped at random before the heads, with probability 0.3.",
        off={"dropout": 0.0},
        on={"dropout": 0.3},
    ),
    "augmix": Component(
        "Images are mixed with augmented versions, and predictions are trained to agree (AugMix: Hendrycks et "
        "al., 2020).",
        off={"augmix": False},
        on={"augmix": True},
    ),
    "weight_decay": Component(
        "An L2 penalty on all weights; 5e-4, customary in adversarial training (Pang et al., 2021, ICLR).",
        off={"weight_decay": 0.0},
        on={"weight_decay": 5e-4},
    ),
}
