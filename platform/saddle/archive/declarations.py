"""What a run's trainable declared, stored next to the study's file, so that the run can be read without the code."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from functools import partial

from pydantic import TypeAdapter

from saddle.analyse.result import headline
from saddle.errors import ForeignPath, TrainableError
from saddle.store.base import Store
from saddle.store.ledger.ledger import Ledger
from saddle.store.open import study_folder
from saddle.store.ownership.fence import StudyLock, write_fenced
from saddle.study.models import Study
from saddle.study.trainable.declarations import Declarations
from saddle.study.trainable.loading import load_trainable
from saddle.trial.json_text import to_json
from saddle.trial.run_id import RunId
from trainables.contract import complete_metric

log = logging.getLogger("saddle")

VERSION = 1
"""Of the file; a file of a later version is not read."""
PLAIN = TypeAdapter(Declarations)


def declarations_path(run: RunId) -> str:
    """The path of a run's declarations."""
    return f"{study_folder(run)}/trainable.json"


def write_declarations(store: Store, run: RunId, declared: Declarations, lock: StudyLock) -> None:
    """Store what a run's trainable declares, defaults left out; raises `TakenOver`."""
    names = {"metrics": {"__all__": {"name"}}}
    facts = PLAIN.dump_python(declared.plain, mode="json", exclude_defaults=True, exclude=names, fallback=str)
    content = {"version": VERSION, "token": lock.token, **facts}
    write_fenced(store, declarations_path(run), to_json(content).encode(), lock)


def read_declarations(store: Store, run: RunId, study: Study) -> Declarations:
    """What the trainable of a stored run declares: the stored declarations, else those of the installed trainable.

    Without either, they are guessed from the names of the trials' metrics.
    """
    stored = _read(store, run)
    if stored is not None:
        return stored
    try:
        return load_trainable(study.source).plain
    except TrainableError:
        return _guessed(store, run, study)


def _read(store: Store, run: RunId) -> Declarations | None:
    """The stored ones; None if an older saddle stored none, or if they can't be used, which is logged."""
    path = declarations_path(run)
    try:
        facts = json.loads(store.read(path))
        if facts["version"] > VERSION:
            raise ValueError(f"it was written by a later version of saddle ({facts['version']})")
        declared = PLAIN.validate_python(facts)
    except FileNotFoundError:
        return None
    except (ForeignPath, ValueError, KeyError, TypeError) as error:
        log.warning("%s can't be used; the next run writes it again: %s", store.locate(path), error)
        return None
    return replace(declared, metrics={name: complete_metric(name, metric) for name, metric in declared.metrics.items()})


def _guessed(store: Store, run: RunId, study: Study) -> Declarations:
    """Declarations without a single metric: which one chose checkpoints is guessed from what trials report."""
    reported = dict.fromkeys(name for entry in Ledger(store, run) for name in entry.metrics)
    validation = [complete_metric(name) for name in reported if name.startswith("validation/")]
    compared = study.ablation.compare.metric if study.ablation is not None else None
    compared = study.relation.gain.metric if study.relation is not None else compared
    twin = f"validation/{(compared or '').partition('/')[2]}"
    best = min(validation, key=partial(headline, split="validation"), default=complete_metric(twin))
    return Declarations(name=study.source.name, selection=twin if twin in reported else best.name)
