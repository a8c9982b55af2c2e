"""The analyses of a tested network, one in each file of `analyses`, and what they need. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import trainables.adversarial_training.analyses as analyses
from trainables.adversarial_training.analysis import (
    CORRUPTED,
    EXPLANATIONS,
    MOST_ANALYSED,
    NETWORK,
    PERTURBATIONS,
    RETRAINED,
    SHARED_STARTS,
    SHIFTED,
    TRAINING,
    TestedBatch,
)
from trainables.adversarial_training.attacks.costs import FORWARD_AND_ALL, FORWARD_AND_INPUT
from trainables.datasets.config import known_facts, own_size
from trainables.datasets.corruptions.constants import LEAST_SIDE
from trainables.datasets.registry import KNOWN
from trainables.discovery import discover
from trainables.evaluation.analysis import Analysis, AnalysisTable, Provision, costs_nothing
from trainables.interpretability.attributions import METHODS


def _attacks(config: Any, tested: int, per_image: int) -> Mapping[str, float]:
    return {NETWORK: FORWARD_AND_INPUT * min(tested, MOST_ANALYSED) * per_image * config.attack_steps}


def _maps(config: Any, tested: int) -> Mapping[str, float]:
    passes = sum(METHODS[name].passes for name in config.attributions)
    return {NETWORK: FORWARD_AND_INPUT * min(tested, config.explained_images) * passes}


UNKNOWN_IMAGES = 5_000
"""Training images assumed of one's own data."""


def _retrained(config: Any, tested: int) -> Mapping[str, float]:
    facts = known_facts(config.dataset)
    images = facts.train if facts is not None else UNKNOWN_IMAGES
    trained = min(config.train_size or images, images)
    passes = sum(METHODS[name].passes for name in config.attributions)
    trainings = 2 * len(config.attributions) * config.epochs * FORWARD_AND_ALL
    return {NETWORK: trained * trainings + (trained + tested) * FORWARD_AND_INPUT * passes}


def _without_tasks(config: Any) -> str:
    return "" if config.tasks else "compare tasks; add auxiliary tasks"


def _forward(config: Any, tested: int) -> Mapping[str, float]:
    return {NETWORK: float(min(tested, MOST_ANALYSED))}


def _without_other_classes(config: Any) -> str:
    """Why a configuration can't have a shift of domain, as far as its dataset's facts show."""
    if config.shift_dataset is None:
        return "need a dataset to shift to; give shift_dataset, such as shift_dataset: mnist with dataset: digits"
    own, other = known_facts(config.dataset), known_facts(config.shift_dataset)
    if own is not None and other is not None and own.classes != other.classes:
        alike = [name for name, known in KNOWN.items() if known.facts.classes == own.classes and known.facts != own]
        right = (
            f"{' and '.join(', '.join(alike).rsplit(', ', 1))} have the same"
            if alike
            else "no known dataset has the same"
        )
        return f"need a shift_dataset with the classes of the dataset, and its classes differ; {right}"
    return ""


def _too_small_to_corrupt(config: Any) -> str:
    facts = known_facts(config.dataset)
    side = config.image_size or own_side(config.dataset) or (min(facts.shape[1:]) if facts is not None else LEAST_SIDE)
    if side >= LEAST_SIDE:
        return ""
    return f"need images of at least {LEAST_SIDE} pixels a side, not {side}; set image_size: {LEAST_SIDE} or more"


def own_side(dataset: Any) -> int | None:
    """The shorter side of the size that a dataset's own description asks for."""
    size = own_size(dataset)
    side: int | None = min(size) if isinstance(size, tuple | list) else size
    return side


ANALYSES: AnalysisTable[TestedBatch] = AnalysisTable(
    discover(analyses, Analysis),
    {
        # η₀ … η_M, and that of all tasks jointly
        PERTURBATIONS: Provision(lambda config, n: _attacks(config, n, 2 + len(config.tasks)), _without_tasks),
        SHARED_STARTS: Provision(lambda config, n: _attacks(config, n, len(config.tasks)), _without_tasks),
        EXPLANATIONS: Provision(_maps),
        RETRAINED: Provision(_retrained),
        TRAINING: Provision(_forward),
        SHIFTED: Provision(_forward, _without_other_classes),
        CORRUPTED: Provision(costs_nothing, _too_small_to_corrupt),
    },
)
