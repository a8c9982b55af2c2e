"""S1's losses: golden values on fixed logits, and where their gradients point (methods.md, 1.8)."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from trainables.counterfactual_gan.training.losses import (
    classification_loss,
    cycle_loss,
    discriminator_loss,
    generator_loss,
    sameness_loss,
    sparsity_loss,
)

P = torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.25, 0.5, 0.25]], dtype=torch.float64)
LABELS = torch.tensor([0, 1, 1])
SEEN_THROUGH = torch.tensor([[0.01, 0.01, 0.98]], dtype=torch.float64)
ln = math.log


def gradient(p: Tensor, form: str, label: int = 0) -> list[float]:
    """By logit; of an expectation over one image of one class."""
    logits = p.log().clone().requires_grad_()
    generator_loss(logits, torch.tensor([label]), form).backward()  # type: ignore[arg-type, no-untyped-call]
    assert logits.grad is not None
    return [round(value, 4) for value in logits.grad[0].tolist()]


def test_the_discriminators_loss_is_three_expectations() -> None:
    real, generated = P, torch.tensor([[0.3, 0.3, 0.4], [0.2, 0.0 + 0.6, 0.2]], dtype=torch.float64)
    found = discriminator_loss(real.log(), generated.log(), LABELS)
    assert float(found) == pytest.approx(-ln(0.7) - (ln(0.6) + ln(0.5)) / 2 - (ln(0.4) + ln(0.2)) / 2, rel=1e-12)
    plain = discriminator_loss(real.log(), generated.log(), LABELS, "mean")
    assert float(plain) == pytest.approx(-3 / 5 * (ln(0.7) + ln(0.6) + ln(0.5) + ln(0.4) + ln(0.2)), rel=1e-12)


def test_the_generators_loss_in_its_three_forms() -> None:
    flip = generator_loss(P.log(), LABELS, "flip")
    assert float(flip) == pytest.approx(-ln(0.2) - (ln(0.1) + ln(0.25)) / 2, rel=1e-12)
    two = generator_loss(P.log(), LABELS, "two_term")
    away = -ln(0.3) - (ln(0.4) + ln(0.5)) / 2 - (ln(0.9) + ln(0.7) + ln(0.75)) / 3
    assert float(two) == pytest.approx(away, rel=1e-12)
    printed = generator_loss(P.log(), LABELS, "printed")
    assert float(printed) == pytest.approx(
        ln(0.7) + (ln(0.6) + ln(0.5)) / 2 + (ln(0.1) + ln(0.3) + ln(0.25)) / 3, rel=1e-12
    )


def test_a_step_down_the_sound_forms_lowers_fake_and_the_printed_one_raises_it() -> None:
    assert gradient(SEEN_THROUGH, "flip") == [0.01, -0.99, 0.98]
    own, other, fake = gradient(SEEN_THROUGH, "two_term")
    assert own == pytest.approx(-0.48, abs=0.01)
    assert other == pytest.approx(-0.49, abs=0.01)
    assert fake == pytest.approx(0.97, abs=0.01)
    assert gradient(SEEN_THROUGH, "printed") == [0.98, -0.02, -0.96], "down is: own class down, and fake up"


def test_no_form_but_the_printed_one_falls_without_end() -> None:
    sure = torch.tensor([[-200.0, 200.0, -200.0]], dtype=torch.float64)
    for form in ("flip", "two_term"):
        assert float(generator_loss(sure, torch.tensor([0]), form)) == pytest.approx(0, abs=1e-12)  # type: ignore[arg-type]
        assert math.isfinite(float(generator_loss(-sure, torch.tensor([0]), form)))  # type: ignore[arg-type]
    assert float(generator_loss(sure, torch.tensor([0]), "printed")) < -700


def test_half_cycles_go_there_and_back_and_never_ask_for_fake() -> None:
    there, back = P.log(), P.flip(0).log()
    whole = float(cycle_loss([there, back], LABELS, lambda_c=0.5))
    second = -ln(0.25) - (ln(0.6) + ln(0.2)) / 2  # the own class: 0 of the first, 1 of the others
    assert whole == pytest.approx(float(generator_loss(there, LABELS)) + 0.5 * second, rel=1e-12)
    assert float(cycle_loss([there], LABELS)) == float(generator_loss(there, LABELS))


def test_the_printed_cycle_turns_its_sign() -> None:
    one = float(generator_loss(P.log(), LABELS, "printed"))
    assert float(cycle_loss([P.log()] * 2, LABELS, 1.0, "printed")) == pytest.approx(0, abs=1e-12)
    assert float(cycle_loss([P.log()] * 3, LABELS, 0.5, "printed")) == pytest.approx(one * (1 - 0.5 + 0.25), rel=1e-12)


def test_class_branch_and_sparsity() -> None:
    p = torch.tensor([[0.9, 0.1], [0.4, 0.6], [0.5, 0.5]], dtype=torch.float64)
    assert float(classification_loss(p.log(), LABELS)) == pytest.approx(-ln(0.9) - (ln(0.6) + ln(0.5)) / 2, rel=1e-12)
    images = torch.zeros(2, 1, 2, 2)
    assert float(sparsity_loss(images, images + torch.tensor([0.1, 0.3]).view(2, 1, 1, 1))) == pytest.approx(0.2)


def test_a_batch_of_one_class_has_no_other_expectation() -> None:
    alone = torch.tensor([0, 0, 0])
    assert float(classification_loss(P[:, :2].log(), alone)) == pytest.approx(
        float(torch.nn.functional.cross_entropy(P[:, :2].log(), alone)), rel=1e-12
    )
    logits = P.log().clone().requires_grad_()
    generator_loss(logits, alone).backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert bool(logits.grad.isfinite().all())


def test_half_precision_is_computed_in_float32() -> None:
    exact = discriminator_loss(P.log(), P.log(), LABELS)
    found = discriminator_loss(P.log().bfloat16(), P.log().bfloat16(), LABELS)
    assert found.dtype == torch.float32
    assert float(found) == pytest.approx(float(exact), rel=0.01)


def changed_by(changes: Tensor, labels: list[int]) -> Tensor:
    images = torch.full((len(labels), 1, 2, 2), 0.5, dtype=torch.float64)
    return sameness_loss(images, images + changes, torch.tensor(labels))


def test_sameness_is_of_undamaged_images_alone() -> None:
    alike = torch.zeros(4, 1, 2, 2, dtype=torch.float64)
    alike[:, 0, 0, 0] = -0.2
    assert float(changed_by(alike, [0, 0, 0, 0])) == pytest.approx(1.0)
    apart = torch.zeros(4, 1, 2, 2, dtype=torch.float64)
    apart[torch.arange(4), 0, torch.arange(4) // 2, torch.arange(4) % 2] = -0.2
    assert float(changed_by(apart, [0, 0, 0, 0])) == pytest.approx(0.25), "1 / n where no two changes meet"
    mixed = torch.cat([apart[:2], alike[2:]])
    assert float(changed_by(mixed, [0, 0, 1, 1])) == pytest.approx(0.5), "damage may be taken away alike"
    assert float(changed_by(alike, [1, 1, 1, 1])) == 0.0
    assert float(changed_by(torch.zeros_like(alike), [0, 0, 0, 0])) == 0.0


def test_sameness_of_half_precision_is_summed_in_full() -> None:
    """Squared changes of large images are beyond what 16 bits hold."""
    images = torch.zeros(2, 3, 256, 256, dtype=torch.float16)
    changes = torch.full_like(images, 0.9)
    assert float(sameness_loss(images, changes, torch.tensor([0, 0]))) == pytest.approx(1.0, rel=1e-3)


def test_sameness_pushes_changes_apart_and_leaves_damaged_images_alone() -> None:
    draw = torch.Generator().manual_seed(2)
    images = torch.full((6, 1, 4, 4), 0.5, dtype=torch.float64)
    common = torch.rand(1, 1, 4, 4, generator=draw, dtype=torch.float64)
    changes = (common + 0.3 * torch.rand(6, 1, 4, 4, generator=draw, dtype=torch.float64)).requires_grad_()
    labels = torch.tensor([0, 0, 0, 0, 1, 1])
    before = sameness_loss(images, images + changes, labels)
    before.backward()  # type: ignore[no-untyped-call]
    assert changes.grad is not None
    assert bool((changes.grad[4:] == 0).all())
    after = sameness_loss(images, images + (changes - changes.grad).detach(), labels)
    assert float(after) < float(before.detach())
