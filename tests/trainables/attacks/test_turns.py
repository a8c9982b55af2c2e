"""Targets in turn, several of them in one pass, give what they give one after the other."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.support.attacking import attack
from tests.support.robust_digits import EPSILON, digits_images
from trainables.attacks import turns
from trainables.attacks.algorithms.apgd import apgd_in_turn
from trainables.attacks.algorithms.losses import cross_entropy, targeted_dlr
from trainables.attacks.attack import Budget
from trainables.attacks.objective import AttackResult, BestIterates, Judged, targeted, untargeted
from trainables.attacks.problem import Record
from trainables.attacks.targets import likeliest_wrong_classes

TOGETHER = (1, 2, 3, 5)
"""Turns that are run at once after the first: whole divisors of the eight that are left, and others."""


pytestmark = pytest.mark.usefixtures("double_precision")


def at_once(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(turns, "_turns_together", lambda images: count)


@pytest.mark.parametrize("epsilon", [0.06, EPSILON, 0.2])
@pytest.mark.parametrize("name", ["apgd_t", "fab_t"])
def test_an_attack_finds_the_same_whatever_runs_at_once(
    network: nn.Module, name: str, epsilon: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, labels = digits_images()
    images, labels = images[:150].double(), labels[:150]
    found = []
    for count in TOGETHER:
        at_once(monkeypatch, count)
        found.append(attack(name, network, images, labels, epsilon, Budget(8, restarts=2, targets=9)))
    alone, *others = found
    assert 0 < alone.fooled.sum() < len(images), "the epsilon decides nothing"
    for together in others:
        assert torch.equal(together.fooled, alone.fooled)
        assert torch.equal(together.predictions, alone.predictions), "another target was the first to fool"
        torch.testing.assert_close(together.images, alone.images, rtol=0, atol=1e-12)


@pytest.mark.parametrize("restarts", [1, 3])
def test_a_result_is_the_best_of_all_turns(network: nn.Module, restarts: int, monkeypatch: pytest.MonkeyPatch) -> None:
    images, labels = digits_images()
    images, labels = images[:100].double(), labels[:100]
    aims = likeliest_wrong_classes(network(images), labels, 4).T.flatten()
    objective = targeted(network, labels.repeat(4), aims, targeted_dlr)

    def run() -> AttackResult:
        settings = {"iterations": 6, "restarts": restarts, "generator": torch.Generator().manual_seed(1)}
        return apgd_in_turn(objective, images, EPSILON, turns=4, **settings)

    at_once(monkeypatch, 1)
    alone = run()
    for count in TOGETHER[1:]:
        at_once(monkeypatch, count)
        together = run()
        assert torch.equal(together.fooled, alone.fooled)
        torch.testing.assert_close(together.images, alone.images, rtol=0, atol=1e-12)
        assert together.evaluations >= alone.evaluations, "what a later turn did meanwhile is counted"


def test_the_first_turn_runs_alone_so_that_what_it_fools_costs_nothing_more(network: nn.Module) -> None:
    images, labels = digits_images()
    images, labels = images[:20].double(), (network(images[:20].double()).argmax(1) + 1) % 10
    objective = untargeted(network, labels.repeat(5), cross_entropy)
    found = apgd_in_turn(objective, images, 0.0, turns=5, generator=torch.Generator())
    assert found.fooled.all()
    assert found.evaluations == 20


def test_what_an_earlier_turn_fools_later_ones_give_up() -> None:
    best = BestIterates(torch.zeros(6, 1, 1, 1), turns=3)  # two samples
    points = torch.full((1, 1, 1, 1), 0.5)
    best.update(torch.tensor([3]), points, Judged(torch.ones(1), torch.tensor([True])))
    assert best.left().tolist() == [0, 1, 2, 4], "sample 1 in turn 1, so not in turn 2, and still in turn 0"
    best.update(torch.tensor([1]), points, Judged(torch.ones(1), torch.tensor([True])))
    assert best.left().tolist() == [0, 2, 4]


def test_a_record_takes_the_first_turn_that_fooled() -> None:
    labels = torch.tensor([4, 5, 6])
    record, of_turns = Record(labels), Record(labels.repeat(2))
    record.note(torch.tensor([9]), torch.tensor([2]))
    of_turns.note(torch.tensor([1, 2, 3, 4]), torch.tensor([3, 4, 0, 5]))  # samples 0, 1 in turn 1; 0, 2 earlier
    record.take_over(of_turns)
    assert record.fooled.tolist() == [True, True, True]
    assert record.predictions.tolist() == [3, 2, 9], "of sample 0 turn 0, and of sample 2 what was noted before"


def test_as_many_run_at_once_as_fit_into_a_pass() -> None:
    def together(*shape: int) -> int:
        return turns._turns_together(torch.zeros(shape))

    assert together(4, 1, 8, 8) * 4 * 64 == turns.PASS_PIXELS
    assert together(115, 1, 8, 8) == 17
    assert together(500, 3, 32, 32) == 1
