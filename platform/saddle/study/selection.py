"""By which metric a study chooses."""

from __future__ import annotations

from typing import Any

from saddle.study.models import Objective, Study


def selection_of(study: Study, trainable: Any) -> Objective:
    """The metric that chooses checkpoints and the best trial: the single objective, else the trainable's own."""
    if study.objective is not None and len(study.objective) == 1:
        return study.objective[0]
    return Objective.model_validate({trainable.METRICS[trainable.SELECTION]: trainable.SELECTION})
