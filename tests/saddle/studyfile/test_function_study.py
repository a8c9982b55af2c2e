"""Studies of functions that no file holds, as a notebook has them."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from saddle.api import function_study
from saddle.errors import StudyError, TrainableError
from saddle.study.trainable.loading import load_trainable
from saddle.study.trainable.own_sources import forget_own_modules
from tests.trainables.own_loop import moons
from trainables.contract import InProcessRun

SECTIONS: dict[str, Any] = {
    "search": {"lr": {"float": [0.01, 1.0], "log": True}},
    "objective": {"maximize": "validation/accuracy"},
    "trials": 6,
}


@pytest.fixture(autouse=True)
def _no_modules_of_other_tests() -> Iterator[None]:
    yield
    forget_own_modules()


def notebook_function(source: str, name: str = "train") -> Any:
    """A function as a notebook's cell defines it: of the module `__main__`, with globals of its own."""
    names: dict[str, Any] = {"__name__": "__main__", "factor": 2}
    exec(source, names)
    return names[name]


def test_a_function_of_a_notebook_is_loaded_with_what_it_refers_to() -> None:
    train = notebook_function(
        "def score(lr): return factor * lr\n"
        "def train(config, run):\n    run.report({'validation/accuracy': score(config.lr)})\n"
    )
    [study], rest = function_study(train, {**SECTIONS, "track": False})
    assert (study.study, rest, study.budget.trials) == ("train", {"track": False}, 6)
    assert study.sampler.tpe is not None
    assert study.sampler.tpe.startup_trials == 2
    trainable = load_trainable(study.source)
    [report] = trainable.train(trainable.Config(lr=0.25), InProcessRun())
    assert report.metrics == {"validation/accuracy": 0.5}


def test_a_function_of_a_module_is_its_file() -> None:
    [study], _ = function_study(moons.train, {**SECTIONS, "study": "mine"})
    assert (study.study, study.trainable) == ("mine", "./moons.py:train")
    assert load_trainable(study.source).lacks == ()


def test_what_stands_beside_is_taken_from_the_call() -> None:
    def evaluate(config: Any, state: Any, run: Any) -> dict[str, float]:
        return {"test/accuracy": 0.5}

    train = notebook_function("def train(config, run): run.report({'validation/accuracy': 1.0}, weights=1)")
    [study], _ = function_study(train, {**SECTIONS, "evaluate": evaluate})
    assert load_trainable(study.source).lacks == ("resume", "load")


@pytest.mark.parametrize(
    ("function", "sections", "said"),
    [
        (lambda config, run: None, {}, "a lambda has no name"),
        (notebook_function("def train(config, run): ..."), {"objective": None}, "a search needs an objective"),
        (notebook_function("def train(config): ..."), {}, "it takes 1 parameters"),
    ],
)
def test_what_can_not_be_a_study_is_refused(function: Any, sections: dict[str, Any], said: str) -> None:
    with pytest.raises((StudyError, TrainableError), match=said):
        function_study(function, {**SECTIONS, **sections})


def test_what_can_not_travel_is_refused() -> None:
    train = notebook_function("def train(config, run): factor")
    train.__globals__["factor"] = threading.Lock()
    with pytest.raises(TrainableError, match="can't be sent to a worker"):
        function_study(train, SECTIONS)
    train.__globals__["factor"] = pickle.dumps(bytes(range(256)) * 40_000)
    with pytest.raises(TrainableError, match="load the data inside it"):
        function_study(train, SECTIONS)
