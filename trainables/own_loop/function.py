"""A function `train(config, run)` as a trainable of the contract; what it doesn't declare comes from the study."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from trainables.contract import Config, Direction, Metric, NotProvided, Part, Report, Run, complete_metric
from trainables.own_loop.config import ConfigAdapter, config_of
from trainables.own_loop.function_source import reports_state, resumes
from trainables.own_loop.loop_run import LoopRun, seed_everything, state_of
from trainables.own_loop.terms import StudyTerms
from trainables.own_loop.thread_reports import ThreadReports

OPTIONAL = (
    "Config", "METRICS", "SELECTION", "load", "evaluate", "estimate", "check", "COMPONENTS", "RECIPES", "SCALES",
    "defaults", "EVALUATION_FIELDS", "DATA_MEASURES", "data_measures", "reevaluate", "attack_test",
    "check_robustness",
)  # fmt: skip
"""Names of the contract that the function's file may define."""


@dataclass(frozen=True)
class FunctionTrainable:
    """The trainable of a function; its names are those of `trainables.contract.Trainable`."""

    function: Callable[..., Any]
    adapter: ConfigAdapter
    METRICS: Mapping[str, Metric | Direction]
    SELECTION: str
    LACKS: tuple[Part, ...]
    siblings: Mapping[str, Any] = field(default_factory=dict)
    OPEN_METRICS: bool = True

    @property
    def __doc__(self) -> str | None:  # type: ignore[override]
        return self.function.__doc__

    @property
    def Config(self) -> type[Config]:  # noqa: N802 - the contract's name
        return self.adapter.model

    def __getattr__(self, name: str) -> Any:
        """The optional parts of the contract that the function's file defines."""
        if name in OPTIONAL and name in self.__dict__.get("siblings", {}):
            return self.siblings[name]
        raise AttributeError(name)

    def train(self, config: Any, run: Run) -> Iterator[Report]:
        """Call the function with seeded generators and yield what it reports."""
        reports = ThreadReports()
        loop_run = LoopRun(run, reports.hand_over)
        own_config = self.adapter.convert(with_seed(config, run.seed))
        if inspect.isgeneratorfunction(self.function):
            seed_everything(run.seed)
            yield from yielded_reports(self.function(own_config, loop_run), run)
            return
        yield from reports.reports(lambda: self._call(own_config, loop_run))

    def _call(self, config: Any, run: LoopRun) -> None:
        use_device(run.device)
        seed_everything(run.seed)
        self.function(config, run)

    def load(self, config: Any, state: Mapping[str, Any]) -> Any:
        """The model that the user's `load` makes; raises `NotProvided` without one."""
        if "load" not in self.siblings:
            raise NotProvided("the file of the training function has no load(config, state)")
        model = self.siblings["load"](self.adapter.convert(config), state)
        return model.eval() if hasattr(model, "eval") else model

    def evaluate(self, config: Any, state: Mapping[str, Any], run: Run) -> Report:
        """The result of the user's `evaluate`, as a report or plain metrics; empty without one."""
        if "evaluate" not in self.siblings:
            return Report({})
        measured = self.siblings["evaluate"](self.adapter.convert(config), state, run)
        return measured if isinstance(measured, Report) else Report({name: float(v) for name, v in measured.items()})


def adapt_function(function: Callable[..., Any], siblings: Mapping[str, Any], terms: StudyTerms) -> FunctionTrainable:
    """The trainable of `function`, with the optional names of the contract in `siblings`.

    Raises `TypeError` for a function that can't be called with a configuration and a run, or whose configuration
    can't be read.
    """
    positional = [
        p
        for p in inspect.signature(function).parameters.values()
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    if len(positional) != 2:
        raise TypeError(f"it takes {len(positional)} parameters; write def {function.__name__}(config, run)")
    parts = parts_beside(function, siblings)
    metrics = parts.get("METRICS") or named_metrics(terms)
    return FunctionTrainable(
        function=function,
        adapter=config_of(function, parts.get("Config"), terms.settings),
        METRICS=metrics,
        SELECTION=parts.get("SELECTION") or terms.selection,
        LACKS=tuple(lacking(function, parts)),
        siblings=parts,
        OPEN_METRICS="METRICS" not in parts,
    )


def with_seed(config: Any, seed: int) -> Any:
    """The configuration with the trial's seed in the field `seed`, if it has one."""
    return config.model_copy(update={"seed": seed}) if "seed" in type(config).model_fields else config


def parts_beside(function: Callable[..., Any], siblings: Mapping[str, Any]) -> dict[str, Any]:
    """The optional names of the contract among the `siblings` of a function, but for functions imported from elsewhere.

    A script with `from torch import load` has no `load` of its own. Those in `__saddle_beside__` were
    passed in a call, and count from any module.
    """
    registered = siblings.get("__saddle_beside__", ())
    parts = {name: siblings[name] for name in OPTIONAL if name in siblings}
    return {
        name: part
        for name, part in parts.items()
        if name in registered or not inspect.isroutine(part) or part.__module__ == function.__module__
    }


def named_metrics(terms: StudyTerms) -> dict[str, Metric | Direction]:
    """The metrics that the study names; without a direction there, their names decide."""
    return {name: direction or complete_metric(name).direction for name, direction in terms.metrics.items()}


def lacking(function: Callable[..., Any], parts: Mapping[str, Any]) -> Iterator[Part]:
    """The parts of the contract that a function lacks, as far as its source shows."""
    if not inspect.isgeneratorfunction(function) and not reports_state(function):
        yield "state"
    if not resumes(function):
        yield "resume"
    for part in ("load", "evaluate"):
        if part not in parts:
            yield part


def yielded_reports(reports: Iterator[Any], run: Run) -> Iterator[Report]:
    """What a generator yields, metrics without a state completed to a report."""
    for epoch, item in enumerate(reports, start=1):
        yield item if isinstance(item, Report) else Report(dict(item), state_of(run, epoch, {}))


def use_device(device: Any) -> None:
    """Make the run's GPU the current one of this thread, as in the thread that trains."""
    if device.type == "cuda":
        import torch

        torch.cuda.set_device(device)
