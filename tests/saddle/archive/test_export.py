"""An exported folder loads with torch alone, whoever wrote the trainable, and says what its model is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import saddle
from saddle.cli.app import app
from saddle.store.local import LocalStore
from saddle.study.trainable.own_sources import forget_own_modules
from tests.support import in_process
from tests.support.torch_alone import run_with_torch_alone

OWN = """
study: points
trainable: ./train.py:train
fixed: {epochs: 1}
search: {lr: {float: [0.01, 0.1]}}
objective: {maximize: validation/accuracy}
sampler: {random: {seed: 0}}
budget: {trials: 1}
"""

SCRIPT = """
from dataclasses import dataclass

import torch
from torch import nn

from layers import make_model

@dataclass
class Config:
    lr: float = 0.1
    epochs: int = 1
    width: int = 3

def train(config: Config, run):
    model = make_model(config.width)
    for epoch in range(config.epochs):
        run.report({"validation/accuracy": 1 - config.lr}, model=model)

def load(config, state):
    model = make_model(config.width)
    model.load_state_dict(state["model"])
    return model
"""

LAYERS = """
from torch import nn

def make_model(width):
    return nn.Sequential(nn.Linear(2, width), nn.Dropout(0.5), nn.Linear(width, 2))
"""

SHOW = """
import json, sys, torch
from load import CLASSES, load_model, preprocess
torch.manual_seed(0)
model = load_model()
"""


@pytest.fixture(autouse=True)
def _no_modules_of_other_tests():
    yield
    forget_own_modules()


def trained(folder: Path, study: str) -> str:
    """The storage of a study that was run in `folder`."""
    store = LocalStore(folder / "runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        in_process.run_in_process(store, study, track=False, check=False)
    return store.url


def export(study: str, storage: str, to: Path) -> str:
    said = CliRunner().invoke(app, ["export", study, "--storage", storage, "--to", str(to)])
    assert said.exit_code == 0, said.output
    assert "doesn't work here" not in said.stderr
    return said.stdout


def test_the_users_own_file_loads_with_torch_alone(tmp_path: Path) -> None:
    import torch

    (tmp_path / "train.py").write_text(SCRIPT)
    (tmp_path / "layers.py").write_text(LAYERS)
    storage = trained(tmp_path, OWN)
    expected = saddle.load_model("points", storage=Path(storage))(torch.ones(1, 2)).detach()
    (tmp_path / "train.py").unlink()
    (tmp_path / "layers.py").unlink()
    export("points", storage, tmp_path / "model")
    script = SHOW + "print(json.dumps([model.training, CLASSES, model(torch.ones(1, 2)).tolist()]))"
    training, classes, logits = json.loads(run_with_torch_alone(tmp_path / "model", script, tmp_path))
    assert (training, classes) == (False, [])
    assert torch.equal(torch.tensor(logits), expected)


def test_the_card_says_what_it_was_trained_on_measured_by_checked_by_and_what_to_be_careful_of(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SCRIPT)
    (tmp_path / "layers.py").write_text(LAYERS)
    storage = trained(tmp_path, OWN.replace("study: points", "study: points\nquestion: Which rate?"))
    said = export("points", storage, tmp_path / "model")
    assert "README.md" in said
    card = (tmp_path / "model/README.md").read_text()
    for words in (
        "# points/trial-00000",
        "The study asks: Which rate?",
        "## Trained on",
        "| chosen by | validation accuracy |",
        "Nothing was measured on a test split.",
        "The robustness checklist was not run on it",
        "It was trained once, with one seed",
        "there is no evaluate",
        "| width | 3 |",
    ):
        assert words in card, words


def test_what_can_not_be_loaded_is_not_exported(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SCRIPT.partition("def load")[0])
    (tmp_path / "layers.py").write_text(LAYERS)
    storage = trained(tmp_path, OWN)
    said = CliRunner().invoke(app, ["export", "points", "--storage", storage, "--to", str(tmp_path / "model")])
    assert said.exit_code == 2
    assert "there is no load (write load(config, state) in the file of the training function)" in said.stderr
    assert not (tmp_path / "model").exists()
