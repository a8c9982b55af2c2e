"""Every private name of Optuna's that saddle uses, in one place; this file's tests say what breaks without each."""

from __future__ import annotations

import contextlib
import math
from typing import Any

import optuna
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, Trial

PARENTS = ":parent:"
"""In the name of what NSGA-II notes about a search: which trials a generation descends from."""

GRID_NOTES = ("grid_id", "search_space")
"""What a grid notes about a trial: which point it is, of which grid."""


def trial_id(trial: FrozenTrial | Trial) -> int:
    """What a storage calls a trial, unlike its number in the study; ids ascend."""
    return int(trial._trial_id)


def live_trial(study: optuna.Study, trial: FrozenTrial) -> Trial:
    """A trial that is running in the storage, as `ask` gave it to the driver that started it."""
    return Trial(study, trial_id(trial))


def study_id(study: optuna.Study) -> int:
    """What a storage calls a study."""
    return int(study._study_id)


def start_trial(study: optuna.Study, storage: BaseStorage, template: FrozenTrial) -> Trial:
    """A new trial like the template; as `ask` does, the study's copy of its trials is dropped for the sampler."""
    new_id = storage.create_new_trial(study_id(study), template_trial=template)
    study._thread_local.cached_all_trials = None
    return Trial(study, new_id)


class AskTellGrid(optuna.samplers.GridSampler):
    """Optuna's grid, which stops `Study.optimize` after its last point; with ask and tell there is none to stop.

    A stored study whose grid was computed in binary arithmetic (0.30000000000000004) has the same grid.
    """

    @staticmethod
    def _grid_value_equal(value: Any, other: Any) -> bool:
        both = isinstance(value, float) and isinstance(other, float)
        if both and math.isclose(value, other, rel_tol=1e-12):
            return True
        return bool(optuna.samplers.GridSampler._grid_value_equal(value, other))

    def after_trial(self, *arguments: Any, **named: Any) -> None:
        with contextlib.suppress(RuntimeError):
            super().after_trial(*arguments, **named)
