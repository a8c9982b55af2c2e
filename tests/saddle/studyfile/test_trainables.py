"""Trainables by name, broken ones included."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from types import SimpleNamespace
from typing import Any

import pytest

from saddle.errors import StudyError, TrainableError, UserError
from saddle.study.trainable import loading
from saddle.study.trainable.hyperparameters import describe_trainable
from saddle.study.trainable.loading import GROUP, complete_trainable, find_trainables, load_trainable
from saddle.study.trainable.metric_groups import families
from saddle.studyfile.loader import parse_studies
from trainables.contract import Config as Contract
from trainables.contract import Metric, Report, complete_metric, hyperparameter


def test_installed_trainables_are_found() -> None:
    assert "adversarial_training" in find_trainables()
    assert load_trainable("adversarial_training").selection.startswith("validation/")


def test_an_unknown_name_comes_with_the_nearest() -> None:
    with pytest.raises(
        TrainableError, match=r"unknown trainable 'adversarial_trainin'.*did you mean adversarial_training"
    ):
        load_trainable("adversarial_trainin")


@pytest.fixture
def _broken(tmp_path, monkeypatch) -> None:
    """Entry points of a third party's package that doesn't work."""
    (tmp_path / "broken_method.py").write_text("raise RuntimeError('no licence\\nfound')\n")
    monkeypatch.syspath_prepend(tmp_path)
    points = {
        name: EntryPoint(name, value, GROUP)
        for name, value in {"broken": "broken_method", "gone": "gone_method", "empty": "json"}.items()
    }
    monkeypatch.setattr(loading, "find_trainables", lambda: points)


@pytest.mark.usefixtures("_broken")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("broken", "trainable broken can't be imported from broken_method: RuntimeError: no licence"),
        (
            "gone",
            "trainable gone can't be imported from gone_method: ModuleNotFoundError: No module named 'gone_method'",
        ),
        ("empty", "trainable empty lacks Config, METRICS, SELECTION, train, evaluate; see trainables/contract.py"),
    ],
)
def test_a_broken_trainable_is_a_problem_of_the_study(name: str, words: str) -> None:
    with pytest.raises(StudyError) as caught:
        parse_studies(f"study: one\ntrainable: {name}\nablation: {{factors: {{a: [1, 2]}}}}\n", "f.yaml")
    assert f"f.yaml:2: trainable: {words}" in str(caught.value)


def test_defaults_are_described_for_a_recipe_a_scale_and_a_dataset_with_whose_they_are() -> None:
    def described(*recipe_and_scale: str | None, **given: Any) -> dict[str, tuple[Any, str, str]]:
        facts = describe_trainable("adversarial_training", *recipe_and_scale, settings=given)
        return {h["name"]: (h["default"], h["source"], h["reference"]) for h in facts["hyperparameters"]}

    bare = described()
    assert bare["weight_decay"] == (0.0, "assumed", "")
    gtsrb = described("customary", "full", dataset="gtsrb")
    assert gtsrb["lr"] == (0.01, "customary", "Krizhevsky et al. (2012), for AlexNet")
    assert gtsrb["network"][:2] == ("alexnet", "paper")
    assert gtsrb["dataset"] == ("gtsrb", "given", "")
    assert gtsrb.keys() == bare.keys()
    with pytest.raises(UserError, match="'customry' is not a recipe of adversarial_training; did you mean 'customary'"):
        described("customry")


def test_what_a_trainable_must_have(fakes) -> None:
    fake = fakes["fake"]
    parts = {name: getattr(fake, name) for name in ("METRICS", "SELECTION", "train", "load", "evaluate")}
    with pytest.raises(TrainableError, match="Config is not a pydantic model"):
        complete_trainable("x", SimpleNamespace(Config=dict, **parts))
    with pytest.raises(TrainableError, match="'accuracy' is not a metric name"):
        complete_trainable("x", SimpleNamespace(Config=fake.Config, **{**parts, "METRICS": {"accuracy": "maximize"}}))
    with pytest.raises(TrainableError, match="'upwards' doesn't declare test/a; write maximize, minimize, or a"):
        complete_trainable("x", SimpleNamespace(Config=fake.Config, **{**parts, "METRICS": {"test/a": "upwards"}}))


def test_every_optional_part_is_filled_in_once(fakes) -> None:
    class Config(Contract):
        x: float = hyperparameter(0.5, source="assumed", description="a number")
        dataset: str = hyperparameter("digits", source="assumed", description="data")

    def evaluate(config, state, run) -> Report:
        return Report({"test/a": float(state["a"])})

    metrics = {"validation/a": "maximize", "test/iou": Metric("minimize", unit="s")}
    bare = SimpleNamespace(
        Config=Config, METRICS=metrics, SELECTION="validation/a", train=None, load=None, evaluate=evaluate
    )
    loaded = complete_trainable("bare", bare)
    assert (loaded.recipes, loaded.scales, loaded.components, loaded.evaluation_fields) == ((), (), {}, ())
    assert (loaded.reevaluate, loaded.estimate, loaded.check_robustness) == (None, None, None)
    assert loaded.complete({"x": 2.0}) == {"x": 2.0, "dataset": "digits"}
    asked: list[object] = []
    loaded.check(Config(), SimpleNamespace(data=asked.append))
    assert asked == ["digits"], "without a check of its own its data must be there"
    assert loaded.metrics["validation/a"] == complete_metric("validation/a", "maximize")
    assert loaded.metrics["test/iou"] == Metric("minimize", unit="s", name="test/iou"), "a declaration is believed"
    assert list(loaded.fields) == ["x", "dataset"]
    assert not hasattr(loaded.plain, "Config"), "what is stored of it has no code"
    fake = complete_trainable("fake", fakes["fake"])
    assert (fake.recipes, fake.scales) == (("paper", "code"), ("quick", "full"))


def test_defaults_that_raise_are_a_problem_of_the_study(fakes, search_text) -> None:
    class Raises(type(fakes["fake"])):
        def defaults(self, given, recipe, scale):
            raise KeyError("dataset")

    with pytest.raises(StudyError, match=r"study.yaml:4: fixed.dataset: KeyError: 'dataset'"):
        parse_studies(search_text, "study.yaml", trainables={"fake": Raises()})


def test_many_metrics_of_one_family_are_shown_as_one() -> None:
    many = [f"test/angle.a{number}" for number in range(16)]
    assert families(["train/loss", *many, "test/b.c", "test/b.d"]) == [
        "train/loss", "test/angle.* (16)", "test/b.c", "test/b.d",
    ]  # fmt: skip


def test_measures_of_the_data_come_with_their_meaning() -> None:
    loaded = load_trainable("adversarial_training")
    assert loaded.measure_data is not None
    assert {"inter_class_variance", "fisher", "log_dimension"} <= set(loaded.data_measures)
    assert dict(loaded.plain.data_measures) == dict(loaded.data_measures), "they are stored with a study's declarations"
    without = load_trainable("segmentation")
    assert (without.measure_data, dict(without.data_measures)) == (None, {})


def test_measures_without_their_meaning_are_refused() -> None:
    code = load_trainable("segmentation").code
    half = SimpleNamespace(**{name: getattr(code, name) for name in loading.WANTED}, data_measures=lambda *_: {})
    with pytest.raises(TrainableError, match="trainable half has one of DATA_MEASURES and data_measures; give both"):
        complete_trainable("half", half)
