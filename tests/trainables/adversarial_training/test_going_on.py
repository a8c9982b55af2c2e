"""A longer evaluation continues from an earlier one: the same verdicts as from scratch, on survivors only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from trainables import adversarial_training
from trainables.adversarial_training.evaluation import shared_attacks
from trainables.attacks.attack import Budget
from trainables.attacks.table import SETS
from trainables.contract import InProcessRun, Report, resolve

SMALL = {
    "tasks": ["odd_even"], "epochs": 4, "epsilon_warmup": 1, "steps": 2, "width": 2, "test_size": 120,
    "attack_steps": 5, "validation_fraction": 0.05,
}  # fmt: skip


def config(*attacks: str, **given: Any) -> Any:
    return resolve(adversarial_training, {**SMALL, "attacks": list(attacks), **given}).config


@pytest.fixture(scope="module")
def state() -> Any:
    *_, last = adversarial_training.train(config("pgd"), InProcessRun())
    return last.state


@pytest.fixture(scope="module")
def earlier(state: Any) -> Report:
    return adversarial_training.evaluate(config("pgd", "quick"), state, InProcessRun())


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Every attack that is run, with how many samples it was given."""
    counted: dict[str, int] = {}
    original = shared_attacks.attack_samples

    def counting(planned: Any, model: Any, samples: Any, clean: Any, alive: Any = None) -> Any:
        counted[planned.name] = len(samples) if alive is None else int(alive.sum())
        return original(planned, model, samples, clean, alive)

    monkeypatch.setattr(shared_attacks, "attack_samples", counting)
    return counted


def go_on(settings: Any, state: Mapping[str, Any], earlier: Report) -> Report:
    return adversarial_training.reevaluate(settings, state, InProcessRun(), earlier)


def test_it_gives_what_measuring_from_scratch_gives_and_touches_survivors_only(
    state: Any, earlier: Report, ran: dict[str, int]
) -> None:
    longer = config("pgd", "quick", "apgd_ce", "cw_linf")
    continued = go_on(longer, state, earlier)
    assert ran == {"apgd_ce": 120, "cw_linf": 120}, "what is named by itself needs all"
    ran.clear()
    scratch = adversarial_training.evaluate(longer, state, InProcessRun())
    assert len(ran) > 4
    right = [one.arrays["predictions.worst_case"] == one.arrays["labels"] for one in (continued, scratch)]
    assert np.array_equal(*right)
    for name in ("test/robust_accuracy.worst_case", "test/robust_accuracy.pgd", "test/robust_accuracy.apgd_ce"):
        assert continued.metrics[name] == scratch.metrics[name]
    for name in ("predictions.pgd", "predictions.apgd_ce"):
        assert np.array_equal(continued.arrays[name], scratch.arrays[name])
    assert set(continued.metrics) == set(scratch.metrics)


