"""The search that an ablation's baseline is the best of: what was taken from it, and what it has found since."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from saddle.analyse.text.formatting import settings
from saddle.analyse.tuning import TunedBy
from saddle.archive.progress import Progress, read_progress
from saddle.errors import StorageError, UserError
from saddle.store.base import Store
from saddle.store.ledger.ledger import Ledger
from saddle.store.open import study_folder
from saddle.study.models import Study
from saddle.study.values import same
from saddle.studyfile.loader import parse_studies
from saddle.trial.run_id import RunId


def find_tuned(store: Store, study: Study, baseline: Mapping[str, Any] | None = None) -> TunedBy | None:
    """The search whose best trial the study starts from; None if it starts from none, or it can't be read.

    `baseline` holds the settings that the study took from it. Only its file, its progress and its best trial are read:
    an error in the search doesn't prevent reading the ablation that was built on it.
    """
    name = None if study.ablation is None else study.ablation.best_of
    if name is None:
        return None
    run = RunId.stored(name)
    path = f"{study_folder(run)}/study.yaml"
    try:
        [search] = parse_studies(store.read(path), store.locate(path), stored=True)
    except (FileNotFoundError, UserError):
        return None
    if search.search is None:
        return None
    progress = read_progress(store, run)
    doubt = "" if progress is None else progress.no_best
    found_since = _found_since(store, run, progress, study, baseline or {})
    return TunedBy(name, tuple(search.search), search.settings, search.constraints, doubt, found_since)


def _found_since(store: Store, run: RunId, progress: Progress | None, study: Study, baseline: Mapping[str, Any]) -> str:
    """The search's present best trial, `trial-00015 (x = 0.4)`, if the baseline lacks its settings, else empty."""
    assert study.ablation is not None
    if progress is None or progress.best_trial is None or not baseline:
        return ""
    try:
        best = Ledger(store, run).get(progress.best_trial)
    except (FileNotFoundError, StorageError):
        return ""
    chosen = {name: value for name, value in best.settings.items() if name not in study.ablation.baseline}
    if all(name in baseline and same(value, baseline[name]) for name, value in chosen.items()):
        return ""
    return f"{best.key} ({settings(chosen.items())})"
