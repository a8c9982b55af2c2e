"""The spread of paired differences that a plan uses: stated, or that of an ablation in the storage."""

from __future__ import annotations

from dataclasses import dataclass

from saddle.analyse.arms.seeds_needed import Spread, pilot_spread
from saddle.analyse.result import compared_metric
from saddle.archive.lookup import find_run
from saddle.archive.studies import StoredStudy, read_study, study_names
from saddle.errors import UserError
from saddle.store.base import Store
from saddle.study.models import Study
from saddle.study.nearest import nearest
from saddle.study.trainable.declarations import Declarations
from saddle.study.trainable.metrics import in_points, too_large


@dataclass(frozen=True)
class PowerQuestion:
    """What is asked of a plan: for which true effect, from which spread; a pilot is an ablation in the storage."""

    effect: float | None = None
    spread: float | None = None
    pilot: str | None = None


OPEN = PowerQuestion()


def find_spread(study: Study, store: Store, declared: Declarations, question: PowerQuestion) -> Spread | None:
    """The spread asked about, else that of the study's own trials; None if nothing was asked and none have ended.

    Raises `UserError` for a size that no difference of shares can have, where a pilot is none, and where an effect is
    asked about and no spread is known.
    """
    metric = compared_metric(study, declared)
    for option, size in (("--effect", question.effect), ("--spread", question.spread)):
        wrong = too_large(metric, size) if size is not None else None
        if wrong is not None and size is not None:
            raise UserError(f"{option} {size:g} can't be: {wrong}; {in_points(size)}")
    if question.spread is not None:
        return Spread(question.spread, "stated")
    if question.pilot is not None:
        return _of_pilot(store, question.pilot, metric.name)
    stored = read_study(store, study.study)
    own = None if stored is None else _of_stored(store, stored, metric.name)
    if own is None and question.effect is not None:
        raise UserError(
            f"how many seeds an effect needs depends on the spread of paired differences, and {study.study} has no two"
            " complete pairs yet; give --spread SD, or --pilot STUDY with an ablation that has run"
        )
    return own


def _of_pilot(store: Store, name: str, metric: str) -> Spread:
    stored = find_run(store, name)
    if stored is None:
        names = study_names(store)
        near = nearest(name, names)
        hint = f"did you mean {near}?" if near else f"there are: {', '.join(names) or 'none'}"
        raise UserError(f"the pilot {name} is not a study in this storage; {hint}")
    if stored.study.ablation is None:
        raise UserError(f"the pilot {name} is a search, whose trials are not paired; name an ablation")
    spread = _of_stored(store, stored, metric)
    if spread is None:
        raise UserError(f"the pilot {name} has no arm with two complete pairs of {metric} that differ")
    return spread


def _of_stored(store: Store, stored: StoredStudy, metric: str) -> Spread | None:
    if stored.study.ablation is None:
        return None
    return pilot_spread(stored.read_results(store).measured(metric), f"from {stored.run}")
