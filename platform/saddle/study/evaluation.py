"""A study apart from how its trials are measured: what its file says of that may change, for checkpoints are stored."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pydantic import ValidationError

from saddle.study.models import Study
from saddle.study.trainable.loading import LoadedTrainable
from saddle.study.values import same


def as_trained(study: Study, trained: Study, fields: Collection[str]) -> Study:
    """The study with the evaluation `fields` as `trained` has them, by which its validation chose checkpoints."""

    def mixed(now: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
        unchanged = {name: value for name, value in now.items() if name not in fields}
        return {**unchanged, **{name: value for name, value in before.items() if name in fields}}

    return study.model_copy(
        update={"fixed": mixed(study.fixed, trained.fixed), "evaluate": mixed(study.evaluate, trained.evaluate)}
    )


def changed_evaluation(trained: Study, study: Study, trainable: LoadedTrainable) -> dict[str, Any]:
    """The evaluation fields, with the values that `study` gives them, that are others in `trained`; plain values."""
    before, after = _plain_settings(trained, trainable), _plain_settings(study, trainable)
    fields = trainable.evaluation_fields
    return {name: after.get(name) for name in fields if not same(before.get(name), after.get(name))}


def _plain_settings(study: Study, trainable: LoadedTrainable) -> dict[str, Any]:
    """Every field's value as a ledger has it; as the file has it where the arms complete what is not valid whole."""
    values = trainable.complete(study.settings, study.recipe, study.scale)
    try:
        plain: dict[str, Any] = trainable.Config.model_validate(values).model_dump(mode="json")
    except ValidationError:
        return values
    return plain
