"""Which attacks run, in which order, with which budget; and what a wrong name is told."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from trainables import adversarial_training
from trainables.adversarial_training.analyses.budget_ladder import rungs
from trainables.adversarial_training.attacks.attack_plan import attacks_taken
from trainables.attacks.attack import Budget
from trainables.attacks.table import ATTACKS, NAMES, SETS
from trainables.contract import resolve


def config(scale: str | None = None, **given: Any) -> Any:
    return resolve(adversarial_training, {"tasks": ["odd_even"], **given}, None, scale).config


def names(*attacks: str, tested: bool = True, **given: Any) -> list[str]:
    return [one.name for one in attacks_taken(config(attacks=list(attacks), **given), tested=tested)]


def test_a_set_runs_cheapest_first_after_what_is_named_by_itself() -> None:
    members = [f"standard.{name}" for name in ("apgd_ce", "apgd_t", "fab_t", "square")]
    assert names("standard") == members
    assert names("standard", "fgsm", "pgd") == ["fgsm", "pgd", *members]
    both = attacks_taken(config(attacks=["standard", "quick"]), tested=True)
    quick = ["quick.apgd_margin", "quick.apgd_t", "quick.square"]
    assert [one.name for one in both] == [*quick, *members], "what escalates quick does not hang on standard"
    costs = [one.attack.cost(one.budget, 10) for one in both if one.of_set == "standard"]
    assert costs == sorted(costs)
    assert [one.name for one in both if one.escalation is not None] == quick[1:]


def test_the_default_is_the_set_of_the_scale() -> None:
    assert config().attacks == ("quick",)
    assert config("full").attacks == ("standard",)
    assert config(attacks="standard").attacks == ("standard",), "one name is a list of it"


def test_members_keep_their_budgets_and_named_attacks_take_the_studys() -> None:
    given = {"attack_steps": 7, "attack_step_size": 0.02, "attack_restarts": 3, "l2_iterations": 11}
    settings = config(attacks=["pgd", "apgd_t", "cw_l2", "standard"], **given)
    budgets = {one.name: one.budget for one in attacks_taken(settings, tested=True)}
    assert budgets["pgd"] == Budget(7, restarts=3, step_size=0.02)
    assert budgets["apgd_t"] == Budget(100, restarts=3, targets=9)
    assert budgets["cw_l2"] == Budget(11, searches=9)
    assert budgets["standard.apgd_t"] == SETS["standard"].budgets["apgd_t"]


def test_a_member_that_is_named_by_itself_with_the_same_budget_runs_once() -> None:
    assert names("apgd_ce", "standard") == ["apgd_ce", "standard.apgd_t", "standard.fab_t", "standard.square"]
    assert "standard.apgd_ce" in names("apgd_ce", "standard", attack_restarts=2)


def test_an_attack_that_looks_at_the_main_head_alone_runs_once_whatever_is_known() -> None:
    taken = names("standard", threat_models=["main_head", "all_heads"])
    assert [name for name in taken if "apgd_t" in name] == ["standard.apgd_t", "standard.apgd_t_all_heads"]
    assert [name for name in taken if "fab_t" in name] == ["standard.fab_t"]
    assert "standard.fab_t" in names("standard", threat_models=["all_heads"])


def test_validation_takes_of_a_set_its_cheapest_attack_with_few_steps() -> None:
    [one] = attacks_taken(config(attacks=["standard"], attack_steps=20), tested=False)
    assert (one.name, one.budget) == ("standard.apgd_ce", Budget(20))
    assert names("pgd", "standard", tested=False, validation_attacks="first") == ["pgd"]
    assert names("pgd", "standard", tested=False, validation_attacks="all") == ["pgd", "standard.apgd_ce"]
    assert names("cw_l2", "standard", "pgd", tested=False) == ["standard.apgd_ce"], "the first within ε"


def test_everything_that_runs_is_declared() -> None:
    settings = config(attacks=list(NAMES), threat_models=["main_head", "all_heads"])
    for one in attacks_taken(settings, tested=True):
        kind = "failures_found" if one.attack.within_epsilon else "robust_accuracy"
        assert f"test/{kind}.{one.metric}" in adversarial_training.METRICS
    assert all(f"test/budget_ladder.{rung}" in adversarial_training.METRICS for rung in rungs(settings))


def test_facts_tell_everything_a_verdict_rests_on() -> None:
    [one] = attacks_taken(config(attacks=["pgd"], attack_epsilon=0.1, attack_step_size=0.02), tested=True)
    expected = {"attack": "pgd", "threat_model": "main_head", "epsilon": 0.1, "steps": 20, "step_size": 0.02}
    assert one.facts() == expected
    [_, one] = attacks_taken(config(attacks=["pgd", "cw_l2"], l2_budget=0.7), tested=True)
    assert one.facts()["l2_budget"] == 0.7


def test_the_ladder_is_capped_by_its_steps() -> None:
    full = rungs(config("full"))
    assert full == {
        "steps_20": Budget(20), "steps_100": Budget(100), "steps_1000": Budget(1_000),
        "restarts_5": Budget(1_000, restarts=5),
    }  # fmt: skip
    assert {rung: budget.steps for rung, budget in rungs(config()).items()} == {
        "steps_20": 20, "steps_100": 100, "restarts_5": 100,
    }  # fmt: skip


@pytest.mark.parametrize("wrong", ["standart", "apgd", "autoattack"])
def test_a_wrong_name_is_refused_with_the_names_there_are(wrong: str) -> None:
    with pytest.raises(ValidationError, match="'standard'"):
        config(attacks=["pgd", wrong])


def test_schemas_offer_the_names_of_the_table() -> None:
    items = adversarial_training.Config.model_json_schema()["properties"]["attacks"]["items"]
    assert items["enum"] == list(NAMES) == [*ATTACKS, *SETS]
