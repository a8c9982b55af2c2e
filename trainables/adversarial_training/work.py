"""How much a trial computes, known before anything runs. Imports no torch."""

from __future__ import annotations

from trainables.adversarial_training.config import Config
from trainables.datasets.config import known_facts

UNKNOWN_SIZE = 5_000
"""Training images assumed of data that hasn't been looked at; a fifth of it for testing."""


def work(config: Config) -> float:
    """Forward and backward passes of single images in a whole trial, evaluation included."""
    facts = known_facts(config.dataset)
    available, tests = (facts.train, facts.test) if facts else (UNKNOWN_SIZE, UNKNOWN_SIZE // 5)
    held_out = config.validation_fraction * min(config.train_size or available, available)
    trained = min(config.train_size or available, available - held_out)
    attacked_tasks = 1 + len(config.tasks) if config.perturbation == "mp" else 1
    attack = len(config.attacks) * config.attack_restarts * config.attack_steps
    per_epoch = trained * (attacked_tasks * config.steps + 1) + held_out * attack
    return config.epochs * per_epoch + min(config.test_size or tests, tests) * attack
