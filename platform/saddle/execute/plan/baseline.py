"""The baseline of an ablation, with the best trial of a search in it where the study asks for it."""

from __future__ import annotations

from typing import Any

from saddle.analyse.best import best_trial
from saddle.archive.studies import has_begun, read_study
from saddle.errors import NothingToBuildOn
from saddle.store.base import Store
from saddle.store.ledger.ledger import Ledger
from saddle.study.models import Study


def find_baseline(study: Study, store: Store, *, fresh: bool = False) -> dict[str, Any] | None:
    """The ablation's baseline with the best trial's settings in it; None in a search or relation.

    Once a trial of a run has begun, the run keeps the baseline that it began with, however its search continues:
    another best one would change what every arm means. Raises `NothingToBuildOn`.
    """
    if study.ablation is None:
        return None
    stored = None if fresh else _kept_baseline(study, store)
    if stored is not None:
        return stored
    if study.ablation.best_of is None:
        return dict(study.ablation.baseline)
    return {**_best_settings(study.study, study.ablation.best_of, store), **study.ablation.baseline}


def _kept_baseline(study: Study, store: Store) -> dict[str, Any] | None:
    """The baseline of the stored run of the study; None if there is none, or none of its trials has begun."""
    stored = read_study(store, study.study)
    if stored is None or stored.baseline is None or not has_begun(store, stored.run):
        return None
    return dict(stored.baseline)


def _best_settings(name: str, search: str, store: Store) -> dict[str, Any]:
    """What the best trial of a search has, for the ablation called `name`."""
    stored = read_study(store, search)
    if stored is None or stored.study.objective is None:
        raise NothingToBuildOn(
            f"{name} starts from the best trial of {search}, which has not run in this storage", "run it first"
        )
    best = best_trial(stored.study, stored.declared, Ledger(store, stored.run))
    if best is None:
        raise NothingToBuildOn(
            f"{name} starts from the best trial of {search}, which has no completed trial that meets its constraints"
        )
    return dict(best.settings)
