"""Measuring a stored checkpoint again, perhaps under other attacks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from saddle.archive.lookup import FoundTrial
from saddle.archive.model.evaluation import split_change
from saddle.archive.model.models import load_config, measuring_trainable, stored_state
from saddle.errors import UserError
from saddle.store.base import Store
from saddle.study.yaml_scalars import ScalarError
from saddle.studyfile.numbers import as_number
from saddle.studyfile.yaml_reader import read_value
from trainables.contract import InProcessRun


def evaluate_trial(
    store: Store, trial: FoundTrial, changes: Sequence[str] = (), data_root: str | None = None, which: str = "best"
) -> dict[str, float]:
    """The test metrics of the `best` or `last` checkpoint; `changes` are `field=value` texts.

    Raises `UserError` for a field the trainable doesn't have or a value it refuses.
    """
    trainable = measuring_trainable(trial.stored)
    config = change_config(load_config(trial, measured=True), changes)
    run = InProcessRun(seed=trial.entry.seed, data_root=data_root)
    return dict(trainable.evaluate(config, stored_state(store, trial, which), run).metrics)


def change_config(config: Any, changes: Sequence[str]) -> Any:
    """The configuration with some fields set again."""
    values = config.model_dump()
    for change in changes:
        name, text = split_change(change, values)
        values[name] = parse_value(type(config), name, text)
    try:
        return type(config).model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise UserError(f"--set {'.'.join(map(str, first['loc']))}: {first['msg']}, not {first['input']!r}") from None


def parse_value(config: Any, name: str, text: str) -> Any:
    """A YAML scalar or flow value of a field, as in a study file; raises `UserError` for anything else."""
    label = f"--set {name}={text}"
    value, _, problems = read_value(text, label)
    if problems:
        raise UserError(f"{label}: {problems[0].what}")
    try:
        return as_number(config, name, value)
    except ScalarError as error:
        raise UserError(f"{label}: {error}") from None
