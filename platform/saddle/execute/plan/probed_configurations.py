"""Which configurations of a study have their memory measured: its extremes, and of these those with the most work."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from saddle.design import Arm, blocks_of_study
from saddle.design.blocks import settings_of
from saddle.study.models import Study
from saddle.study.trainable.loading import LoadedTrainable
from trainables.contract import resolve

MOST = 6
"""How many are measured: each takes up to a minute."""


def probed_configurations(
    study: Study, trainable: LoadedTrainable, arms: Sequence[Arm] = ()
) -> tuple[list[dict[str, Any]], int]:
    """The complete settings of those, the most work first, and how many were left out; invalid ones don't count."""
    complete: dict[str, tuple[float, dict[str, Any]]] = {}
    for settings in settings_of_extremes(study, arms):
        try:
            config = resolve(trainable, settings, study.recipe, study.scale).config
        except ValueError:
            continue
        work = trainable.estimate(config)[0] if trainable.estimate is not None else 0.0
        complete[config.model_dump_json()] = (work, config.model_dump(mode="json"))
    # a sort keeps the order of equals: without an estimate the first ones stay
    ordered = [params for _, params in sorted(complete.values(), key=lambda pair: pair[0], reverse=True)]
    return ordered[:MOST], len(ordered[MOST:])


def settings_of_extremes(study: Study, arms: Sequence[Arm]) -> Iterator[Mapping[str, Any]]:
    """The study's settings alone; with each arm's in each block; all least or all largest values; each alone."""
    yield study.settings
    for arm, block in itertools.product(arms, blocks_of_study(study)):
        yield {**study.settings, **arm.settings, **settings_of(block)}
    extremes = {name: parameter.choice or parameter.bounds for name, parameter in (study.search or {}).items()}
    for position in (0, -1):
        yield {**study.settings, **{name: values[position] for name, values in extremes.items()}}
    for name, values in extremes.items():
        for value in values:
            yield {**study.settings, name: value}
