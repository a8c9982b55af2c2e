"""The engine computes what plain attacks compute, one task at a time, whatever the network."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import reference_attacks as reference
from tests.support.small_networks import SMALL_NETWORKS, small_batch, small_network
from trainables.attacks.algorithms import stacked
from trainables.attacks.algorithms.stacked import attack_tasks, input_gradient
from trainables.attacks.frozen import frozen

EACH_ALONE = [[0], [1], [2]]
ATTACKS = [EACH_ALONE, [[0]], [[0, 1, 2]], [[1, 2]], [[0], [0, 1, 2]]]


@pytest.mark.parametrize("attacks", ATTACKS, ids=str)
@pytest.mark.parametrize("name", SMALL_NETWORKS)
def test_gradients_have_the_signs_of_the_plain_ones(name: str, attacks: Sequence[Sequence[int]]) -> None:
    model = small_network(name).double().eval()
    images, labels = small_batch(name)
    images = images.double()
    with frozen(deepcopy(model)) as fast:
        found = input_gradient(fast, images.repeat(len(attacks), 1, 1, 1), labels, attacks)
    plain = torch.cat([reference.gradient(model, images, labels, tasks) for tasks in attacks])
    counts = plain.abs() > 1e-12 * plain.abs().max()
    assert counts.float().mean() > 0.5, "the test would show nothing"
    assert torch.equal(found.sign()[counts], plain.sign()[counts])
    torch.testing.assert_close(found, plain, rtol=1e-9, atol=1e-12 * float(plain.abs().max()))


@pytest.mark.parametrize("random_start", [True, False])
@pytest.mark.parametrize("name", SMALL_NETWORKS)
def test_attacks_are_the_plain_ones(name: str, random_start: bool) -> None:
    model = small_network(name).double().eval()
    images, labels = small_batch(name)
    images = images.double()
    noise = torch.rand(3, *images.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    how = {"epsilon": 0.2, "step_size": 0.05, "steps": 6}
    with frozen(deepcopy(model)) as fast:
        found = attack_tasks(fast, images, labels, EACH_ALONE, noise=noise if random_start else None, **how)
    for task in range(3):
        start = noise[task] if random_start else None
        eta = reference.pgd(model, images, labels, [task], *how.values(), start)
        torch.testing.assert_close(found[task], images + eta, rtol=0, atol=1e-12)


def test_a_batch_attacked_in_parts_is_attacked_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    model, (images, labels) = small_network("lenet").double(), small_batch("lenet", n=7)
    images = images.double()
    noise = torch.rand(3, *images.shape, dtype=torch.float64)

    def attacked() -> torch.Tensor:
        how = {"epsilon": 0.2, "step_size": 0.05, "steps": 4, "noise": noise}
        return attack_tasks(model, images, labels, EACH_ALONE, **how)

    passes = []
    trunk = model.trunk
    with frozen(model):
        whole = attacked()
        monkeypatch.setattr(model, "trunk", lambda point: (passes.append(len(point)), trunk(point))[1])
        monkeypatch.setattr(stacked, "PASS_PIXELS", 2 * 3 * 64)
        torch.testing.assert_close(attacked(), whole, rtol=0, atol=1e-12)
    assert passes == [3 * size for size in (1, 2, 2, 2) for _ in range(4)], "at most two images at once, nearly alike"


@settings(max_examples=30)
@given(seed=st.integers(0, 1000), epsilon=st.floats(0, 1), step_size=st.floats(0, 1), steps=st.integers(1, 3))
def test_without_gradients_attacks_stay_where_they_start(
    seed: int, epsilon: float, step_size: float, steps: int
) -> None:
    model = small_network("lenet", seed)
    images, labels = small_batch("lenet", seed)
    for head in model.heads:
        torch.nn.init.zeros_(head.weight)
    noise = torch.rand(3, *images.shape, generator=torch.Generator().manual_seed(seed))
    how = {"epsilon": epsilon, "step_size": step_size}
    with frozen(model):
        assert torch.equal(
            attack_tasks(model, images, labels, EACH_ALONE, steps=steps, noise=noise, **how),
            attack_tasks(model, images, labels, EACH_ALONE, steps=0, noise=noise, **how),
        )
        still = attack_tasks(model, images, labels, EACH_ALONE, steps=steps, **how)
    assert torch.equal(still, images.expand(3, *images.shape))


@pytest.mark.parametrize("name", ["alexnet", "resnet18"])
def test_dropout_is_off_and_norms_learn_nothing(name: str) -> None:
    model, (images, labels) = small_network(name), small_batch(name)
    before = deepcopy(model.state_dict())
    how = {"epsilon": 0.1, "step_size": 0.05, "steps": 3}
    with frozen(model):
        one, other = (attack_tasks(model, images, labels, [[0]], **how) for _ in range(2))
    assert torch.equal(one, other)
    assert all(torch.equal(tensor, before[key]) for key, tensor in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert model.training


def test_bfloat16_is_another_method_and_the_images_stay_float32() -> None:
    model, (images, labels) = small_network("lenet"), small_batch("lenet", n=50)
    how = {"epsilon": 0.2, "step_size": 0.05, "steps": 4}
    with frozen(model):
        exact = attack_tasks(model, images, labels, [[0]], **how)
        rough = attack_tasks(model, images, labels, [[0]], precision="bfloat16", **how)
        gradients = [input_gradient(model, images, labels, [[0]], precision) for precision in ("float32", "bfloat16")]
    assert rough.dtype == torch.float32
    assert not torch.equal(rough, exact)
    assert torch.cosine_similarity(*(gradient.flatten() for gradient in gradients), dim=0) > 0.98
    assert (rough - images).abs().max() <= 0.2 + 1e-6


def test_the_images_themselves_are_left_alone() -> None:
    model, (images, labels) = small_network("lenet"), small_batch("lenet")
    before = images.clone()
    with frozen(model):
        for noise in (None, torch.rand(1, *images.shape)):
            attack_tasks(model, images, labels, [[0]], epsilon=0.3, step_size=0.1, steps=2, noise=noise)
    assert torch.equal(images, before)
