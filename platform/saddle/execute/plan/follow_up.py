"""The ablation that answers what a search's question asks of one of its parameters, as the text of a study file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from saddle.analyse.searches.search import twin
from saddle.archive.studies import read_study
from saddle.search.distinct_settings import finite_values
from saddle.search.lattice import evenly, nearest_step
from saddle.store.base import Store
from saddle.study.models import Study
from saddle.study.seeds import SEARCH_SEED
from saddle.study.space import Parameter
from saddle.study.trainable.declarations import Declarations
from saddle.study.values import canonical
from saddle.studyfile.dump import dump_plain, plain_study
from saddle.trial.record import TrialRecord

SEEDS = 5
"""With fewer seeds, the interval shows only effects that need no test."""

MOST_LEVELS = 3

KEPT = ("trainable", "recipe", "scale", "resources", "evaluate")
"""What the ablation takes over from the search unchanged."""


def follow_up(study: Study, store: Store, declared: Declarations) -> str:
    """The text of the study that answers for the parameter which `study` asks about; empty if it asks of none.

    Around the settings of the search's best trial, present or future. Its
    seeds are others than the search's, whose best trial was chosen by that seed.
    """
    asks = study.asks
    if asks is None or study.search is None:
        return ""
    parameter, winner = study.search[asks], stored_winner(study, store)
    first, *others = levels(parameter, None if winner is None else winner.settings.get(asks))
    fixed = {**study.fixed, **_conditions(parameter, winner), **_best_settings(study, asks, winner)}
    origin: dict[str, Any] = {} if winner is not None else {"best_of": study.study}
    plain = plain_study(study)
    metric = twin(study.objective[0].metric) if study.objective else ""
    compare: dict[str, Any] = {"compare": {"metric": metric}} if metric in declared.metrics else {}
    ablation: dict[str, Any] = {
        "baseline": {**origin, asks: first},
        "factors": {asks: [first, *others]},
        "seeds": list(range(SEARCH_SEED + 1, SEARCH_SEED + 1 + SEEDS)),
        **compare,
    }
    copied = {name: plain[name] for name in KEPT if plain.get(name)}
    return dump_plain(
        {"study": f"{study.study}-{asks}", "question": study.question, **copied, "fixed": fixed, "ablation": ablation}
    )


def stored_winner(study: Study, store: Store) -> TrialRecord | None:
    """The best trial that the stored search has; None without one."""
    stored = read_study(store, study.study)
    return None if stored is None or stored.study.search is None else stored.read_results(store).answer.best


def levels(parameter: Parameter, best: Any) -> list[Any]:
    """Two or three values to compare: both ends and the middle of a range; of more choices the first and the best."""
    values = finite_values(parameter)
    if values is not None and len(values) <= MOST_LEVELS:
        return list({canonical(value): value for value in values}.values())
    if parameter.choice is not None:
        ordered = [*parameter.choice[:1], *([] if best is None else [best]), *parameter.choice[1:]]
        return list({canonical(value): value for value in ordered}.values())[:MOST_LEVELS]
    low, middle, high = evenly(*parameter.bounds, MOST_LEVELS, log=parameter.log)
    if parameter.int_range is not None or parameter.step is not None:
        middle = nearest_step(middle, low, parameter.step or 1.0)
        high = low + math.floor((high - low) / (parameter.step or 1.0) + 1e-9) * (parameter.step or 1.0)
    else:
        middle = float(f"{middle:.3g}")
    return [int(value) if parameter.int_range is not None else value for value in (low, middle, high)]


def _conditions(parameter: Parameter, winner: TrialRecord | None) -> dict[str, Any]:
    """What the parameter's condition wants, where the best trial does not meet it."""
    settings: Mapping[str, Any] = {} if winner is None else {**winner.params, **winner.settings}
    return {
        name: condition[0] if isinstance(condition, list) else condition
        for name, condition in parameter.when.items()
        if not Parameter(choice=[0], when={name: condition}).active(dict(settings))
    }


def _best_settings(study: Study, asks: str, winner: TrialRecord | None) -> dict[str, Any]:
    """The best trial's settings but for the one asked about, and those which that one's value decides on."""
    space: Mapping[str, Parameter] = study.search or {}
    left_out: Sequence[str] = [asks, *(name for name, parameter in space.items() if asks in parameter.when)]
    left_out = [*left_out, *space[asks].when] if winner is not None and asks not in winner.settings else left_out
    return {} if winner is None else {name: v for name, v in winner.settings.items() if name not in left_out}
