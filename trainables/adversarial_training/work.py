"""How much a trial computes and stores, known before anything runs. Imports no torch."""

from __future__ import annotations

from trainables.adversarial_training.config import Config
from trainables.datasets.config import DIGIT_NAMES, Facts, known_facts
from trainables.datasets.tasks import resolve_task

FORWARD_AND_INPUT = 2
"""A step of an attack costs a forward pass and the gradient of the images: twice the forward pass."""
FORWARD_AND_ALL = 3
"""A training step also takes the gradients of the weights."""

UNKNOWN = Facts(title="own data", shape=(3, 32, 32), classes=DIGIT_NAMES, train=5_000, test=1_000)
"""Assumed of data that hasn't been looked at."""

STATE_EXTRAS = 14_000
"""Bytes of a stored state beside its tensors: their names, and the container's."""


def estimate(config: Config) -> tuple[float, int]:
    """Multiply-adds of a whole trial, evaluation included, and bytes of one stored state."""
    trained, attacked = passes(config)
    macs, parameters = network_size(config)
    copies = 3 if config.optimizer == "adam" else 2 if config.momentum else 1
    operations = macs * (FORWARD_AND_ALL * trained + FORWARD_AND_INPUT * attacked)
    return operations, 4 * copies * parameters + STATE_EXTRAS


def passes(config: Config) -> tuple[float, float]:
    """How many single images a trial trains on, and how many steps of attacks on single images it takes."""
    facts = known_facts(config.dataset) or UNKNOWN
    held_out = config.validation_fraction * min(config.train_size or facts.train, facts.train)
    trained = config.epochs * min(config.train_size or facts.train, facts.train - held_out)
    tested = min(config.test_size or facts.test, facts.test)
    attacked_tasks = 1 + len(config.tasks) if config.perturbation == "mp" else 1
    evaluation = len(config.attacks) * config.attack_restarts * config.attack_steps
    return trained, trained * attacked_tasks * config.steps + (config.epochs * held_out + tested) * evaluation


def network_size(config: Config) -> tuple[int, int]:
    """Multiply-adds of the LeNet's forward pass for one image, and how many parameters it has."""
    facts = known_facts(config.dataset) or UNKNOWN
    channels, height, breadth = facts.shape
    if not isinstance(config.dataset, str) and config.dataset.height_width is not None:
        height, breadth = config.dataset.height_width
    outputs = len(facts.classes) + sum(_labels(name, labels, facts) for name, labels in config.tasks.items())
    first, second, hidden = 2 * config.width, 4 * config.width, 64 * config.width
    pooled = (height // 2) * (breadth // 2)
    flat = second * (height // 4) * (breadth // 4)
    weights = [25 * channels * first, 25 * first * second, flat * hidden, hidden * outputs]
    macs = weights[0] * height * breadth + weights[1] * pooled + weights[2] + weights[3]
    return macs, sum(weights) + first + second + hidden + outputs


def _labels(name: str, labels: dict[str, int | str], facts: Facts) -> int:
    """How many labels a task tells apart; of own data, whose classes aren't known yet, as many as its mapping names."""
    return len(set(labels.values())) if labels else resolve_task(name, labels, facts.classes).classes
