"""Training methods by name, found through the entry-point group `saddle.trainables`, complete and typed once loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.errors import PydanticInvalidForJsonSchema

from saddle.errors import TrainableError
from saddle.study.declarations import Declarations
from saddle.study.nearest import nearest
from trainables.contract import (
    METRIC_NAME,
    CheckItem,
    Config,
    Direction,
    Metric,
    Report,
    Run,
    TrainedTrial,
    complete_metric,
    find_defaults,
)

GROUP = "saddle.trainables"
WANTED = ("Config", "METRICS", "SELECTION", "train", "load", "evaluate")

Evaluate = Callable[[Any, Mapping[str, Any], Run], Report]


@dataclass(frozen=True, kw_only=True)
class LoadedTrainable(Declarations):
    """A trainable with its code: every optional part of the contract (`trainables.contract.Trainable`) is filled in.

    `code` is the module or object itself; `reevaluate`, `estimate`, `check_robustness` and `measure_data` are None
    where it has none.
    """

    code: Any
    Config: type[Config]
    train: Callable[[Any, Run], Iterator[Report]]
    load: Callable[[Any, Mapping[str, Any]], Any]
    evaluate: Evaluate
    reevaluate: Callable[[Any, Mapping[str, Any], Run, Report], Report] | None
    recipes: tuple[str, ...]
    scales: tuple[str, ...]
    estimate: Callable[[Any], tuple[float, int]] | None
    check_robustness: Callable[[Any, Mapping[str, Any], Run, TrainedTrial], Sequence[CheckItem]] | None
    measure_data: Callable[[Any, Run], Mapping[str, float]] | None
    """Of a trial's training images, what `data_measures` names."""

    def check(self, config: Any, run: Run) -> None:
        """Raise `DataError` where it couldn't train on the data that a configuration names."""
        if hasattr(self.code, "check"):
            self.code.check(config, run)
        elif hasattr(config, "dataset"):
            run.data(config.dataset)

    def defaults(self, given: Mapping[str, Any], recipe: str | None, scale: str | None) -> Mapping[str, Any]:
        """What it gives to fields that are left open, each a `Default`."""
        return find_defaults(self.code, given, recipe, scale)

    def complete(self, given: Mapping[str, Any], recipe: str | None = None, scale: str | None = None) -> dict[str, Any]:
        """Every field's value as `resolve` would have it, but unchecked: `given` alone may be no valid whole."""
        own = {name: info.get_default(call_default_factory=True) for name, info in self.Config.model_fields.items()}
        return {**own, **{name: d.value for name, d in self.defaults(given, recipe, scale).items()}, **given}


def find_trainables() -> dict[str, EntryPoint]:
    """The entry points of all installed trainables, by name; none of them is imported."""
    return {point.name: point for point in sorted(entry_points(group=GROUP), key=lambda point: point.name)}


def load_trainable(name: str) -> LoadedTrainable:
    """The trainable called `name`; raises `TrainableError` where there is none, or where its import fails."""
    points = find_trainables()
    if name not in points:
        known = ", ".join(points) or "none"
        raise TrainableError(f"unknown trainable {name!r}", f"installed are: {known}", nearest(name, points))
    try:
        code = points[name].load()
    except Exception as error:  # a third party's package may raise anything while it is imported
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise TrainableError(f"trainable {name} can't be imported from {points[name].value}: {reason}") from error
    return complete_trainable(name, code, points[name].value)


def complete_trainable(name: str, code: Any, entry_point: str = "") -> LoadedTrainable:
    """The trainable of a module or object; raises `TrainableError` where that lacks a part of the contract."""
    _require_contract(name, code)
    return LoadedTrainable(
        name=name,
        metrics={metric: complete_metric(metric, declared) for metric, declared in code.METRICS.items()},
        selection=code.SELECTION,
        schema=_schema(code.Config),
        components=getattr(code, "COMPONENTS", {}),
        evaluation_fields=tuple(getattr(code, "EVALUATION_FIELDS", ())),
        entry_point=entry_point,
        code=code,
        Config=code.Config,
        train=code.train,
        load=code.load,
        evaluate=code.evaluate,
        reevaluate=getattr(code, "reevaluate", None),
        recipes=tuple(getattr(code, "RECIPES", ())),
        scales=tuple(getattr(code, "SCALES", ())),
        estimate=getattr(code, "estimate", None),
        check_robustness=getattr(code, "check_robustness", None),
        data_measures=dict(getattr(code, "DATA_MEASURES", {})),
        measure_data=getattr(code, "data_measures", None),
    )


def _require_contract(name: str, code: Any) -> None:
    lacking = [part for part in WANTED if not hasattr(code, part)]
    if lacking:
        raise TrainableError(f"trainable {name} lacks {', '.join(lacking)}", "see trainables/contract.py")
    if not (isinstance(code.Config, type) and issubclass(code.Config, BaseModel)):
        raise TrainableError(f"trainable {name}: Config is no pydantic model", "see trainables/contract.py")
    if hasattr(code, "DATA_MEASURES") != hasattr(code, "data_measures"):
        raise TrainableError(f"trainable {name} has one of DATA_MEASURES and data_measures", "give both, or neither")
    for metric, declared in code.METRICS.items():
        if not METRIC_NAME.fullmatch(metric):
            raise TrainableError(f"trainable {name}: {metric!r} is no metric name", "write split/metric")
        if not isinstance(declared, Metric) and declared not in get_args(Direction):
            right = "write maximize, minimize, or a trainables.contract.Metric"
            raise TrainableError(f"trainable {name}: {declared!r} doesn't declare {metric}", right)


@lru_cache(maxsize=64)
def _schema(config: type[BaseModel]) -> Mapping[str, Any]:
    """The JSON schema of a configuration, or only its names where a field's type has none."""
    try:
        return config.model_json_schema()
    except PydanticInvalidForJsonSchema:
        return {"properties": {name: {} for name in config.model_fields}}
