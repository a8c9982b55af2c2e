"""Honest networks pass: at most one of sixty fails, with the exact bound of what that shows."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.support.honest import honest_subject
from trainables.contract import CheckItem
from trainables.evaluation.checklist import CHECKS, run_checklist
from trainables.evaluation.checklist.bounds import upper_bound

EPSILONS = (0.1, 0.15, 0.2)


def failing(found: list[CheckItem]) -> list[str]:
    return [f"{check.item}: {check.says}" for check in found if check.verdict == "fail"]


def test_an_honest_network_passes_every_item() -> None:
    found = run_checklist(honest_subject())
    assert [check.item for check in found] == list(CHECKS)
    assert {check.verdict for check in found} <= {"pass", "not run"}, [
        c for c in found if c.verdict in ("warn", "fail")
    ]
    assert {check.item for check in found if check.verdict == "not run"} == {"heads", "rejection", "transfer_failure"}
    for check in found:
        assert check.says
        assert all(isinstance(value, float) and not math.isinf(value) for value in check.numbers.values())


def test_the_same_subject_gets_the_same_verdicts_and_numbers() -> None:
    subject = honest_subject(images=60)
    assert run_checklist(subject) == run_checklist(subject)


@pytest.mark.slow
def test_of_sixty_honest_networks_of_digits_one_fails_at_most() -> None:
    failed = {}
    for seed in range(60):
        epsilon = EPSILONS[seed % len(EPSILONS)]
        subject = honest_subject(seed, epsilon=epsilon, attack_epsilon=epsilon, epochs=4 + seed % 3)
        if found := failing(run_checklist(subject)):
            failed[seed] = found
    assert len(failed) <= 1, failed
    assert upper_bound(len(failed), 60, 0.95) < 0.08, "what 0 or 1 of 60 excludes"


@pytest.mark.slow
def test_of_twenty_honest_networks_of_mnist_none_fails(real_data: Path) -> None:
    failed = {}
    for seed in range(20):
        epsilon = (0.1, 0.2, 0.3)[seed % 3]
        subject = honest_subject(
            seed,
            200,
            str(real_data),
            dataset="mnist",
            epsilon=epsilon,
            attack_epsilon=epsilon,
            train_size=5_000,
            epochs=10,
        )
        if found := failing(run_checklist(subject)):
            failed[seed] = found
    assert not failed, failed
