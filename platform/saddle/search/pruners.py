"""Optuna's pruners from what a study file says."""

from __future__ import annotations

import optuna
from optuna.pruners import BasePruner

from saddle.study.models import EarlyStopping


def make_pruner(spec: EarlyStopping) -> BasePruner:
    """The pruner that `spec` describes; epochs count from one."""
    options = spec.options
    match spec.name:
        case "asha":
            return optuna.pruners.SuccessiveHalvingPruner(
                min_resource=options.grace_epochs, reduction_factor=options.reduction_factor
            )
        case "hyperband":
            return optuna.pruners.HyperbandPruner(
                min_resource=options.grace_epochs, reduction_factor=options.reduction_factor
            )
        case "median":
            return optuna.pruners.MedianPruner(
                n_startup_trials=options.startup_trials, n_warmup_steps=options.grace_epochs
            )
        case _:
            return optuna.pruners.NopPruner()
