"""The units of a relation before anything is trained: whose data are there, and what is measured of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from saddle.archive.studies import StoredStudy
from saddle.design.study_arms import arms_of_study
from saddle.execute.plan.checked_data import key_of, read_note, write_note
from saddle.execute.plan.checking_run import CheckingRun
from saddle.store.base import Store
from saddle.store.ledger.ledger import Ledger
from saddle.store.ownership.fence import StudyLock
from saddle.store.run_files.unit_log import lacking, read_units, write_absent, write_measures
from saddle.study.models import Study
from saddle.study.relations.relation import RelationUnit
from saddle.study.trainable.loading import LoadedTrainable, load_trainable
from trainables.contract import resolve
from trainables.datasets.errors import DataNotFoundError


def unit_configs(study: Study, trainable: LoadedTrainable) -> Iterator[tuple[RelationUnit, Any]]:
    """Every unit with the configuration of the arm that is gained over; none if a table holds the gains."""
    relation = study.relation
    if relation is None or relation.gain.over is None:
        return
    for unit in relation.unit_list:
        settings = {**study.settings, **relation.gain.over, **unit.settings}
        yield unit, resolve(trainable, settings, study.recipe, study.scale).config


def settings_in_units(study: Study) -> list[dict[str, Any]]:
    """The settings of every arm in every unit."""
    assert study.relation is not None
    arms, units = arms_of_study(study, None), study.relation.unit_list
    return [{**study.settings, **arm.settings, **unit.settings} for unit in units for arm in arms]


def absent_units(study: Study, run: CheckingRun) -> dict[str, str]:
    """Why nothing can be trained of a unit, by its name; raises `DataError` for data that are there and can't be used.

    Nothing is dropped for it: a unit stays in the plan, the answer and the report, and is trained once its data are
    there.
    """
    trainable, absent = load_trainable(study.source), dict[str, str]()
    for unit, config in unit_configs(study, trainable):
        try:
            trainable.check(config, run)
        except DataNotFoundError as error:
            absent[unit.name] = str(error)
    return absent


def wanted_measures(study: Study, trainable: LoadedTrainable) -> list[str]:
    """The measures of the data that the relation's predictors name."""
    assert study.relation is not None
    names = [predictor.name for predictor in study.relation.predictors]
    return [name for name in names if name is not None and name in trainable.data_measures]


def measure_units(
    study: Study, trainable: LoadedTrainable, run: CheckingRun, units: Sequence[str]
) -> Iterator[tuple[RelationUnit, Mapping[str, float]]]:
    """The finite measures of the data of those units that are named."""
    if trainable.measure_data is None:
        return
    for unit, config in unit_configs(study, trainable):
        if unit.name in units:
            yield unit, measure_data(trainable, config, run)


def measure_data(trainable: LoadedTrainable, config: Any, run: CheckingRun) -> dict[str, float]:
    """The finite measures of the data of a configuration, noted on this machine as their check is (`checked_data`)."""
    assert trainable.measure_data is not None
    key = key_of(trainable, [config], run.data_root, f"measures, seed {run.seed}")
    note = read_note(key) if key is not None else None
    if note is not None and isinstance(note.get("measures"), dict):
        return {str(name): float(value) for name, value in note["measures"].items()}
    measures = trainable.measure_data(config, run)
    finite = {name: float(value) for name, value in measures.items() if math.isfinite(value)}
    if key is not None:
        write_note(key, {"measures": finite})
    return finite


def settle_units(store: Store, stored: StoredStudy, data_root: str | None, lock: StudyLock) -> StoredStudy:
    """Keep which units have data here and what is measured of these, once; returns the study with it."""
    study = stored.study
    if study.relation is None:
        return stored
    trainable, run = load_trainable(study.source), CheckingRun(seed=_first_seed(study), data_root=data_root)
    absent, facts = absent_units(study, run), read_units(store, stored.run)
    if dict(facts.absent) != absent:
        # a unit that was planned and could not be trained is one more look once its data are there
        came = any(unit not in absent for unit in facts.absent) and bool(Ledger(store, stored.run).keys())
        write_absent(store, stored.run, absent, facts.arrivals + came, lock)
    wanted = wanted_measures(study, trainable)
    missing = [
        unit.name for unit in study.relation.unit_list if unit.name not in absent and lacking(wanted, facts, unit)
    ]
    for unit, measures in measure_units(study, trainable, run, missing):
        write_measures(store, stored.run, unit, measures, lock)
    return replace(stored, units=read_units(store, stored.run))


def _first_seed(study: Study) -> int:
    """The seed of the split whose training images are measured."""
    return next(iter(study.seed_list), 0)
