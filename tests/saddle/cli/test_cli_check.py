"""`saddle check` of a stored trial and of a model of one's own, and what it says of a wrong call."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from saddle.store.ledger.ledger import Ledger
from saddle.store.local import LocalStore
from saddle.trial.run_id import RunId
from tests.saddle.cli.conftest import Finished, Run
from trainables.evaluation.checklist import CHECKS

pytestmark = pytest.mark.long

MODELS = '''
import torch
from torch import nn


class Prototypes(nn.Module):
    """Logits are negative distances to the mean digit of each class: little of a classifier, and an honest one."""

    def __init__(self):
        super().__init__()
        from trainables.datasets import load
        train = load("digits").train
        pixels = train.pixels().flatten(1)
        self.register_buffer("means", torch.stack([pixels[train.labels == k].mean(0) for k in range(10)]))

    def forward(self, images):
        return -(images.flatten(1).unsqueeze(1) - self.means).square().sum(2)


def honest():
    return Prototypes().eval()


def softmax():
    return nn.Sequential(Prototypes(), nn.Softmax(1)).eval()


def chatty():
    print("hello")
    return Prototypes().eval()


def nothing():
    pass


def wanting(width):
    return Prototypes()


def raising():
    raise ValueError("no such\\nweights")


def few():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 3)).eval()


def images():
    return nn.Identity()


class Crashing(nn.Module):
    def forward(self, images):
        return images.nonsense()


def crashing():
    return Crashing()
'''


@pytest.fixture
def model(tmp_path: Path) -> str:
    (tmp_path / "models.py").write_text(MODELS)
    return str(tmp_path / "models.py")


def of_digits(model: str, *more: str) -> list[str]:
    return ["check", "--model", model, "--dataset", "digits", "--epsilon", "0.1", "--images", "60", *more]


def test_a_model_of_ones_own_is_checked(saddle: Run, model: str) -> None:
    done = saddle(*of_digits(f"{model}:chatty", "--json"))
    items = json.loads(done.stdout)
    assert [item["item"] for item in items] == list(CHECKS)
    assert all(sorted(item) == ["item", "numbers", "says", "verdict"] for item in items)
    assert done.exit_code == 0, [item for item in items if item["verdict"] == "fail"]


def test_a_cheat_ends_with_1_and_is_named(saddle: Run, model: str) -> None:
    done = saddle(*of_digits(f"{model}:softmax"))
    assert done.exit_code == 1
    assert "probabilities (softmax" in " ".join(done.stdout.split())
    assert "fails: forward_pass" in done.stdout


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("nothing", "returns nothing, and not a torch.nn.Module"),
        ("wanting", "must take no arguments; it requires width"),
        ("raising", "raised ValueError: no such weights (line "),
        ("few", "gives logits of 3 classes, and the dataset has 10"),
        ("images", "logits must be (2, classes) for 2 images, not (2, 1, 8, 8)"),
        ("crashing", "raised AttributeError: "),
        ("honset", "has no function 'honset'; did you mean honest?"),
    ],
)
def test_what_is_wrong_with_the_file_is_one_line(saddle: Run, model: str, function: str, said: str) -> None:
    done = saddle(*of_digits(f"{model}:{function}"))
    assert done.exit_code == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert said in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name either a trial, as STUDY/TRIAL, or --model"),
        (["a/b", "--model", "m.py:f"], "name either a trial, as STUDY/TRIAL, or --model"),
        (["a/b", "--epsilon", "0.1"], "--epsilon go with --model"),
        (["--model", "m.py:f"], "--model needs --dataset and --epsilon as well"),
        (["--model", "m.py:f", "--dataset", "digits", "--epsilon", "0"], "ε is above 0 and at most 1"),
        (["--model", "m.py:f", "--dataset", "digits", "--epsilon", "x"], "write a number such as 0.3 or 8/255"),
        (["--model", "m.py:f", "--dataset", "digits", "--epsilon", "8/255"], "file m.py does not exist"),
        (["--model", "m.py", "--dataset", "digits", "--epsilon", "0.1"], "write FILE.py:FUNCTION"),
        (["--model", "m.py:f", "--dataset", "digts", "--epsilon", "0.1"], "did you mean 'digits'?"),
        (["no-such-study/1"], "no study 'no-such-study'"),
    ],
)
def test_a_wrong_call_ends_with_2_and_one_line(saddle: Run, arguments: list[str], said: str) -> None:
    done = saddle(*arguments[:0], "check", *arguments)
    assert done.exit_code == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert said in done.stderr


def test_a_trial_is_checked_at_the_end_of_its_study_and_again_when_asked(saddle: Run, finished: Finished) -> None:
    ledger = Ledger(LocalStore(Path(finished.storage)), RunId("digits"))
    [entry] = ledger.entries()
    assert [check.item for check in entry.checks] == list(CHECKS), "at the end of its study"
    done = saddle("check", "digits/0", "--storage", finished.storage, "--json")
    items = json.loads(done.stdout)
    assert done.exit_code == int(any(item["verdict"] == "fail" for item in items))
    assert [check.verdict for check in ledger.entries()[0].checks] == [item["verdict"] for item in items]
    page = Path(saddle("report", "digits", "--storage", finished.storage).stdout.strip()).read_text()
    assert "Checks for overestimated robustness" in page


def test_a_method_without_a_checklist_says_so(saddle: Run, finished: Finished) -> None:
    done = saddle("check", "top/0", "--storage", finished.storage)
    assert done.exit_code == 2
    assert "parabola has no checklist of robustness" in done.stderr
