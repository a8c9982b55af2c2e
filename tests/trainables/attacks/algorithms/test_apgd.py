"""Auto-PGD takes AutoAttack's iterates from the same start, stays in its ball, and keeps whatever fooled."""

from __future__ import annotations

import pytest
import torch
from pyautoattack.autopgd_base import APGDAttack, APGDAttack_targeted
from torch import Tensor, nn

from tests.support.robust_digits import EPSILON, digits_images, robust_network
from trainables.attacks.algorithms.apgd import apgd, apgd_in_turn, climb, random_surface_point
from trainables.attacks.algorithms.losses import cross_entropy, dlr, targeted_dlr, targeted_loss
from trainables.attacks.algorithms.margin import margin
from trainables.attacks.objective import AttackResult, BestIterates, Judged, Objective, targeted, untargeted
from trainables.attacks.targets import likeliest_wrong_classes

pytestmark = pytest.mark.usefixtures("double_precision")


def never_fooled(objective: Objective) -> Objective:
    """Nobody leaves early, so that every sample's iterates are compared to the last step."""

    def judged(images: Tensor, which: Tensor) -> Judged:
        found = objective(images, which)
        return Judged(found.loss, torch.zeros_like(found.fooled))

    return judged


def both(
    loss: str, network: nn.Module, images: Tensor, labels: Tensor, iterations: int, epsilon: float = EPSILON
) -> tuple[Objective, APGDAttack]:
    """What is raised, and the oracle that raises the same."""
    settings = {"eps": epsilon, "n_iter": iterations, "device": "cpu"}
    if loss == "dlr-targeted":
        targets = likeliest_wrong_classes(network(images), labels, 2)[:, 1]
        objective, oracle = targeted(network, labels, targets, targeted_dlr), APGDAttack_targeted(network, **settings)
        oracle.y_target = targets
    else:
        objective = untargeted(network, labels, {"ce": cross_entropy, "dlr": dlr}[loss])
        oracle = APGDAttack(network, loss=loss, **settings)
    oracle.init_hyperparam(images)
    return objective, oracle


@pytest.mark.parametrize("iterations", [1, 2, 5, 37, 100])
@pytest.mark.parametrize("loss", ["ce", "dlr", "dlr-targeted"])
def test_iterates_are_the_oracles_from_the_same_start(
    network: nn.Module, correct: tuple[Tensor, Tensor], loss: str, iterations: int
) -> None:
    images, labels = correct
    objective, oracle = both(loss, network, images, labels, iterations)
    start = random_surface_point(images, EPSILON, torch.Generator().manual_seed(1))
    points, standing, losses, _ = oracle.attack_single_run(images, labels, x_init=start)
    to_the_end, stopped = BestIterates(images), BestIterates(images)
    climb(never_fooled(objective), images, start, to_the_end, epsilon=EPSILON, iterations=iterations)
    climb(objective, images, start, stopped, epsilon=EPSILON, iterations=iterations)
    assert 0 < standing.sum() < len(images), "the epsilon decides nothing"
    torch.testing.assert_close(to_the_end.images, points, rtol=0, atol=1e-5)
    torch.testing.assert_close(to_the_end.loss, losses, rtol=0, atol=1e-5)
    assert torch.equal(stopped.fooled, ~standing)
    torch.testing.assert_close(stopped.images[standing], points[standing], rtol=0, atol=1e-5)
    assert (network(stopped.images).argmax(1) != labels)[stopped.fooled].all()
    assert stopped.evaluations < to_the_end.evaluations == len(images) * (iterations + 1)


def test_the_start_is_the_oracles_of_the_same_seed(network: nn.Module, correct: tuple[Tensor, Tensor]) -> None:
    images, labels = correct
    _, oracle = both("ce", network, images, labels, iterations=0)
    torch.manual_seed(3)
    start, *_ = oracle.attack_single_run(images, labels)
    torch.testing.assert_close(
        random_surface_point(images, EPSILON, torch.Generator().manual_seed(3)), start, rtol=0, atol=1e-12
    )


def test_targets_are_the_oracles(network: nn.Module, correct: tuple[Tensor, Tensor]) -> None:
    images, labels = correct
    ordered = network(images).sort(dim=1).indices
    wanted = torch.stack([ordered[:, -rank] for rank in range(2, 11)], dim=1)
    assert torch.equal(likeliest_wrong_classes(network(images), labels, 9), wanted)


