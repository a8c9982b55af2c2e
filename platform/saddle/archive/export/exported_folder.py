"""A trained model in a folder that loads with torch alone: state, code, card, and the script that loads it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from saddle.analyse.study_results import StudyResults
from saddle.archive.export.exported_code import FILES, write_code
from saddle.archive.export.model_card import card_of
from saddle.archive.export.model_input import ModelInput, input_of
from saddle.archive.lookup import FoundTrial
from saddle.archive.model.models import declared_now, stored_state, trainable_of
from saddle.errors import UserError
from saddle.store.base import Store
from saddle.store.checkpoint.checkpoints import encode_state
from saddle.trial.json_text import to_json


def export_trial(store: Store, trial: FoundTrial, folder: Path, data_root: str | None = None) -> str:
    """Write a trial's model to `folder`; returns why its script can't load it here, empty if it can.

    The folder gets `state.pt`, `model.json`, `README.md` (the model card), `load.py`, and in `code` the sources that it
    needs. The trainable need not be installed if its run states its entry point; then `code` lacks it. Raises
    `UserError` if the folder holds something already, or the trainable has no `load`.
    """
    if folder.exists() and any(folder.iterdir()):
        raise UserError(f"the folder {folder} is not empty; choose another with --to")
    refuse_without_load(trial)
    entry = trial.entry
    point = declared_now(trial.stored).entry_point or trainable_of(trial.stored).entry_point
    state = stored_state(store, trial)
    folder.mkdir(parents=True, exist_ok=True)
    model_input = input_of(trial, state, data_root)
    (folder / "state.pt").write_bytes(encode_state(state))
    about = json.dumps(json.loads(to_json(facts_of(trial, point, model_input))), indent=2, ensure_ascii=False)
    (folder / "model.json").write_text(about)
    (folder / "load.py").write_text((FILES / "load.py.txt").read_text())
    trouble = write_code(store, trial.stored, point, folder)
    results: StudyResults = trial.stored.read_results(store)
    (folder / "README.md").write_text(card_of(results, entry, model_input))
    return trouble


def refuse_without_load(trial: FoundTrial) -> None:
    """Raise `UserError` for a model that can't be loaded."""
    lacks = trial.stored.declared.lacks
    if "load" in lacks:
        if trial.stored.study.source.command:
            raise UserError(f"{trial.name} can't be exported: a program keeps its model to itself")
        right = "write load(config, state) in the file of the training function"
        raise UserError(f"{trial.name} can't be exported: there is no load ({right})")


def facts_of(trial: FoundTrial, point: str, model_input: ModelInput) -> Mapping[str, Any]:
    """The content of `model.json`."""
    entry = trial.entry
    return {
        "study": trial.stored.run.name,
        "instance": trial.stored.instance,
        "trial": entry.key,
        "entry_point": point,
        "config": dict(entry.params),
        "seed": entry.seed,
        "epoch": entry.selected_epoch,
        "metrics": dict(entry.metrics),
        "fingerprints": dict(entry.fingerprints),
        "input": {"shape": list(model_input.shape), "classes": list(model_input.classes)},
    }
