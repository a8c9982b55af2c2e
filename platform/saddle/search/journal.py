"""Optuna's journal of a search, opened if it is whole; a damaged one is set aside and rebuilt from the ledger.

Optuna replays a journal line by line and raises any error that the first invalid line leads to; a broken last line it
forgives, until the next one follows. What replays but is not what the ledger says (lines lost, another study's journal)
would let trials end under wrong numbers.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from saddle.search.rebuild import finished_trial
from saddle.search.storage import cut_tail, open_journal
from saddle.study.models import Study
from saddle.trial.progress import TrialProgress
from saddle.trial.record import TrialRecord

log = logging.getLogger(__name__)


class NotWhole(Exception):
    """What is wrong with a journal."""


def open_whole(
    path: Path, study: Study, name: str, finished: Iterable[TrialRecord], begun: Mapping[int, TrialProgress | None]
) -> BaseStorage:
    """The journal at `path`; one that is not whole is moved aside, which is logged, and an empty one takes its place.

    `begun` are the running trials (see `unfinished.begun_trials`).
    """
    if not path.exists():
        return open_journal(path)
    try:
        return read_whole(path, study, name, list(finished), begun)
    except NotWhole as damage:
        aside = path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%dT%H%M%S')}")
        path.rename(aside)
        log.warning(
            "Optuna's journal of %s was damaged (%s): it is made again from the ledger, no trial and no epoch is lost; "
            "the old one is kept as %s", study.study, damage, aside,
        )  # fmt: skip
        return open_journal(path)


def read_whole(
    path: Path, study: Study, name: str, finished: list[TrialRecord], begun: Mapping[int, TrialProgress | None]
) -> BaseStorage:
    """The journal at `path`; raises `NotWhole`."""
    if not path.is_file():
        raise NotWhole("it is not a file")
    cut_tail(path)
    check_lines(path)
    try:
        storage = open_journal(path)
        searches = {search.study_name: search for search in storage.get_all_studies()}
        if set(searches) - {name}:
            raise NotWhole(f"it is of another study, {', '.join(sorted(set(searches) - {name}))}")
        if name not in searches:
            if finished or begun:
                raise NotWhole("it has no study")
            return storage
        check_trials(optuna.load_study(study_name=name, storage=storage), study, finished, begun)
    except (NotWhole, OSError):
        raise
    except Exception as error:  # Optuna's replay may raise anything: it checks nothing
        raise NotWhole(f"{type(error).__name__}: {error}") from error
    return storage


def check_lines(path: Path) -> None:
    """Raise `NotWhole` unless every line is a record."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                record = json.loads(line)
            except ValueError:
                raise NotWhole(f"line {number} is not a JSON") from None
            if not isinstance(record, dict) or not isinstance(record.get("op_code"), int):
                raise NotWhole(f"line {number} is not a record of Optuna's")


def check_trials(
    search: optuna.Study, study: Study, finished: list[TrialRecord], begun: Mapping[int, TrialProgress | None]
) -> None:
    """Raise `NotWhole` if a trial is not what the ledger and the trials' folders say; it may lack the last ones."""
    directions = [objective.direction for objective in study.objective or ()]
    if [direction.name.lower() for direction in search.directions] != directions:
        raise NotWhole("its directions differ")
    trials = search.get_trials(deepcopy=False)
    for entry in finished:
        if entry.number is not None and entry.number < len(trials):
            expected = finished_trial(study, entry)
            trial = trials[entry.number]
            if trial.state not in (TrialState.RUNNING, expected.state) or not agrees(trial, expected.params):
                raise NotWhole(f"trial {entry.number} differs from the ledger's")
    for number, progress in begun.items():
        if number < len(trials) and progress is not None:
            if not agrees(trials[number], progress.spec.settings):
                raise NotWhole(f"trial {number} differs from the one that has begun")
            if trials[number].state.is_finished():
                raise NotWhole(f"trial {number} has ended only there")


def agrees(trial: FrozenTrial, params: Mapping[str, Any]) -> bool:
    """Whether the trial was given these parameters."""
    return dict(trial.params) == dict(params)
