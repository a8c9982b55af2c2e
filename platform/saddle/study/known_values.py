"""What a search doesn't change: the values that conditions on unsearched hyperparameters are judged by."""

from __future__ import annotations

from typing import Any

from saddle.errors import TrainableError
from saddle.study.models import Study
from saddle.study.trainable.loading import load_trainable


def known_values(study: Study) -> dict[str, Any]:
    """Every value that isn't searched, so that a condition may rest on a default.

    Without the trainable, as where a stored study is read elsewhere, those that the study's file says.
    """
    try:
        values = load_trainable(study.source).complete(study.settings, study.recipe, study.scale)
    except TrainableError:
        values = study.settings
    return {name: value for name, value in values.items() if name not in (study.search or {})}
