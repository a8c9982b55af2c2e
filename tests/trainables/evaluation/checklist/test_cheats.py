"""Planted cheats are caught by name: the item that is meant to see them fails."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from tests.support.cheats import EVALUATIONS, MODELS, Cheat
from tests.support.honest import honest_subject
from trainables.evaluation.checklist import CHECKS, Context, Evidence, Subject, run_checklist

CHEATS = {**MODELS, **EVALUATIONS}

NOT_THE_MODELS = {"sanity"}
"""Items that look at the checklist itself, so that no cheat may make them fail."""


@pytest.fixture
def honest() -> Subject:
    subject = honest_subject()
    return replace(subject, context=Context())


@pytest.mark.parametrize("name", CHEATS)
def test_a_planted_cheat_is_caught_by_name(name: str, honest: Subject) -> None:
    cheat = CHEATS[name]
    evidence = Evidence(cheat.plant(honest))
    with torch.random.fork_rng(devices=[]):
        found = {item: CHECKS[item](evidence) for item in cheat.caught_by}
    for item, check in found.items():
        assert check.verdict == "fail", f"{name} was to fail {item}, which says {check.verdict}: {check.says}"
        assert check.says
        assert all(isinstance(value, float) for value in check.numbers.values())


def test_without_the_cheat_every_one_of_these_items_passes(honest: Subject) -> None:
    caught = {item for cheat in CHEATS.values() for item in cheat.caught_by} - {"heads", "rejection", "selection"}
    evidence = Evidence(replace(honest, images=honest.images[:100], labels=honest.labels[:100]))
    assert {item: CHECKS[item](evidence).verdict for item in sorted(caught)} == dict.fromkeys(sorted(caught), "pass")


@pytest.mark.slow
@pytest.mark.parametrize("name", CHEATS)
def test_every_verdict_on_a_cheat_is_reached(name: str, honest: Subject) -> None:
    """No item breaks on a cheat, and those that judge the checklist itself don't blame it."""
    cheat = CHEATS[name]
    found = {check.item: check for check in run_checklist(cheat.plant(honest))}
    assert list(found) == list(CHECKS)
    assert all(found[item].verdict == "fail" for item in cheat.caught_by)
    if honest.images is cheat.plant(honest).images:
        assert all(found[item].verdict == "pass" for item in NOT_THE_MODELS)


def test_a_cheat_of_the_evaluation_leaves_the_model_unblamed(honest: Subject) -> None:
    cheat: Cheat = EVALUATIONS["attack_short_of_epsilon"]
    evidence = Evidence(cheat.plant(honest))
    of_the_model = ("forward_pass", "gradients", "unavailable_gradients", "unstable_predictions", "epsilon_sweep")
    assert all(CHECKS[item](evidence).verdict == "pass" for item in of_the_model)
