"""What a search's trials under way were given, kept in the store: with Optuna's storage gone, they still go on."""

from __future__ import annotations

import json
import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from saddle.store.base import Store
from saddle.store.checkpoints import Checkpoints
from saddle.store.fence import NO_LOCK, StudyLock, write_fenced
from saddle.store.open import study_folder, trial_folder
from saddle.trial.json_text import to_json
from saddle.trial.run_id import RunId
from saddle.trial.source import Proposal

KEY = re.compile(r"trial-(\d{5,})")


@dataclass(frozen=True)
class Begun:
    """A trial that has begun and not ended, with its epochs so far; `settings` is None where what it was given is lost.

    `times` say when each epoch was over.
    """

    number: int
    settings: Mapping[str, Any] | None
    curve: Sequence[Mapping[str, float]] = ()
    times: Sequence[float] = ()
    started: float = 0.0


def proposal_path(run: RunId, key: str) -> str:
    """Where the settings of a search's trial lie."""
    return f"{trial_folder(run, key)}/proposal.json"


def keep_proposal(store: Store, run: RunId, proposal: Proposal, lock: StudyLock = NO_LOCK) -> None:
    """Store what a search's trial is given; an ablation's follow from the study file. Raises `TakenOver`."""
    if proposal.number is not None:
        facts = {"number": proposal.number, "settings": dict(proposal.settings), "token": lock.token}
        write_fenced(store, proposal_path(run, proposal.key), to_json(facts).encode(), lock)


def number_of(key: str) -> int | None:
    """The number in the key of a search's trial, or None for any other key."""
    match = KEY.fullmatch(key)
    return int(match[1]) if match else None


def begun_trials(store: Store, run: RunId, finished: Container[str]) -> list[Begun]:
    """Every trial of a search that left a folder but is not among the `finished` keys, by number."""
    found = []
    for key in store.names(f"{study_folder(run)}/trials"):
        number = number_of(key)
        if number is not None and key not in finished:
            checkpoints = Checkpoints.of_trial(store, run, key)
            curve, settings = checkpoints.curve(), read_settings(store, run, key)
            found.append(Begun(number, settings, curve.metrics, curve.times, checkpoints.manifest.started))
    return sorted(found, key=lambda trial: trial.number)


def read_settings(store: Store, run: RunId, key: str) -> dict[str, Any] | None:
    """What a search's trial was given, or None where that isn't known."""
    try:
        settings = json.loads(store.read(proposal_path(run, key)))["settings"]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return settings if isinstance(settings, dict) else None
