"""What a person should know of a search before it runs: what it can't learn, and what none of its trials can change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from saddle.analyse.searches.early_stopping import unreached_stopping
from saddle.search.distinct_settings import grid_size, planned_trials
from saddle.search.sampler_notes import notes
from saddle.study.known_values import known_values
from saddle.study.models import Study
from saddle.study.space import Parameter

EPOCHS = "epochs"


def search_notes(study: Study, config: Mapping[str, Any]) -> list[str]:
    """Every note on the search; `config` is the configuration of one of its trials."""
    space = study.search or {}
    conditional = [name for name, parameter in space.items() if parameter.when]
    idle = unreached_stopping(study, longest_training(study, config), planned_trials(study))
    return [
        *notes(study.sampler.name, bool(study.constraints), conditional),
        *idle_parameters(study),
        *repeats(study),
        *([idle] if idle else []),
    ]


def longest_training(study: Study, config: Mapping[str, Any]) -> float | None:
    """The most epochs that a trial can have; None if the trainable counts none."""
    searched = (study.search or {}).get(EPOCHS)
    values = [config.get(EPOCHS)] if searched is None else searched.choice or [*searched.bounds]
    numbers = [float(value) for value in values if isinstance(value, int | float)]
    return max(numbers, default=None)


def repeats(study: Study) -> Iterator[str]:
    """How many trials less there are than the grid or the budget has, because they would repeat others."""
    different, space = planned_trials(study), study.search or {}
    planned = study.budget.trials
    if study.sampler.name == "grid":
        size = grid_size(space, study.sampler.options)
        planned = size if planned is None else min(size, planned)
    if different is not None and planned is not None and different < planned:
        whose = "points of the grid" if study.sampler.name == "grid" else "trials of the budget"
        yield (
            f"{planned - different} of the {planned} {whose} would repeat the settings of others and are not run: all"
            f" trials have one seed, so a repeat tells nothing; there are {different} different settings"
        )


def idle_parameters(study: Study) -> list[str]:
    """Parameters whose condition no trial can meet, because a default or fixed value decides it."""
    space, known = study.search or {}, known_values(study)
    return [
        f"{name} is never searched: its condition requires {condition} = {wanted}, which stays {known.get(condition)}"
        for name, parameter in space.items()
        for condition, wanted in parameter.when.items()
        if condition not in space and not Parameter(choice=[0], when={condition: wanted}).active(known)
    ]
