"""Fractions: numbers where expected a number, texts where a text is, exact messages where they are neither."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saddle.archive.model.reevaluate import change_config
from saddle.errors import UserError
from saddle.study.yaml_scalars import Fraction, ScalarError, plain
from saddle.studyfile.dump import dump_study
from tests.saddle.studyfile.conftest import FakeConfig, Load, Refuse


@given(st.integers(0, 10**6), st.integers(1, 10**6), st.sampled_from(["/", " / ", " /", "/ "]))
def test_a_fraction_is_the_float_that_division_gives(above: int, below: int, slash: str) -> None:
    fraction = plain(f"{above}{slash}{below}")
    assert isinstance(fraction, Fraction)
    assert fraction.number() == above / below


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("8/0", "8/0 divides by zero"),
        ("8/0.0", "8/0.0 divides by zero"),
        ("1/2/3", "1/2/3 is not a fraction; write one as NUMBER/NUMBER, such as 8/255"),
        ("1e300/1e-300", "1e300/1e-300 is too large for a float"),
    ],
)
def test_what_has_no_value_is_told_exactly(text: str, what: str) -> None:
    with pytest.raises(ScalarError, match=what.replace("/", "/").replace(".", r"\.")):
        Fraction(text).number()


@pytest.mark.parametrize("text", ["8/255x", "a/b", "test/accuracy", "/", "1/", "/2", "1//2", "1e9999/2", "8 255"])
def test_other_texts_stay_texts(text: str) -> None:
    assert type(plain(text)) is str


@pytest.mark.parametrize(
    ("settings", "path", "value"),
    [
        (["fixed.lr=8/255"], ["fixed", "lr"], 8 / 255),
        (["fixed.lr=8 / 255"], ["fixed", "lr"], 8 / 255),
        (["fixed.high=1.5/2"], ["fixed", "high"], 0.75),
        (["fixed.steps=6/2"], ["fixed", "steps"], 3),
        (["evaluate.lr=1/3"], ["evaluate", "lr"], 1 / 3),
        (["ablation.baseline={lr: 2/255}"], ["ablation", "baseline", "lr"], 2 / 255),
        (["ablation.factors={lr: [2/255, 4/255]}", "ablation.baseline={}"], ["ablation", "factors", "lr", 1], 4 / 255),
        (["ablation.blocks={lr: [1/4, 1/2]}"], ["ablation", "blocks", "lr"], [0.25, 0.5]),
        (["ablation.compare.alpha=1/20"], ["ablation", "compare", "alpha"], 0.05),
        (["ablation.compare.equivalence=1/200"], ["ablation", "compare", "equivalence"], 0.005),
        (["ablation.seeds=6/2"], ["ablation", "seeds"], 3),
        (["budget.hours=1/2"], ["budget", "hours"], 0.5),
        (["resources.gpus_per_worker=1/4"], ["resources", "gpus_per_worker"], 0.25),
    ],
)
def test_numeric_fields_take_fractions(
    load: Load, ablation_text: str, settings: Sequence[str], path: Sequence[Any], value: Any
) -> None:
    [study] = load(ablation_text, settings)
    found: Any = study.model_dump()
    for part in path:
        found = found[part]
    assert found == value
    assert type(found) is type(value)
    assert load(dump_study(study)) == [study]  # stored as the value


def test_ranges_choices_conditions_and_constraints_take_fractions(load: Load, search_text: str) -> None:
    text = search_text.replace("float: [1e-4, 1e-1]", "float: [1/1000, 1/10]")
    text = text.replace(
        "steps: {int: [1, 8]}", "steps: {choice: [4/2, 3]}\n  low: {float: [0, 1/2], when: {steps: 4/2}}"
    )
    [study] = load(text + "constraints: [validation/accuracy >= 97/100]\n")
    assert study.search is not None
    assert study.search["lr"].float_range == (0.001, 0.1)
    assert study.search["steps"].choice == [2, 3]
    assert study.search["low"].when == {"steps": 2}
    assert study.constraints[0].bound == 0.97


def test_a_component_and_an_exclusion_take_fractions(load: Load, ablation_text: str) -> None:
    factors = "ablation.factors={lr: [1/4, 1/2], steps: [1, 2], part: [on, off]}"
    components = "ablation.components={part: {on: {high: 3/4}, off: {high: 1/1}}}"
    exclude = "ablation.exclude=[{lr: 1/2, steps: 2}, {lr: [1/2], part: off}]"
    design = "ablation.design=factorial"
    [study] = load(ablation_text, ["ablation.baseline={lr: 1/4, steps: 1}", factors, components, exclude, design])
    assert study.ablation is not None
    assert study.ablation.exclude == [{"lr": 0.5, "steps": 2}, {"lr": [0.5], "part": "off"}]
    assert study.ablation.components["part"].on == {"high": 0.75}


def test_a_text_field_keeps_its_text(load: Load, ablation_text: str) -> None:
    [study] = load(ablation_text, ["question=1/2", "fixed.dataset=8/255"])
    assert study.question == "1/2"
    assert study.fixed["dataset"] == "8/255"
    assert type(study.question) is type(study.fixed["dataset"]) is str


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("fixed.lr=8/0", "fixed.lr: 8/0 divides by zero"),
        ("fixed.lr=1/2/3", "fixed.lr: 1/2/3 is not a fraction"),
        ("fixed.lr=510/255", "fixed.lr: 2 is not accepted"),
        ("fixed.steps=3/2", "fixed.steps: 1.5 is not accepted; expected a whole number"),
        ('fixed.lr="8/255"', "fixed.lr: '8/255' is not accepted; expected a number"),
        ("ablation.compare.alpha=1/0", "ablation.compare.alpha: 1/0 divides by zero"),
    ],
)
def test_a_wrong_fraction_is_one_mistake(refuse: Refuse, ablation_text: str, setting: str, message: str) -> None:
    [problem] = refuse(ablation_text, [setting])
    assert message in str(problem)


def test_a_model_is_measured_again_with_a_fraction() -> None:
    assert change_config(FakeConfig(), ["lr=8/255"]).lr == 8 / 255
    with pytest.raises(UserError, match="--set lr=8/0: 8/0 divides by zero"):
        change_config(FakeConfig(), ["lr=8/0"])