def test_a_longer_set_attacks_what_the_shorter_one_left(
    state: Any, earlier: Report, ran: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    fewer = {
        "apgd_ce": Budget(10),
        "apgd_t": Budget(10, targets=9),
        "fab_t": Budget(5, targets=9),
        "square": Budget(70),
    }
    monkeypatch.setitem(SETS, "standard", replace(SETS["standard"], budgets=fewer))
    left = int((earlier.arrays["found_by"] == -1).sum())
    continued = go_on(config("pgd", "quick", "standard"), state, earlier)
    assert set(ran) == {"standard.apgd_ce", "standard.apgd_t", "standard.fab_t", "standard.square"}
    assert max(ran.values()) == left < 120
    scratch = adversarial_training.evaluate(config("pgd", "quick", "standard"), state, InProcessRun())
    assert np.array_equal(continued.arrays["found_by"] == -1, scratch.arrays["found_by"] == -1)
    old = earlier.arrays["found_by"]
    assert np.array_equal(continued.arrays["found_by"][old >= 0], old[old >= 0]), "earlier numbers stay"


def test_nothing_is_run_twice(state: Any, earlier: Report, ran: dict[str, int]) -> None:
    again = go_on(config("pgd", "quick"), state, earlier)
    assert ran == {}
    assert again.metrics == earlier.metrics
    assert again.fingerprints == earlier.fingerprints
    assert all(np.array_equal(again.arrays[name], array) for name, array in earlier.arrays.items())
    go_on(config("quick"), state, earlier)
    assert ran == {}, "what a study no longer names stays found"


def test_targets_and_norms_are_kept(state: Any, ran: dict[str, int]) -> None:
    settings = config("pgd_targeted", "cw_l2", l2_iterations=3)
    first = adversarial_training.evaluate(settings, state, InProcessRun())
    ran.clear()
    again = go_on(settings, state, first)
    assert ran == {}
    assert again.metrics == first.metrics
    assert {"test/target_rate.pgd_targeted", "test/robust_accuracy.cw_l2"} < set(again.metrics)


def test_another_budget_runs_anew_and_keeps_the_failures(state: Any, earlier: Report, ran: dict[str, int]) -> None:
    longer = go_on(config("pgd", "quick", attack_steps=9), state, earlier)
    assert ran == {"pgd": 120}
    assert longer.fingerprints["attacks"]["pgd"]["steps"] == 9
    assert longer.fingerprints["attacks"]["earlier.pgd"]["steps"] == 5
    scratch = adversarial_training.evaluate(config("pgd", attack_steps=9), state, InProcessRun())
    assert longer.metrics["test/robust_accuracy.pgd"] == scratch.metrics["test/robust_accuracy.pgd"]
    assert set(longer.metrics) <= set(adversarial_training.METRICS)


def test_another_epsilon_or_other_samples_start_from_nothing(state: Any, earlier: Report, ran: dict[str, int]) -> None:
    for given in ({"attack_epsilon": 0.02}, {"test_size": 100}):
        ran.clear()
        continued = go_on(config("pgd", "quick", **given), state, earlier)
        assert {"pgd", "quick.apgd_margin"} < set(ran)
        scratch = adversarial_training.evaluate(config("pgd", "quick", **given), state, InProcessRun())
        assert continued.metrics == scratch.metrics


def test_results_from_before_attacks_were_stored_start_from_nothing(
    state: Any, earlier: Report, ran: dict[str, int]
) -> None:
    old = replace(earlier, fingerprints={}, arrays={k: v for k, v in earlier.arrays.items() if k != "found_by"})
    assert go_on(config("pgd", "quick"), state, old).metrics == earlier.metrics
    assert {"pgd", "quick.apgd_margin"} < set(ran)


def test_the_results_of_another_network_are_refused(state: Any, earlier: Report) -> None:
    wrong = earlier.arrays["predictions.clean"].copy()
    wrong[:5] = (wrong[:5] + 1) % 10
    other = replace(earlier, arrays={**earlier.arrays, "predictions.clean": wrong})
    with pytest.raises(ValueError, match=r"to another network: 4\.2% of its predictions of clean images differ"):
        go_on(config("pgd", "quick"), state, other)


def test_the_ladder_goes_on_from_what_is_left(state: Any) -> None:
    settings = config("fgsm", analyses=["budget_ladder"])
    metrics = adversarial_training.evaluate(settings, state, InProcessRun()).metrics
    rungs = [metrics[f"test/budget_ladder.{rung}"] for rung in ("declared", "steps_20", "steps_100", "restarts_5")]
    assert rungs[0] == metrics["test/robust_accuracy.worst_case"]
    assert rungs == sorted(rungs, reverse=True)
    assert metrics["test/budget_ladder_move"] == pytest.approx(rungs[0] - rungs[-1])
    assert metrics["test/budget_ladder_move"] > 0.03, "one step is not an evaluation"
    assert set(metrics) <= set(adversarial_training.METRICS)
