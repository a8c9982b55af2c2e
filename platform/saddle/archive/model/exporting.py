"""A trained model in a folder that loads without saddle."""

from __future__ import annotations

import json
from pathlib import Path

from saddle.archive.lookup import FoundTrial
from saddle.archive.model.models import declared_now, stored_state, trainable_of
from saddle.errors import UserError
from saddle.store.base import Store
from saddle.store.checkpoint.checkpoints import encode_state
from saddle.trial.json_text import to_json

LOADER = '''"""Loads the exported model; needs torch and the package of the trainable, not saddle."""

import json
from importlib import import_module
from pathlib import Path

import torch

HERE = Path(__file__).parent


def load_model():
    """The trained model, on the CPU and in eval mode."""
    about = json.loads((HERE / "model.json").read_text())
    module, _, name = about["entry_point"].partition(":")
    trainable = import_module(module)
    for part in filter(None, name.split(".")):
        trainable = getattr(trainable, part)
    state = torch.load(HERE / "state.pt", map_location="cpu", weights_only=True)
    return trainable.load(trainable.Config.model_validate(about["config"]), state)


if __name__ == "__main__":
    print(load_model())
'''


def export_trial(store: Store, trial: FoundTrial, folder: Path) -> None:
    """Write `state.pt`, `model.json` and `load.py` to `folder`; raises `UserError` where it holds something already.

    The trainable need not be installed where its run says where its code is found.
    """
    if folder.exists() and any(folder.iterdir()):
        raise UserError(f"the folder {folder} is not empty; choose another with --to")
    entry = trial.entry
    point = declared_now(trial.stored).entry_point or trainable_of(trial.stored).entry_point
    folder.mkdir(parents=True, exist_ok=True)
    about = {
        "study": trial.stored.run.name,
        "instance": trial.stored.instance,
        "trial": entry.key,
        "entry_point": point,
        "config": dict(entry.params),
        "seed": entry.seed,
        "epoch": entry.selected_epoch,
        "metrics": dict(entry.metrics),
        "fingerprints": dict(entry.fingerprints),
    }
    (folder / "state.pt").write_bytes(encode_state(stored_state(store, trial)))
    (folder / "model.json").write_text(json.dumps(json.loads(to_json(about)), indent=2, ensure_ascii=False))
    (folder / "load.py").write_text(LOADER)
