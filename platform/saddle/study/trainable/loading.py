"""Training methods by name, found through the entry-point group `saddle.trainables`, complete and typed once loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import FunctionType
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.errors import PydanticInvalidForJsonSchema

from saddle.errors import TrainableError
from saddle.study.imported_table import IMPORTED
from saddle.study.nearest import nearest
from saddle.study.trainable.declarations import Declarations
from saddle.study.trainable.own_sources import checksum_of, import_file, read_sources
from saddle.trainable_source import TrainableSource
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
from trainables.own_loop.function import adapt_function
from trainables.own_loop.program import program_trainable
from trainables.own_loop.terms import StudyTerms

GROUP = "saddle.trainables"
WANTED = ("Config", "METRICS", "SELECTION", "train", "load", "evaluate")

Evaluate = Callable[[Any, Mapping[str, Any], Run], Report]


@dataclass(frozen=True, kw_only=True)
class LoadedTrainable(Declarations):
    """A trainable with its code: every optional part of the contract (`trainables.contract.Trainable`) is filled in.

    `code` is the module or object itself; `reevaluate`, `attack_test`, `estimate`, `check_robustness`, `measure_data`,
    `data_identity` and `selection_doubt` are None if it has none.
    """

    code: Any
    Config: type[Config]
    train: Callable[[Any, Run], Iterator[Report]]
    load: Callable[[Any, Mapping[str, Any]], Any]
    evaluate: Evaluate
    reevaluate: Callable[[Any, Mapping[str, Any], Run, Report], Report] | None
    attack_test: Evaluate | None
    recipes: tuple[str, ...]
    scales: tuple[str, ...]
    estimate: Callable[[Any], tuple[float, int]] | None
    check_robustness: Callable[[Any, Mapping[str, Any], Run, TrainedTrial], Sequence[CheckItem]] | None
    measure_data: Callable[[Any, Run], Mapping[str, float]] | None
    """Of a trial's training images, what `data_measures` names."""
    data_identity: Callable[[Iterable[Any], str | None], Sequence[str]] | None
    selection_doubt: Callable[[Any, Metric], str] | None
    source: TrainableSource

    def check(self, config: Any, run: Run) -> None:
        """Raise `DataError` if it couldn't train on the data that a configuration names."""
        if hasattr(self.code, "check"):
            self.code.check(config, run)
        elif hasattr(config, "dataset"):
            run.data(config.dataset)

    def defaults(self, settings: Mapping[str, Any], recipe: str | None, scale: str | None) -> Mapping[str, Any]:
        """What it gives to fields that are left open, each a `Default`."""
        return find_defaults(self.code, settings, recipe, scale)

    def complete(
        self, settings: Mapping[str, Any], recipe: str | None = None, scale: str | None = None
    ) -> dict[str, Any]:
        """Every field's value as `resolve` would have it, but unchecked: `settings` alone may be incomplete."""
        own = {name: info.get_default(call_default_factory=True) for name, info in self.Config.model_fields.items()}
        return {**own, **{name: d.value for name, d in self.defaults(settings, recipe, scale).items()}, **settings}


def find_trainables() -> dict[str, EntryPoint]:
    """The entry points of all installed trainables, by name; none of them is imported."""
    return {point.name: point for point in sorted(entry_points(group=GROUP), key=lambda point: point.name)}


def load_trainable(source: TrainableSource | str) -> LoadedTrainable:
    """The trainable of a source, or of that name; raises `TrainableError` if there is none, or its import fails."""
    source = TrainableSource(source) if isinstance(source, str) else source
    if source.command:
        return _load_program(source)
    return _load_own(source) if source.is_own else _load_installed(source.name)


def _load_program(source: TrainableSource) -> LoadedTrainable:
    """The trainable of a program in any language."""
    try:
        code = program_trainable(source.command, source.report, source.folder, source.terms)
        checksum = source.checksum or checksum_of(read_sources(Path(source.folder), source.suffixes))
    except ValueError as error:
        raise TrainableError(str(error)) from error
    return complete_trainable(source.name, code, "", replace(source, checksum=checksum))


