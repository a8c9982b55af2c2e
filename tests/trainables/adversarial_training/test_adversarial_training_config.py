"""What a configuration accepts, refuses and says about it; and where its defaults come from."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from trainables import adversarial_training
from trainables.adversarial_training import COMPONENTS, Config, defaults
from trainables.contract import resolve

MP = {"perturbation": "mp", "tasks": ["odd_even"]}


def config(given: dict[str, Any], recipe: str | None = None, scale: str | None = None) -> Config:
    completed = resolve(adversarial_training, given, recipe, scale).config
    assert isinstance(completed, Config)
    return completed


@pytest.mark.parametrize(
    "written",
    [
        "odd_even",
        ["odd_even"],
        {"odd_even": {}},
        {"odd_even": None},
        [{"odd_even": {}}],
    ],
)
def test_one_task_may_be_written_in_many_ways(written: Any) -> None:
    assert config({"tasks": written}).tasks == {"odd_even": {}}


def test_names_and_mappings_may_stand_together() -> None:
    both = config({"tasks": ["odd_even", {"high": {7: 1, "8": 1, 9: 1, "default": 0}}]})
    assert both.tasks == {"odd_even": {}, "high": {"7": 1, "8": 1, "9": 1, "default": 0}}
    assert Config.model_validate_json(both.model_dump_json()) == both


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"dataset": "mnits"}, "'mnits' is not a known dataset; did you mean 'mnist'?"),
        ({"dataset": {"foldr": "x"}}, "write a dataset as NAME"),
        ({"dataset": {"folder": "x", "sice": 3}}, "Extra inputs are not permitted"),
        ({"dataset": {"parquet": {"train": "x"}}}, "Field required"),
        ({"dataset": {"folder": "x", "size": 0}}, "greater than or equal to 4"),
        ({"perturbation": "stab"}, "'sta', 'mta', 'mp'"),
        ({"perturbation": "sta_shrunk"}, "sta_shrunk needs auxiliary tasks"),
        ({"attacks": ["pgd", "pgd_target"]}, "'pgd_targeted'"),
        ({"attacks": []}, "at least one attack"),
        ({"attacks": "cw_l2"}, "also needs an L∞ attack"),
        ({"threat_models": []}, "at least one head"),
        ({"threat_models": ["main_head", "all_heads"]}, "all_heads needs auxiliary tasks"),
        ({"analyses": ["angles"]}, "angles compare tasks; add auxiliary tasks"),
        (
            {"network": "wide_resnet", "depth": 30},
            "depth 30 does not have a whole number of blocks .* nearest depth is 32",
        ),
        ({"network": "wide_resnet", "depth": 32, "depth_rule": "zagoruyko"}, "nearest depth is 34"),
        ({"perturbation": "mp"}, r"mp needs auxiliary tasks; add tasks, such as tasks: \[odd_even\]"),
        ({"perturbation": "mta"}, "mta needs auxiliary tasks"),
        ({"alpha0_min": 0.9, "alpha0_max": 0.5}, "alpha0_min 0.9 is above alpha0_max 0.5"),
        ({"epochs": 3, "epsilon_warmup": 4}, "epsilon_warmup 4 never reaches ε in 3 epochs"),
        ({"tasks": ["odd_evn"]}, "'odd_evn' is not a named task; did you mean 'odd_even'?"),
        ({"tasks": ["odd_even", "odd_even"]}, "'odd_even' is given twice"),
        ({"tasks": [3]}, "a task is a name or"),
        ({"tasks": {"odd": {"eleven": 1, "default": 0}}}, "names class 'eleven'"),
        ({"dataset": "fashion_mnist", "tasks": ["prime_composite"]}, "about digits"),
        ({"epsilon": 1.5}, "less than or equal to 1"),
        ({"lr": 0}, "greater than 0"),
        ({"lr": float("nan")}, "finite number"),
        ({"train_size": 0}, "greater than or equal to 1"),
        ({"learning_rate": 0.1}, "Extra inputs are not permitted"),
    ],
)
def test_a_mistake_gets_a_clear_message(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        config(given)


def test_a_dataset_of_ones_own_may_have_any_task() -> None:
    own = config({"dataset": {"folder": "letters"}, "tasks": {"vowel": {"A": 1, "E": 1, "default": 0}}})
    assert own.tasks["vowel"] == {"A": 1, "E": 1, "default": 0}
    assert Config.model_validate_json(own.model_dump_json()) == own
    pair = config({"dataset": {"parquet": {"train": "a", "test": "b"}, "size": [32, 48]}})
    assert pair.dataset.height_width == (32, 48)  # type: ignore[union-attr]


def test_mnist_is_attacked_as_in_the_official_code() -> None:
    full = config({"dataset": "mnist"}, scale="full")
    assert (full.epsilon, full.step_size, full.steps) == (0.3, 0.01, 40)
    assert (full.attack_steps, full.attack_step_size) == (40, pytest.approx(0.01))
    assert (full.width, full.lr, full.batch_size, full.epochs) == (16, 1e-4, 50, 200)
    assert (full.train_size, full.test_size, full.epsilon_warmup) == (None, None, 0)
    sources = resolve(adversarial_training, {"dataset": "mnist"}, "official_code", "full").sources
    assert {sources[name] for name in ("epsilon", "step_size", "steps", "lr", "width")} == {"official code"}


def test_quick_mnist_is_what_was_seen_working() -> None:
    quick = config({"dataset": "mnist"}, scale="quick")
    assert (quick.train_size, quick.test_size, quick.width, quick.batch_size) == (5000, 1000, 2, 100)
    assert (quick.lr, quick.epochs, quick.epsilon_warmup, quick.steps) == (2e-3, 10, 3, 7)
    assert quick.step_size == pytest.approx(2.5 * 0.3 / 7)
    assert (quick.attack_steps, quick.attack_step_size) == (40, pytest.approx(0.01))
    assert config({"dataset": "mnist"}) == quick


def test_unknown_data_never_gets_the_budget_of_mnist() -> None:
    for scale in ("quick", "full"):
        own = resolve(adversarial_training, {"dataset": {"folder": "x"}}, None, scale)
        assert own.config.epsilon == 8 / 255  # type: ignore[attr-defined]
        assert own.sources["epsilon"] == "assumed"


def test_the_paper_uses_sgd_and_quick_keeps_it() -> None:
    full = config({"dataset": "mnist"}, "paper", "full")
    assert (full.optimizer, full.lr, full.epochs) == ("sgd", 0.1, 200)
    quick = config({"dataset": "mnist"}, "paper", "quick")
    assert (quick.optimizer, quick.lr, quick.epochs) == ("sgd", 0.1, 10)
    assert resolve(adversarial_training, {}, "paper", "full").sources["lr"] == "paper"


def test_a_given_optimizer_brings_its_own_rate() -> None:
    assert config({"optimizer": "sgd"}, "official_code", "full").lr == 0.1
    assert config({"optimizer": "adam"}, "paper", "full").lr == 1e-4


def test_steps_follow_a_given_budget() -> None:
    scaled = resolve(adversarial_training, {"dataset": "mnist", "epsilon": 0.15}, None, "full")
    assert scaled.config.step_size == pytest.approx(0.005)  # type: ignore[attr-defined]
    assert scaled.config.attack_epsilon == 0.3  # type: ignore[attr-defined]
    assert scaled.config.attack_step_size == pytest.approx(0.01)  # type: ignore[attr-defined]
    assert scaled.sources["step_size"] == "assumed"
    fewer = config({"dataset": "mnist", "attack_steps": 10})
    assert fewer.attack_step_size == pytest.approx(2.5 * 0.3 / 10)
    assert config({"epsilon": 0}).step_size == 0


def test_a_shortened_training_is_not_all_warm_up() -> None:
    assert config({"dataset": "mnist", "epochs": 2}).epsilon_warmup == 0
    assert config({"dataset": "mnist", "epochs": 6}).epsilon_warmup == 2


@pytest.mark.parametrize(
    "given", [{"epsilon": "big"}, {"steps": None}, {"epochs": "two"}, {"dataset": 3}, {"tasks": 3}]
)
def test_defaults_leave_nonsense_for_the_configuration_to_refuse(given: dict[str, Any]) -> None:
    defaults(given, None, None)
    with pytest.raises(ValidationError):
        config(given)


@pytest.mark.parametrize(("recipe", "scale", "message"), [("papr", None, "'paper'"), (None, "quik", "'quick'")])
def test_unknown_recipes_and_scales_are_named(recipe: str | None, scale: str | None, message: str) -> None:
    with pytest.raises(ValueError, match=f"did you mean {message}"):
        defaults({}, recipe, scale)


def test_the_schema_shows_both_ways_to_write_tasks() -> None:
    schema = Config.model_json_schema()["properties"]["tasks"]
    assert {option["type"] for option in schema["anyOf"]} == {"array", "object"}
    assert Config.model_json_schema()["properties"]["lr"]["source"] == "official code"


@pytest.mark.parametrize("name", COMPONENTS)
def test_a_component_off_is_another_configuration_than_on(name: str) -> None:
    component = COMPONENTS[name]
    assert component.description.endswith(".")
    on = config({**MP, **component.on}, scale="quick")
    off = config({**MP, **component.on, **component.off}, scale="quick")
    changed = {field for field, value in off if value != getattr(on, field)}
    assert changed == set(component.off)
