"""FGSM, margins and targets equal plain references, sample by sample and in float64."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from trainables.attacks.algorithms.margin import margin
from trainables.attacks.algorithms.pgd import pgd
from trainables.attacks.attack import Budget
from trainables.attacks.problem import Problem
from trainables.attacks.runners import run_attack
from trainables.attacks.table import ATTACKS
from trainables.attacks.targets import least_likely_class, random_wrong_classes
from trainables.models.lenet import MultiTaskLeNet


def plain_margin(logits: list[float], label: int) -> float:
    return max(value for j, value in enumerate(logits) if j != label) - logits[label]


def test_the_margin_equals_the_plain_reference() -> None:
    draw = torch.Generator().manual_seed(0)
    logits = torch.randn(50, 7, generator=draw, dtype=torch.float64)
    labels = torch.randint(7, (50,), generator=draw)
    expected = [plain_margin(row, label) for row, label in zip(logits.tolist(), labels.tolist(), strict=True)]
    found = margin(logits, labels)
    assert found.tolist() == expected
    assert torch.equal(found > 0, logits.argmax(1) != labels)


def test_the_gradient_of_the_margin_moves_two_logits() -> None:
    logits = torch.tensor([[3.0, 1.0, 2.0], [0.0, 5.0, 1.0]], requires_grad=True)
    margin(logits, torch.tensor([0, 0])).sum().backward()
    assert logits.grad is not None
    assert logits.grad.tolist() == [[-1, 0, 1], [-1, 1, 0]]


def test_fgsm_equals_the_plain_reference() -> None:
    torch.manual_seed(0)
    model = MultiTaskLeNet((1, 8, 8), (10, 2), width=2).double().eval()
    images = torch.rand(5, 1, 8, 8, dtype=torch.float64).round(decimals=1)
    labels = torch.arange(5)
    clean = [model(images)[0].detach()]
    alive = torch.ones(5, dtype=torch.bool)
    problem = Problem(
        lambda x: model(x)[:1], images, labels.unsqueeze(1), clean, 0.2, lambda _: torch.Generator(), alive
    )
    found = run_attack(ATTACKS["fgsm"], problem, Budget(1))
    answers = model(found)[0].argmax(1)
    assert torch.equal(problem.record.fooled, answers != labels)
    for image, label, adversarial in zip(images, labels, found, strict=True):
        variable = image.unsqueeze(0).clone().requires_grad_()
        (-torch.log_softmax(model(variable)[0], 1)[0, label]).backward()
        assert variable.grad is not None
        expected = torch.clamp(image + 0.2 * torch.sign(variable.grad[0]), 0, 1)
        torch.testing.assert_close(adversarial, expected, rtol=0, atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(n=st.integers(1, 20), classes=st.integers(2, 12), seed=st.integers(0, 2**32))
def test_targets_are_every_wrong_class_once(n: int, classes: int, seed: int) -> None:
    labels = torch.randint(classes, (n,), generator=torch.Generator().manual_seed(seed))
    orders = random_wrong_classes(labels, classes, torch.Generator().manual_seed(seed))
    for label, order in zip(labels.tolist(), orders.tolist(), strict=True):
        assert sorted(order) == [k for k in range(classes) if k != label]


def test_a_samples_targets_hang_on_its_place_alone() -> None:
    labels = torch.randint(10, (300,), generator=torch.Generator().manual_seed(1))

    def orders(labels: Tensor, seed: int = 3) -> Tensor:
        return random_wrong_classes(labels, 10, torch.Generator().manual_seed(seed))

    assert torch.equal(orders(labels)[:37], orders(labels[:37]))
    other = labels.clone()
    other[5] = (other[5] + 1) % 10
    kept = torch.arange(300) != 5
    assert torch.equal(orders(labels)[kept], orders(other)[kept])
    assert not torch.equal(orders(labels), orders(labels, seed=4))


def test_the_first_target_is_uniform_among_wrong_classes() -> None:
    first = random_wrong_classes(torch.full((9000,), 4), 10, torch.Generator().manual_seed(0))[:, 0]
    counts = torch.bincount(first, minlength=10)
    assert counts[4] == 0
    assert (counts[counts > 0] - 1000).abs().max() < 120, "four standard deviations"


def test_the_least_likely_class_is_a_wrong_one() -> None:
    logits = torch.tensor([[3.0, 1.0, 2.0], [3.0, 1.0, 2.0], [5.0, 7.0, 9.0]])
    assert least_likely_class(logits, torch.tensor([0, 1, 2])).tolist() == [1, 2, 0]


@pytest.mark.parametrize("seed", range(3))
def test_aiming_lowers_the_targets_loss_for_every_sample(seed: int) -> None:
    torch.manual_seed(seed)
    model = MultiTaskLeNet((1, 8, 8), (10,), width=2).double().eval()
    images = torch.rand(12, 1, 8, 8, dtype=torch.float64)
    targets = random_wrong_classes(torch.arange(12) % 10, 10, torch.Generator().manual_seed(seed))[:, 0]

    def losses(x: Tensor) -> Tensor:
        return torch.nn.functional.cross_entropy(model(x)[0], targets, reduction="none")

    adversarial = pgd(lambda x: -losses(x).sum(), images, 0.2, 0.02, 20, random_start=False)
    assert (losses(adversarial) < losses(images)).all()
