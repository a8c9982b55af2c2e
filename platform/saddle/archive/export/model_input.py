"""The input of an exported model: the shape of its images and the names of their classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from saddle.archive.lookup import FoundTrial
from trainables.contract import InProcessRun
from trainables.datasets.config import dataset_of, known_facts, own_transformation
from trainables.datasets.errors import DataError


@dataclass(frozen=True)
class ModelInput:
    """The input of a model, as far as its state and its data say."""

    shape: tuple[int, ...] = ()
    """(C, H, W); empty if the state doesn't say, as for a model that takes no images."""
    classes: tuple[str, ...] = ()
    """The classes by name, in the order of the logits."""
    unnamed: str = ""
    """Why the classes have no names, in words."""


def input_of(trial: FoundTrial, state: Mapping[str, Any], data_root: str | None = None) -> ModelInput:
    """The input of a trial's model; the names of classes are the known dataset's, or read from the data itself."""
    shape = state.get("shape")
    shape = tuple(int(size) for size in shape) if isinstance(shape, list | tuple) and len(shape) == 3 else ()
    spec = trial.entry.params.get("dataset")
    if spec is None:
        return ModelInput(shape)
    facts = known_facts(spec)
    count = trial.entry.fingerprints.get("classes")
    if facts is not None and own_transformation(spec) is None and count in (None, len(facts.classes)):
        return ModelInput(shape, tuple(facts.classes))
    return _read_from_data(trial, shape, data_root)


def _read_from_data(trial: FoundTrial, shape: tuple[int, ...], data_root: str | None) -> ModelInput:
    from saddle.archive.model.models import load_config

    try:
        data = InProcessRun(seed=trial.entry.seed, data_root=data_root).data(dataset_of(load_config(trial)))
    except (DataError, OSError) as error:
        return ModelInput(shape, (), f"its data could not be read here: {error}")
    return ModelInput(shape, tuple(map(str, data.classes)))
