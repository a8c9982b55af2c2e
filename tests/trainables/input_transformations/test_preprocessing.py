"""Transformations of input: what they do, what stands for their gradient, and that attacks go through them."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.ndimage import gaussian_filter, median_filter
from torch import Tensor, nn

from tests.support.honest import honest_subject
from tests.support.small_networks import small_batch, small_network
from tests.support.waiting import PROCESS_SECONDS
from trainables.attacks.frozen import frozen
from trainables.evaluation.checklist import CHECKS, Evidence, Subject
from trainables.input_transformations.preprocessing import Preprocessing
from trainables.input_transformations.straight_through import clamped, rounded
from trainables.input_transformations.strengths import Strengths
from trainables.input_transformations.table import TRANSFORMATIONS
from trainables.models.multi_task import MultiTaskNetwork

RANDOM = [name for name, kind in TRANSFORMATIONS.items() if kind.is_random]
FIXED = [name for name, kind in TRANSFORMATIONS.items() if not kind.is_random]
SIZES = Strengths(jpeg_quality=30, blur_sigma=0.8, median_size=3, squeezed_bits=2, preprocessing_noise=0.2)


def preprocessing(kind: str, draws: int = 4, *, in_training: bool = True, **given: Any) -> Preprocessing:
    return Preprocessing(kind, replace(SIZES, **given), draws=draws, in_training=in_training)


def grey_images(n: int = 4) -> Tensor:
    return small_batch("lenet", n=n)[0]


def network_with(kind: str, **given: Any) -> MultiTaskNetwork:
    model = small_network("lenet", classes=(10,))
    model.preprocessing = preprocessing(kind, **given)
    return model.eval()


def test_there_are_those_that_s0_names() -> None:
    assert {"jpeg", "gaussian_blur", "median_filter", "bit_depth"} <= {*FIXED}
    assert {*RANDOM} == {"random_noise", "random_resize"}


def test_bit_depth_leaves_as_many_levels() -> None:
    images = grey_images()
    squeezed = preprocessing("bit_depth").eval()(images)
    assert sorted({round(value, 5) for value in squeezed.flatten().tolist()}) == pytest.approx(
        [0, 1 / 3, 2 / 3, 1], abs=1e-4
    )
    assert float((squeezed - images).abs().max()) <= 1 / 6 + 1e-6


def test_medians_are_scipys() -> None:
    images = grey_images()
    ours = preprocessing("median_filter").eval()(images)
    theirs = [median_filter(image[0].numpy(), size=3, mode="mirror") for image in images]
    assert np.allclose(ours[:, 0].numpy(), np.stack(theirs))


def test_the_blur_is_scipys() -> None:
    images = grey_images()
    ours = preprocessing("gaussian_blur").eval()(images)
    theirs = [gaussian_filter(image[0].double().numpy(), 0.8, mode="mirror", truncate=3.75) for image in images]
    assert np.allclose(ours[:, 0].numpy(), np.stack(theirs), atol=1e-5)


def test_resizing_keeps_the_frame_and_moves_what_is_in_it() -> None:
    module = preprocessing("random_resize", resize_share=0.5).train()
    images = torch.ones(2, 1, 8, 8)
    sizes = set()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for _ in range(30):
            moved = module(images)
            assert moved.shape == images.shape
            sizes.add(int((moved[0] > 0.99).sum()))
    assert 4 * 4 <= min(sizes) < max(sizes) <= 8 * 8


def test_what_has_no_gradient_takes_that_of_the_identity() -> None:
    values = torch.tensor([-0.6, 0.2, 1.7]).requires_grad_()
    slopes = torch.tensor([2.0, 3.0, 5.0])
    for replaced in (rounded(values), clamped(values, 0, 1)):
        values.grad = None
        (replaced * slopes).sum().backward()
        assert torch.equal(values.grad, slopes)  # type: ignore[arg-type]
    assert rounded(values).tolist() == [-1, 0, 2]
    assert clamped(values, 0, 1).tolist() == pytest.approx([0, 0.2, 1])


def test_the_backward_pass_of_bit_depth_is_the_identity_and_of_medians_the_mean() -> None:
    images = grey_images().requires_grad_()
    slopes = torch.randn(images.shape, generator=torch.Generator().manual_seed(1))
    (preprocessing("bit_depth").eval()(images) * slopes).sum().backward()
    torch.testing.assert_close(images.grad, slopes)
    images.grad = None
    preprocessing("median_filter").eval()(images)[:, :, 4, 4].sum().backward()
    expected = torch.zeros(8, 8)
    expected[3:6, 3:6] = 1 / 9
    torch.testing.assert_close(images.grad[0, 0], expected)  # type: ignore[index]


@pytest.mark.parametrize("kind", list(TRANSFORMATIONS))
def test_no_image_is_left_without_gradient(kind: str) -> None:
    model, images = network_with(kind), grey_images().requires_grad_()
    with frozen(model):
        F.cross_entropy(model(images)[0], torch.zeros(len(images), dtype=torch.int64)).backward(inputs=[images])
    assert (images.grad.flatten(1).abs().sum(1) > 0).all()  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", RANDOM)
def test_eot_averages_predictions_and_gradients_over_its_draws(kind: str) -> None:
    """Against a loop over the draws, each transformed by its own generator."""
    model, images = network_with(kind, draws=5), grey_images().requires_grad_()
    weights = torch.randn(10, generator=torch.Generator().manual_seed(2))
    (gradient,) = torch.autograd.grad((model(images)[0] * weights).sum(), images)
    logits, gradients = [], []
    for draw in range(5):
        generator = torch.Generator().manual_seed(20261121 + draw)
        transformed = TRANSFORMATIONS[kind].transform(SIZES, images, generator, False)
        own = model.heads[0](model.trunk(transformed))
        logits.append(own.detach())
        gradients.append(torch.autograd.grad((own * weights).sum(), images)[0])
    torch.testing.assert_close(model(images)[0].detach(), torch.stack(logits).mean(0))
    torch.testing.assert_close(gradient, torch.stack(gradients).mean(0))
    assert not torch.allclose(gradients[0], gradients[1])
    assert not torch.allclose(logits[0], logits[1])


@pytest.mark.parametrize("kind", list(TRANSFORMATIONS))
def test_a_tested_network_is_deterministic_and_judges_each_image_by_itself(kind: str) -> None:
    model, images = network_with(kind), grey_images()
    with torch.no_grad():
        together = model(images)[0]
        assert torch.equal(together, model(images)[0])
        alone = torch.cat([model(image[None])[0] for image in images])
    torch.testing.assert_close(together, alone)
    assert model.state_dict().keys() == small_network("lenet", classes=(10,)).state_dict().keys()


@pytest.mark.parametrize("kind", RANDOM)
def test_training_draws_anew_each_time(kind: str) -> None:
    module, images = preprocessing(kind).train(), grey_images()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        first, second = module(images), module(images)
        torch.manual_seed(0)
        again = module(images)
    assert not torch.equal(first, second)
    assert torch.equal(first, again)


@pytest.mark.parametrize("kind", list(TRANSFORMATIONS))
def test_a_network_that_is_tested_alone_with_it_is_trained_without(kind: str) -> None:
    model, images = network_with(kind, in_training=False), grey_images()
    plain = small_network("lenet", classes=(10,)).train()
    assert torch.equal(model.train()(images)[0], plain(images)[0])
    assert not torch.allclose(model.eval()(images)[0], plain.eval()(images)[0])


def test_a_network_that_was_built_imports_nothing_more_when_it_is_used() -> None:
    """Else an exported folder, which has the code that loading a network imports, could not use it."""
    code = """
