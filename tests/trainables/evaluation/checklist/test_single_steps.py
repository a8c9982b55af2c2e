"""Catastrophic overfitting, really trained: FGSM from the images themselves is all that training takes."""

from __future__ import annotations

from dataclasses import replace

from tests.support.honest import honest_subject
from trainables.evaluation.checklist import CHECKS, Context, Evidence


def test_overfitting_to_single_steps_is_caught_by_its_gradients() -> None:
    # with fewer epochs or a narrower network it hangs on the machine's rounding how far the overfitting has come
    subject = honest_subject(
        epsilon=0.3, attack_epsilon=0.3, epochs=30, epsilon_warmup=8, lr=6e-3, width=12,
        steps=1, step_size=0.3, random_start=False,
    )  # fmt: skip
    check = CHECKS["gradients"](Evidence(subject))
    assert check.numbers["of_them_fooled_by_pgd"] > 0.8 * check.numbers["withstand_fgsm"], "it did overfit"
    assert check.verdict == "fail"
    assert "single steps" in check.says


def test_a_gap_between_the_trainings_attack_and_pgd_is_caught() -> None:
    honest = honest_subject()
    held = CHECKS["gradients"](Evidence(replace(honest, context=Context(training_accuracy=0.6))))
    gap = CHECKS["gradients"](Evidence(replace(honest, context=Context(training_accuracy=0.99))))
    assert held.verdict == "pass"
    assert gap.verdict == "fail"
