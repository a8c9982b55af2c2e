"""FAB-T takes AutoAttack's iterates, and says that a sample is fooled where the oracle does."""

from __future__ import annotations

import pytest
import torch
from pyautoattack.fab_pt import FABAttack_PT
from torch import Tensor, nn

from tests.support.attacking import attack
from tests.support.robust_digits import EPSILON, digits_images, robust_network
from trainables.attacks.algorithms.fab import approach, random_start
from trainables.attacks.algorithms.losses import targeted_margin
from trainables.attacks.attack import Budget
from trainables.attacks.objective import BestIterates, Judged, targeted
from trainables.attacks.targets import likeliest_wrong_classes


@pytest.fixture(autouse=True)
def _double_precision(double_precision: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also in the oracle, which casts images to float32."""
    monkeypatch.setattr(Tensor, "float", lambda tensor: tensor.to(torch.get_default_dtype()))


class Nearest:
    """An objective that remembers the nearest fooling image of each sample, of those asked without gradients."""

    def __init__(self, network: nn.Module, images: Tensor, labels: Tensor, target: Tensor) -> None:
        self.objective = targeted(network, labels, target, targeted_margin)
        self.originals, self.images = images, images.clone()
        self.norms = torch.full((len(images),), torch.inf)

    def __call__(self, images: Tensor, which: Tensor) -> Judged:
        judged = self.objective(images, which)
        if not torch.is_grad_enabled():
            norms = (images - self.originals[which]).flatten(1).abs().amax(1)
            better = judged.fooled & (norms < self.norms[which])
            self.norms[which[better]], self.images[which[better]] = norms[better], images[better]
        return judged


@pytest.mark.parametrize("rank", [0, 4])
@pytest.mark.parametrize("iterations", [1, 2, 10, 100])
def test_iterates_are_the_oracles(
    network: nn.Module, correct: tuple[Tensor, Tensor], iterations: int, rank: int
) -> None:
    """The oracle returns the nearest of its fooling iterates; no sample is done within an ε below 0."""
    images, labels = correct
    oracle = FABAttack_PT(network, n_iter=iterations, eps=EPSILON, targeted=True, device="cpu")
    oracle.target_class = rank + 2
    adversarial = oracle.attack_single_run(images, labels, is_targeted=True)
    nearest = Nearest(network, images, labels, likeliest_wrong_classes(network(images), labels, 9)[:, rank])
    best = BestIterates(images)
    approach(nearest, images, images, best, epsilon=-1.0, iterations=iterations)
    torch.testing.assert_close(nearest.images, adversarial, rtol=0, atol=1e-5)
    assert not best.fooled.any()
    assert best.evaluations == 2 * iterations * len(images)


def test_random_starts_are_the_oracles_of_the_same_seed(network: nn.Module, correct: tuple[Tensor, Tensor]) -> None:
    images, labels = correct
    oracle = FABAttack_PT(network, n_iter=5, eps=EPSILON, targeted=True, device="cpu")
    oracle.target_class = 2
    torch.manual_seed(7)
    adversarial = oracle.attack_single_run(images, labels, use_rand_start=True, is_targeted=True)
    nearest = Nearest(network, images, labels, likeliest_wrong_classes(network(images), labels, 1)[:, 0])
    start = random_start(images, EPSILON, torch.Generator().manual_seed(7))
    approach(nearest, images, start, BestIterates(images), epsilon=-1.0, iterations=5)
    torch.testing.assert_close(nearest.images, adversarial, rtol=0, atol=1e-5)


@pytest.mark.parametrize("targets", [1, 9])
def test_the_same_samples_are_fooled_as_by_the_oracle(network: nn.Module, targets: int) -> None:
    images, labels = digits_images()
    images, labels = images[:300].double(), labels[:300]
    oracle = FABAttack_PT(network, n_iter=15, eps=EPSILON, targeted=True, device="cpu", n_target_classes=targets)
    theirs = network(oracle.perturb(images, labels)).argmax(1) != labels
    found = attack("fab_t", network, images, labels, EPSILON, Budget(15, targets=targets))
    assert torch.equal(found.fooled, theirs)
    assert (network(images).argmax(1) != labels).sum() < theirs.sum() < len(images)


@pytest.mark.parametrize("count", [1, 40])
@pytest.mark.parametrize("epsilon", [0.0, EPSILON, 1.0])
@pytest.mark.parametrize("classes", [2, 3, 10])
def test_images_are_allowed_and_fool_where_said(classes: int, epsilon: float, count: int) -> None:
    torch.set_default_dtype(torch.float32)
    network, (images, labels) = robust_network(classes), digits_images(classes)
    images, labels = images[:count], labels[:count]
    found = attack("fab_t", network, images, labels, epsilon, Budget(10, restarts=2, targets=9))
    assert torch.equal(network(found.images).argmax(1) != labels, found.fooled)
    assert (found.images - images).abs().max() <= epsilon
    assert 0 <= found.images.min() <= found.images.max() <= 1
    if epsilon == 0:
        assert torch.equal(found.images, images)
    if epsilon == 1:
        assert found.fooled.all()


def test_samples_that_the_first_target_fooled_are_left_alone_by_the_others(
    network: nn.Module, correct: tuple[Tensor, Tensor]
) -> None:
    images, labels = correct
    asked = 0

    def counting(points: Tensor) -> Tensor:
        nonlocal asked
        asked += len(points)
        return network(points)

    found = attack("fab_t", counting, images, labels, 1.0, Budget(100, targets=9))
    assert found.fooled.all()
    assert asked < 10 * len(images), "nine targets of 100 iterations would ask 1,800 times for each"


@pytest.mark.parametrize("path", ["zero", "none"])
def test_a_network_without_gradients_leaves_the_images_alone(path: str) -> None:
    images, labels = torch.rand(5, 1, 8, 8), torch.zeros(5, dtype=torch.int64)
    logits = torch.tensor([1.0, 0.0, 0.0])

    def logits_of(x: Tensor) -> Tensor:
        return logits + 0 * x.flatten(1).sum(1, keepdim=True) if path == "zero" else logits.expand(len(x), 3)

    found = attack("fab_t", logits_of, images, labels, 0.1, Budget(3, targets=9))
    assert not found.fooled.any()
    assert torch.equal(found.images, images)
