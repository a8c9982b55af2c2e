"""Functions as trainables: what the contract asks, and what is taken from a study where they don't say it."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
import torch
from pydantic import BaseModel, ValidationError

from tests.contracts.trainable import TrainableContract
from tests.trainables.own_loop import moons
from trainables.contract import InProcessRun, NotProvided
from trainables.own_loop import thread_reports
from trainables.own_loop.function import adapt_function
from trainables.own_loop.loop_run import LoopRun
from trainables.own_loop.terms import StudyTerms

TERMS = StudyTerms(
    {"lr": 0.1, "mode": "fast"}, {"validation/accuracy": "maximize", "validation/loss": None}, "validation/accuracy"
)


class TestMoons(TrainableContract):
    trainable: ClassVar[Any] = adapt_function(moons.train, vars(moons), StudyTerms())
    config: ClassVar[dict[str, Any]] = {"epochs": 3}


def reports_of(function: Any, config: dict[str, Any] | None = None, **options: Any) -> list[Any]:
    trainable = adapt_function(function, {}, TERMS)
    return list(trainable.train(trainable.Config(**(config or {})), InProcessRun(**options)))


def test_a_bare_function_takes_names_and_metrics_from_the_study() -> None:
    def train(config: Any, run: LoopRun) -> None:
        run.report({"validation/accuracy": config.lr, "validation/loss": torch.tensor(config["lr"])})

    trainable = adapt_function(train, {}, TERMS)
    assert list(trainable.Config.model_fields) == ["lr", "mode"]
    assert trainable.METRICS == {"validation/accuracy": "maximize", "validation/loss": "minimize"}
    assert trainable.SELECTION == "validation/accuracy"
    assert trainable.LACKS == ("state", "resume", "load", "evaluate")
    [report] = trainable.train(trainable.Config(lr=0.5, later=1), InProcessRun())
    assert report.metrics == {"validation/accuracy": 0.5, "validation/loss": 0.5}
    assert report.state["epoch"] == 1
    with pytest.raises(NotProvided, match="no load"):
        trainable.load(trainable.Config(), report.state)
    assert trainable.evaluate(trainable.Config(), report.state, InProcessRun()).metrics == {}


@dataclasses.dataclass
class Settings:
    lr: float
    widths: list[int] = dataclasses.field(default_factory=lambda: [8])


class Model(BaseModel):
    lr: float = 0.1


def test_a_dataclass_a_pydantic_model_and_a_dict_are_handed_over_as_they_are() -> None:
    seen: list[Any] = []

    def with_dataclass(config: Settings, run: Any) -> None:
        seen.append(config)

    def with_model(config: Model, run: Any) -> None:
        seen.append(config)

    def with_dict(config: dict[str, Any], run: Any) -> None:
        seen.append(config)

    for function, given in ((with_dataclass, {"lr": 1}), (with_model, {"lr": 2}), (with_dict, {"lr": 3})):
        reports_of(function, given)
    assert seen == [Settings(1.0, [8]), Model(lr=2.0), {"lr": 3, "mode": "fast"}]
    with pytest.raises(ValidationError, match="learning_rate"):
        adapt_function(with_dataclass, {}, TERMS).Config(lr=1, learning_rate=2)


def test_a_function_that_declares_nothing_reads_its_configuration_as_a_dict_and_by_attributes() -> None:
    seen: list[Any] = []

    def train(config: Any, run: LoopRun) -> None:
        seen.append(config)
        config["lr"] = config.pop("lr") / 2  # its own to change

    reports_of(train, {"lr": 0.5, "items": [1]})
    [config] = seen
    assert config == {"lr": 0.25, "items": [1], "mode": "fast"}
    assert (config.lr, config.get("decay", 7), "decay" in config, dict(**config)["mode"]) == (0.25, 7, False, "fast")
    for copied in (copy.deepcopy(config), pickle.loads(pickle.dumps(config)), json.loads(json.dumps(config))):
        assert copied == config
    with pytest.raises(AttributeError, match="the configuration has no decay; it has mode, items, lr"):
        _ = config.decay
    with pytest.raises(KeyError, match="decay"):
        config["decay"]


def one_parameter(config: Any) -> None: ...


def test_what_can_be_no_training_function_is_refused() -> None:
    with pytest.raises(TypeError, match=r"it takes 1 parameters; write def one_parameter\(config, run\)"):
        adapt_function(one_parameter, {}, TERMS)

    def train(config: int, run: Any) -> None: ...

    with pytest.raises(TypeError, match="expected a dataclass, a pydantic model or a dict"):
        adapt_function(train, {}, TERMS)


def test_a_generator_may_yield_its_metrics() -> None:
    def train(config: Any, run: Any) -> Iterator[dict[str, float]]:
        yield {"validation/accuracy": 0.1}
        yield {"validation/accuracy": 0.2}

    assert [report.state["epoch"] for report in reports_of(train)] == [1, 2]


def test_what_a_function_raises_reaches_whoever_trains_it() -> None:
    def train(config: Any, run: LoopRun) -> None:
        run.report({"validation/accuracy": 1.0})
        raise SystemExit(3)

    trainable = adapt_function(train, {}, TERMS)
    reports = trainable.train(trainable.Config(), InProcessRun())
    assert next(reports).metrics == {"validation/accuracy": 1.0}
    with pytest.raises(SystemExit):
        next(reports)


@pytest.mark.parametrize(
    ("metrics", "why"), [({"accuracy": 1.0}, "must be named split/metric"), ({"validation/x": "a"}, "must be a number")]
)
def test_a_wrong_metric_is_refused_where_it_is_reported(metrics: dict[str, Any], why: str) -> None:
    def train(config: Any, run: LoopRun) -> None:
        run.report(metrics)

    with pytest.raises(ValueError, match=why):
        reports_of(train)


def test_a_stopped_function_cleans_up_and_its_thread_ends() -> None:
    events: list[str] = []

    def train(config: Any, run: LoopRun) -> None:
        try:
            for _ in range(5):
                try:
                    run.report({"validation/accuracy": 1.0})
                except Exception:  # no handler of its own keeps it going
                    events.append("caught")
                events.append("continued")
        finally:
            events.append("cleaned up")

    trainable = adapt_function(train, {}, TERMS)
    reports = trainable.train(trainable.Config(), InProcessRun())
    next(reports)
    next(reports)
    reports.close()
    assert events == ["continued", "cleaned up"]
    assert not [thread for thread in threading.enumerate() if thread.name == "own-loop"]


def test_a_function_that_catches_everything_is_stopped_at_its_next_report() -> None:
    rounds: list[int] = []

    def train(config: Any, run: LoopRun) -> None:
        for epoch in range(3):
            rounds.append(epoch)
            try:
                run.report({"validation/accuracy": 1.0})
            except BaseException:
                continue

    trainable = adapt_function(train, {}, TERMS)
    reports = trainable.train(trainable.Config(), InProcessRun())
    next(reports)
    reports.close()
    assert rounds == [0, 1, 2], "each further report raised at once"


def test_a_function_that_goes_on_after_its_trial_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thread_reports, "STOP_SECONDS", 0.2)
    release = threading.Event()

    def train(config: Any, run: LoopRun) -> None:
        try:
            run.report({"validation/accuracy": 1.0})
        finally:
            release.wait(20)

    trainable = adapt_function(train, {}, TERMS)
    reports = trainable.train(trainable.Config(), InProcessRun())
    next(reports)
    with pytest.raises(RuntimeError, match=r"continued for 0\.2 s after its trial was stopped"):
        reports.close()
    release.set()


def test_grad_mode_threads_and_seeds_are_those_of_a_fresh_thread() -> None:
    seen: list[Any] = []

    def train(config: Any, run: LoopRun) -> None:
        seen.append(SimpleNamespace(grad=torch.is_grad_enabled(), threads=torch.get_num_threads(), draw=torch.rand(2)))

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        reports_of(train, seed=7)
        reports_of(train, seed=7)
    finally:
        torch.set_num_threads(before)
    assert [(facts.grad, facts.threads) for facts in seen] == [(True, 1), (True, 1)]
    assert torch.equal(seen[0].draw, seen[1].draw)
