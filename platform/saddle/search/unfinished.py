"""What a search's running trials were given, kept in the store: with Optuna's storage gone, they still continue."""

from __future__ import annotations

import json
import re
from collections.abc import Container
from typing import Any

from saddle.store.base import Store
from saddle.store.checkpoint.checkpoints import Checkpoints
from saddle.store.open import study_folder, trial_folder
from saddle.store.ownership.fence import NO_LOCK, StudyLock, write_fenced
from saddle.study.seeds import SEARCH_SEED
from saddle.trial.json_text import to_json
from saddle.trial.progress import TrialProgress
from saddle.trial.run_id import RunId
from saddle.trial.spec import TrialSpec

KEY = re.compile(r"trial-(\d{5,})")


def proposal_path(run: RunId, key: str) -> str:
    """Where the settings of a search's trial are stored."""
    return f"{trial_folder(run, key)}/proposal.json"


def write_settings(store: Store, spec: TrialSpec, lock: StudyLock = NO_LOCK) -> None:
    """Store what a search's trial is given; an ablation's follow from the study file. Raises `TakenOver`."""
    if spec.number is not None:
        facts = {"number": spec.number, "settings": dict(spec.settings), "token": lock.token}
        write_fenced(store, proposal_path(spec.run, spec.key), to_json(facts).encode(), lock)


def number_of(key: str) -> int | None:
    """The number in the key of a search's trial, or None for any other key."""
    match = KEY.fullmatch(key)
    return int(match[1]) if match else None


def begun_trials(store: Store, run: RunId, finished: Container[str]) -> dict[int, TrialProgress | None]:
    """Every trial of a search that left a folder but is not among the `finished` keys, by its number, in order.

    None for one whose settings are lost: it can't continue, but its number is used up.
    """
    begun: dict[int, TrialProgress | None] = {}
    for key in store.names(f"{study_folder(run)}/trials"):
        number = number_of(key)
        if number is not None and key not in finished:
            settings = read_settings(store, run, key)
            begun[number] = None
            if settings is not None:
                spec = TrialSpec(key, run, settings, SEARCH_SEED, number=number)
                begun[number] = Checkpoints.of_trial(store, run, key).progress(spec)
    return dict(sorted(begun.items()))


def read_settings(store: Store, run: RunId, key: str) -> dict[str, Any] | None:
    """What a search's trial was given, or None if that isn't known."""
    try:
        settings = json.loads(store.read(proposal_path(run, key)))["settings"]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return settings if isinstance(settings, dict) else None