@pytest.mark.parametrize("classes", [2, 3, 4])
def test_few_classes(classes: int) -> None:
    torch.set_default_dtype(torch.float32)
    network, (images, labels) = robust_network(classes), digits_images(classes)
    images, labels = images[:100], labels[:100]
    clean = network(images).argmax(1) != labels
    targets = likeliest_wrong_classes(network(images), labels, classes - 1)
    turns = classes - 1
    objective = targeted(network, labels.repeat(turns), targets.T.flatten(), targeted_loss(classes))
    generator = torch.Generator().manual_seed(0)
    found = apgd_in_turn(objective, images, EPSILON, turns=turns, iterations=20, generator=generator)
    assert found.fooled.sum() > clean.sum()
    assert_honest(found, network, images, labels, EPSILON)
    if classes < 4:
        with pytest.raises(ValueError, match=f"4 classes or more, not for {classes}: use the margin"):
            targeted_dlr(network(images), labels, targets[:, 0])
    if classes < 3:
        with pytest.raises(ValueError, match="3 classes or more, not for 2: use the margin"):
            dlr(network(images), labels)


def assert_honest(found: AttackResult, network: nn.Module, images: Tensor, labels: Tensor, epsilon: float) -> None:
    """Exactly the images said to fool do, and all are allowed."""
    assert torch.equal(network(found.images).argmax(1) != labels, found.fooled)
    assert (found.images - images).abs().max() <= epsilon + 1e-6
    assert 0 <= found.images.min() <= found.images.max() <= 1


@pytest.mark.parametrize("epsilon", [0.0, 0.02, EPSILON, 1.0])
@pytest.mark.parametrize("count", [1, 2, 50])
def test_images_are_allowed_and_fool_where_said(network: nn.Module, count: int, epsilon: float) -> None:
    images, labels = digits_images()
    images, labels = images[:count].double(), labels[:count]
    for loss in (cross_entropy, margin):
        found = apgd(
            untargeted(network, labels, loss),
            images,
            epsilon,
            iterations=10,
            generator=torch.Generator().manual_seed(0),
        )
        assert_honest(found, network, images, labels, epsilon)
    if epsilon == 0:
        assert torch.equal(found.fooled, network(images).argmax(1) != labels)
    if epsilon == 1:
        assert found.fooled.all()


def test_samples_that_the_start_fools_cost_one_evaluation(network: nn.Module) -> None:
    images, labels = digits_images()
    images, labels = images[:20].double(), (network(images[:20].double()).argmax(1) + 1) % 10
    objective = untargeted(network, labels.repeat(3), cross_entropy)
    found = apgd_in_turn(objective, images, 0.0, turns=3, restarts=2, generator=torch.Generator())
    assert found.fooled.all()
    assert found.evaluations == 20


def test_further_restarts_and_targets_attack_what_is_left(network: nn.Module) -> None:
    images, labels = digits_images()
    images, labels = images[:400].double(), labels[:400]
    targets = likeliest_wrong_classes(network(images), labels, 2)

    def fooled(turns: int, restarts: int) -> Tensor:
        objective = targeted(network, labels.repeat(turns), targets.T.flatten(), targeted_dlr)
        settings = {"iterations": 2, "restarts": restarts, "generator": torch.Generator().manual_seed(0)}
        return apgd_in_turn(objective, images, EPSILON, turns=turns, **settings).fooled

    one, three = fooled(1, 1), fooled(1, 3)
    assert (three | ~one).all(), "a further restart lost what was fooled"
    assert three.sum() > one.sum()
    both_targets = fooled(2, 1)
    assert (both_targets | ~one).all()
    assert both_targets.sum() > one.sum()


def test_a_samples_result_hangs_on_its_place_alone(network: nn.Module) -> None:
    images, labels = digits_images()
    images, labels = images[:80].double(), labels[:80]

    def attack(labels: Tensor) -> AttackResult:
        objective = untargeted(network, labels, cross_entropy)
        return apgd(objective, images, EPSILON, iterations=12, restarts=2, generator=torch.Generator().manual_seed(4))

    other = labels.clone()
    other[:40] = (other[:40] + 1) % 10  # fooled at once
    honest, changed = attack(labels), attack(other)
    assert torch.equal(honest.fooled[40:], changed.fooled[40:])
    torch.testing.assert_close(honest.images[40:], changed.images[40:], rtol=0, atol=1e-12)


def test_the_generator_moves_on_alike_whatever_was_needed(network: nn.Module) -> None:
    images, labels = digits_images()
    images, labels = images[:10].double(), labels[:10]
    after = []
    for epsilon in (0.0, 1.0):
        generator = torch.Generator().manual_seed(0)
        apgd(untargeted(network, labels, margin), images, epsilon, iterations=3, restarts=4, generator=generator)
        after.append(torch.rand(3, generator=generator))
    assert torch.equal(*after)


def test_a_network_that_overflows_leaves_the_images_in_their_ball(network: nn.Module) -> None:
    images, labels = digits_images()
    images, labels = images[:30].double(), labels[:30]
    found = apgd(
        untargeted(lambda x: network(x) * 1e308 * 10, labels, cross_entropy),
        images,
        EPSILON,
        iterations=5,
        generator=torch.Generator().manual_seed(0),
    )
    assert not found.images.isnan().any()
    assert (found.images - images).abs().max() <= EPSILON + 1e-6