import sys, torch
from trainables.input_transformations.preprocessing import Preprocessing
from trainables.input_transformations.strengths import Strengths
from trainables.input_transformations.table import TRANSFORMATIONS
made = [Preprocessing(name, Strengths(), draws=2, in_training=True).eval() for name in TRANSFORMATIONS]
before = set(sys.modules)
for one in made:
    one(torch.rand(2, 3, 16, 16))
print(*sorted(name for name in set(sys.modules) - before if name.startswith("trainables")))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=PROCESS_SECONDS
    )
    assert done.stdout.split() == []


class Masked(nn.Module):
    """A network behind coarse rounding, through which no gradient goes."""

    def __init__(self, inner: Any) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, images: Tensor) -> Any:
        return self.inner((images * 7).round() / 7)


class Attackable(Masked):
    """The same, attacked through by BPDA."""

    def forward(self, images: Tensor) -> Any:
        return self.inner(preprocessing("bit_depth", squeezed_bits=3).eval()(images))


@pytest.fixture(scope="module")
def honest() -> Subject:
    subject = honest_subject()
    return replace(subject, images=subject.images[:50], labels=subject.labels[:50])


@pytest.mark.long
def test_the_checklist_flags_a_transformation_that_masks_gradients_and_not_one_with_bpda(honest: Subject) -> None:
    verdicts = {}
    for wrapped in (Masked, Attackable):
        evidence = Evidence(replace(honest, forward=wrapped(honest.forward).eval()))
        verdicts[wrapped] = {
            item: CHECKS[item](evidence).verdict for item in ("unavailable_gradients", "black_box", "epsilon_sweep")
        }
    assert verdicts[Masked]["unavailable_gradients"] == "fail"
    assert verdicts[Attackable]["unavailable_gradients"] == "pass"
    assert verdicts[Attackable]["epsilon_sweep"] == "pass"


def test_what_masking_hides_bpda_finds(honest: Subject) -> None:
    """PGD leaves the masked network nearly as it was, and breaks about as much of the other as of the plain one."""
    broken = {}
    networks = {"plain": honest.forward, "masked": Masked(honest.forward), "bpda": Attackable(honest.forward)}
    for name, forward in networks.items():
        evidence = Evidence(replace(honest, forward=forward))
        broken[name] = int((evidence.right & evidence.pgd_long.fooled).sum())
    assert broken["bpda"] > 3 * broken["masked"]
    assert broken["bpda"] > 0.6 * broken["plain"]