def _load_own(source: TrainableSource) -> LoadedTrainable:
    """The trainable in a file of the user's own."""
    file = Path(source.folder) / source.file
    if not source.folder:
        raise TrainableError(f"{source.name} is a path relative to a study file, and there is no study file here")
    if not file.is_file():
        raise TrainableError(f"there is no file {file}", "the path is relative to the study file")
    try:
        checksum = checksum_of(read_sources(file.parent))
        module = import_file(source, checksum)
    except TrainableError:
        raise
    except Exception as error:  # the file may raise anything while it is imported
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise TrainableError(f"{file} can't be imported: {reason}") from error
    code = getattr(module, source.attribute, None) if source.attribute else module
    if code is None:
        right = f"write ./{source.file}:FUNCTION with the name of its training function"
        raise TrainableError(f"{file} has no {source.attribute}", right, nearest(source.attribute, vars(module)))
    if isinstance(code, FunctionType):
        code = _adapt(source.name, code, vars(module), source.terms)
    return complete_trainable(source.name, code, source.name, replace(source, checksum=checksum))


def _adapt(name: str, function: FunctionType, siblings: Mapping[str, Any], terms: StudyTerms) -> Any:
    try:
        return adapt_function(function, siblings, terms)
    except (TypeError, NameError) as error:  # of annotations, too
        raise TrainableError(f"trainable {name}: {error}") from error


def _load_installed(name: str) -> LoadedTrainable:
    points = find_trainables()
    if name == IMPORTED:
        what = "the study's trials were imported from a table; they can't be trained or measured here"
        raise TrainableError(what, "`saddle import` adds new rows of the table")
    if name not in points:
        known = ", ".join(points) or "none"
        raise TrainableError(f"unknown trainable {name!r}", f"installed are: {known}", nearest(name, points))
    try:
        code = points[name].load()
    except Exception as error:  # a third party's package may raise anything while it is imported
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise TrainableError(f"trainable {name} can't be imported from {points[name].value}: {reason}") from error
    return complete_trainable(name, code, points[name].value)


def complete_trainable(
    name: str, code: Any, entry_point: str = "", source: TrainableSource | None = None
) -> LoadedTrainable:
    """The trainable of a module or object; raises `TrainableError` if that lacks a part of the contract."""
    _require_contract(name, code)
    return LoadedTrainable(
        name=name,
        metrics={metric: complete_metric(metric, declared) for metric, declared in code.METRICS.items()},
        selection=code.SELECTION,
        schema=_schema(code.Config),
        components=getattr(code, "COMPONENTS", {}),
        evaluation_fields=tuple(getattr(code, "EVALUATION_FIELDS", ())),
        entry_point=entry_point,
        open_metrics=bool(getattr(code, "OPEN_METRICS", False)),
        lacks=tuple(getattr(code, "LACKS", ())),
        sources=source.checksum if source is not None else "",
        code=code,
        Config=code.Config,
        train=code.train,
        load=code.load,
        evaluate=code.evaluate,
        reevaluate=getattr(code, "reevaluate", None),
        attack_test=getattr(code, "attack_test", None),
        recipes=tuple(getattr(code, "RECIPES", ())),
        scales=tuple(getattr(code, "SCALES", ())),
        estimate=getattr(code, "estimate", None),
        check_robustness=getattr(code, "check_robustness", None),
        data_measures=dict(getattr(code, "DATA_MEASURES", {})),
        measure_data=getattr(code, "data_measures", None),
        data_identity=getattr(code, "data_identity", None),
        selection_doubt=getattr(code, "selection_doubt", None),
        source=source or TrainableSource(name),
    )


def _require_contract(name: str, code: Any) -> None:
    lacking = [part for part in WANTED if not hasattr(code, part)]
    if lacking:
        raise TrainableError(f"trainable {name} lacks {', '.join(lacking)}", "see trainables/contract.py")
    if not (isinstance(code.Config, type) and issubclass(code.Config, BaseModel)):
        raise TrainableError(f"trainable {name}: Config is not a pydantic model", "see trainables/contract.py")
    if hasattr(code, "attack_test") and not hasattr(code, "reevaluate"):
        raise TrainableError(
            f"trainable {name} has attack_test, but no reevaluate to continue from it", "add reevaluate"
        )
    if hasattr(code, "DATA_MEASURES") != hasattr(code, "data_measures"):
        raise TrainableError(f"trainable {name} has one of DATA_MEASURES and data_measures", "give both, or neither")
    for metric, declared in code.METRICS.items():
        if not METRIC_NAME.fullmatch(metric):
            raise TrainableError(f"trainable {name}: {metric!r} is not a metric name", "write split/metric")
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
