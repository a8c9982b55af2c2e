"""The contract of every trainable. Subclass `TrainableContract` in your own test file:

from saddle_contracts.trainable import TrainableContract
import my_method

class TestMyMethod(TrainableContract):
    trainable = my_method
    config = {"epochs": 3}      # small: the suite trains it about ten times
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, get_args

import pytest
import torch
from pydantic import ValidationError

from trainables.contract import (
    METRIC_NAME,
    Component,
    Config,
    InProcessRun,
    Metric,
    Report,
    Run,
    complete_metric,
    resolve,
)

SOURCES = ("paper", "official code", "customary", "assumed")
NAMES = ("Config", "METRICS", "SELECTION", "train", "load", "evaluate")


class TrainableContract:
    """The checks; give `trainable`, and `config`: settings of a small trial of at least two epochs."""

    trainable: ClassVar[Any]
    config: ClassVar[Mapping[str, Any]] = {}
    _stored: ClassVar[dict[tuple[type, int], tuple[list[Report], list[bytes]]]] = {}

    def make_run(self, seed: int = 0, state: Mapping[str, Any] | None = None) -> Run:
        """The run to train under; override it for your own data root or device."""
        return InProcessRun(seed=seed, state=state)

    def complete(self) -> Any:
        """The complete configuration of `config`."""
        return resolve(self.trainable, self.config).config

    def trained(self, seed: int = 0) -> tuple[list[Report], list[bytes]]:
        """All reports of an undisturbed trial, and the state of each as it was stored immediately; trained once."""
        key = (type(self), seed)
        if key not in self._stored:
            reports, states = [], []
            for report in self.trainable.train(self.complete(), self.make_run(seed)):
                reports.append(report)
                states.append(to_bytes(report.state))
            self._stored[key] = reports, states
        return self._stored[key]

    def test_it_has_every_name(self) -> None:
        missing = [name for name in NAMES if not hasattr(self.trainable, name)]
        assert not missing, f"a trainable has {', '.join(NAMES)}; missing: {', '.join(missing)}"
        assert issubclass(self.trainable.Config, Config), "Config must derive from trainables.contract.Config"

    def test_every_hyperparameter_says_what_it_is(self) -> None:
        for name, field in self.trainable.Config.model_fields.items():
            extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
            assert not field.is_required(), f"{name} has no default; a study must be able to leave it open"
            assert field.description, f"{name} has no description; declare it with hyperparameter(…)"
            assert extra.get("source") in SOURCES, f"{name} must say where its default comes from: {', '.join(SOURCES)}"
            kinds = {field.annotation, *get_args(field.annotation)}
            if kinds & {int, float}:
                bounds = {type(bound).__name__ for bound in field.metadata}
                assert bounds & {"Ge", "Gt", "Le", "Lt"}, f"{name} is a number without a range; give ge, gt, le or lt"

    def test_the_configuration_is_closed_and_survives_json(self) -> None:
        config = self.complete()
        with pytest.raises(ValidationError):
            self.trainable.Config.model_validate({"no_such_hyperparameter": 1})
        again = self.trainable.Config.model_validate_json(config.model_dump_json())
        assert again == config, "a configuration must come back from JSON unchanged: it is stored with every trial"

    def test_the_declared_metrics_are_well_named(self) -> None:
        for name, declared in self.trainable.METRICS.items():
            assert METRIC_NAME.fullmatch(name), (
                f"{name!r} must be named split/metric, such as validation/clean_accuracy"
            )
            known = declared.direction if isinstance(declared, Metric) else declared
            assert known in ("maximize", "minimize"), f"{name} must be maximize or minimize, not {known!r}"
            clean = getattr(declared, "clean", "")
            assert not clean or clean in self.trainable.METRICS, f"{name} refers to {clean}, which isn't declared"
        selection = self.trainable.SELECTION
        assert selection in self.trainable.METRICS, f"SELECTION {selection!r} is not among METRICS"
        assert selection.startswith("validation/"), "checkpoints are selected on a held-out split, never on test"

    def metric(self, name: str) -> Metric:
        """The declaration of a reported metric."""
        return complete_metric(name, self.trainable.METRICS.get(name))

    def impossible(self, metrics: Mapping[str, float]) -> list[str]:
        """The reported values that their declarations exclude; a bare direction excludes none."""
        with_range = {name for name, declared in self.trainable.METRICS.items() if isinstance(declared, Metric)}
        known = [(self.metric(name), value) for name, value in metrics.items() if name in with_range]
        bounds = [(metric, value, *(metric.bounds or (metric.low, metric.high))) for metric, value in known]
        return [
            f"{metric} = {value}"
            for metric, value, low, high in bounds
            if (low is not None and value < low - 1e-9) or (high is not None and value > high + 1e-9)
        ]

    def reproducible(self, report: Report) -> dict[str, float]:
        """The reproducible metrics."""
        return {name: value for name, value in report.metrics.items() if self.metric(name).reproducible}

    def test_the_declared_components_are_settings_of_the_configuration(self) -> None:
        for name, component in getattr(self.trainable, "COMPONENTS", {}).items():
            assert isinstance(component, Component), f"{name} must be a trainables.contract.Component"
            assert component.description, f"{name} has no description"
            assert component.off, f"{name} has no settings for a trial without it"
            for field, value in {**component.on, **component.off}.items():
                assert field in self.trainable.Config.model_fields, f"{name} sets {field!r}, not a hyperparameter"
                assert not self.refused(field, value), f"{name} sets {field} to {value!r}, which it can't be"

    def refused(self, field: str, value: Any) -> bool:
        """Whether the configuration refuses this value for any values of the other fields."""
        try:
            self.trainable.Config.model_validate({**self.config, field: value})
        except ValidationError as error:
            return any(details["loc"][:1] == (field,) for details in error.errors())
        return False

    def test_the_measures_of_its_data_are_declared_finite_and_the_same_again(self) -> None:
        declared = getattr(self.trainable, "DATA_MEASURES", None)
        assert (declared is None) == (not hasattr(self.trainable, "data_measures")), (
            "DATA_MEASURES and data_measures come together, or not at all"
        )
        if declared is None:
            return
        assert all(isinstance(says, str) and says for says in declared.values()), "each measure must have a description"
        measures = self.trainable.data_measures(self.complete(), self.make_run())
        assert measures, "data_measures returns nothing"
        undeclared = set(measures) - set(declared)
        assert not undeclared, f"data_measures gives {sorted(undeclared)}, which DATA_MEASURES doesn't declare"
        wrong = [name for name, value in measures.items() if type(value) is not float or not math.isfinite(value)]
        assert not wrong, f"{wrong} are not finite floats; leave out what isn't defined"
        again = self.trainable.data_measures(self.complete(), self.make_run(seed=1))
        assert dict(again) == dict(measures), "measures are of the data and must not depend on the seed"

    def test_every_recipe_and_scale_gives_a_valid_configuration(self) -> None:
        for recipe in (None, *getattr(self.trainable, "RECIPES", ())):
            for scale in (None, *getattr(self.trainable, "SCALES", ())):
                resolved = resolve(self.trainable, self.config, recipe, scale)
                for name, source in resolved.sources.items():
                    assert source in (*SOURCES, "study file"), f"{recipe}/{scale} gives {name} the source {source!r}"

    def test_it_reports_once_per_epoch(self) -> None:
        reports, _ = self.trained()
        assert len(reports) >= 2, "give a config of two epochs or more, or resuming can't be checked"
        epochs = getattr(self.complete(), "epochs", len(reports))
        assert len(reports) == epochs, f"{epochs} epochs must give as many reports, not {len(reports)}"

    def test_training_reports_declared_metrics_of_train_and_validation_only(self) -> None:
        for epoch, report in enumerate(self.trained()[0]):
            undeclared = set(report.metrics) - set(self.trainable.METRICS)
            assert not undeclared, f"epoch {epoch} reports {sorted(undeclared)}, which METRICS doesn't declare"
            peeked = [name for name in report.metrics if name.startswith("test/")]
            assert not peeked, f"epoch {epoch} reports {peeked}; the test split is for evaluate only"
            wrong = self.impossible(report.metrics)
            assert not wrong, f"epoch {epoch} reports {wrong}, which METRICS excludes"
            assert self.trainable.SELECTION in report.metrics, f"epoch {epoch} lacks {self.trainable.SELECTION}"

    def test_a_state_is_tensors_and_plain_values(self) -> None:
        reports, states = self.trained()
        for epoch, (report, stored) in enumerate(zip(reports, states, strict=True)):
            assert report.state is not None, f"epoch {epoch} reports no state, so nothing could be resumed"
            from_bytes(stored)  # raises for anything that weights_only=True refuses

    def test_a_reported_state_is_a_copy(self) -> None:
        reports, states = self.trained()
        for epoch, (report, stored) in enumerate(zip(reports, states, strict=True)):
            difference = first_difference(report.state, from_bytes(stored))
            assert difference is None, f"training on changed {difference} in the state of epoch {epoch}; clone tensors"

    def test_a_resumed_trial_equals_an_undisturbed_one(self) -> None:
        reports, states = self.trained()
        for epochs, stored in enumerate(states, start=1):
            rest = list(self.trainable.train(self.complete(), self.make_run(state=from_bytes(stored))))
            assert len(rest) == len(reports) - epochs, (
                f"resumed after {epochs} epochs, it must report {len(reports) - epochs}"
            )
            for report, expected in zip(rest, reports[epochs:], strict=True):
                for part, get in (("metrics", self.reproducible), ("state", lambda report: report.state)):
                    difference = first_difference(get(report), get(expected))
                    assert difference is None, (
                        f"resumed after {epochs} epochs, {part} differ in {difference}: the state lacks something "
                        "(weights, optimiser, a random state, the data order)"
                    )

    def test_resuming_leaves_the_given_state_alone(self) -> None:
        _, states = self.trained()
        unpickled = from_bytes(states[0])
        list(self.trainable.train(self.complete(), self.make_run(state=unpickled)))
        difference = first_difference(unpickled, from_bytes(states[0]))
        assert difference is None, f"training changed {difference} of the state it continued from; copy it first"

    def test_load_gives_the_trained_model_in_eval_mode(self) -> None:
        _, states = self.trained()
        first, last = (self.trainable.load(self.complete(), from_bytes(states[index])) for index in (0, -1))
        again = self.trainable.load(self.complete(), from_bytes(states[-1]))
        assert not any(module.training for module in last.modules()), "load must give a model in eval mode"
        assert all(not weight.is_cuda for weight in last.parameters()), "load must give a model on the CPU"
        difference = first_difference(last.state_dict(), again.state_dict())
        assert difference is None, f"loading one state twice gives different {difference}"
        assert first_difference(first.state_dict(), last.state_dict()), (
            "the weights of the first epoch and the last agree"
        )

    def test_evaluate_reports_declared_test_metrics(self) -> None:
        report = self.trainable.evaluate(self.complete(), from_bytes(self.trained()[1][-1]), self.make_run())
        assert report.metrics, "evaluate reports nothing"
        others = [name for name in report.metrics if not name.startswith("test/")]
        assert not others, f"evaluate reports {others}; it may only report the test split"
        undeclared = set(report.metrics) - set(self.trainable.METRICS)
        assert not undeclared, f"evaluate reports {sorted(undeclared)}, which METRICS doesn't declare"
        wrong = self.impossible(report.metrics)
        assert not wrong, f"evaluate reports {wrong}, which METRICS excludes"
        restored = json.loads(json.dumps(report.fingerprints))
        assert restored == report.fingerprints, "fingerprints must be plain values, which the ledger stores as JSON"
        again = self.trainable.evaluate(self.complete(), from_bytes(self.trained()[1][-1]), self.make_run())
        difference = first_difference(self.reproducible(report), self.reproducible(again))
        assert difference is None, f"evaluating one state twice gives different {difference}; seed what is random"

    def test_a_seed_decides_everything(self) -> None:
        reports, states = self.trained()
        repeated = list(self.trainable.train(self.complete(), self.make_run()))
        for part, get in (("metrics", self.reproducible), ("state", lambda report: report.state)):
            difference = first_difference(get(repeated[-1]), get(reports[-1]))
            assert difference is None, f"the same seed gave different {part}: {difference}"
        others = self.trained(seed=1)[1]
        models = (self.trainable.load(self.complete(), from_bytes(stored[-1])) for stored in (states, others))
        assert first_difference(*(model.state_dict() for model in models)), "seeds 0 and 1 gave the same weights"


def to_bytes(state: Any) -> bytes:
    """A state as it is stored."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def from_bytes(stored: bytes) -> Any:
    """A stored state as it is read: tensors and plain values only."""
    return torch.load(io.BytesIO(stored), weights_only=True, map_location="cpu")


def first_difference(first: Any, second: Any) -> str | None:
    """Where two nested values first differ, bit for bit; None when they are equal (NaN equals NaN)."""
    return next(_differences(first, second, ""), None)


def _differences(first: Any, second: Any, path: str) -> Iterator[str]:
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        for name in [*first, *(name for name in second if name not in first)]:
            place = f"{path}.{name}" if path else str(name)
            if name in first and name in second:
                yield from _differences(first[name], second[name], place)
            else:
                yield f"{place} (missing in one of them)"
    elif isinstance(first, list | tuple) and isinstance(second, list | tuple) and len(first) == len(second):
        for index, pair in enumerate(zip(first, second, strict=True)):
            yield from _differences(*pair, f"{path}[{index}]")
    elif isinstance(first, torch.Tensor) and isinstance(second, torch.Tensor):
        if first.dtype != second.dtype or first.shape != second.shape or not torch.equal(_bits(first), _bits(second)):
            yield path
    elif not (first == second or (_is_nan(first) and _is_nan(second))):
        yield f"{path} ({first!r}, {second!r})"


def _bits(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor with NaNs made comparable."""
    return torch.nan_to_num(tensor, nan=0.0) if tensor.is_floating_point() else tensor


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)
