"""The analyses of a tested network, one to a file of `analyses`, and what is made for them. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import trainables.adversarial_training.analyses as analyses
from trainables.adversarial_training.analysis import (
    EXPLANATIONS,
    MOST_ANALYSED,
    NETWORK,
    PERTURBATIONS,
    RETRAINED,
    SHARED_STARTS,
    TestedBatch,
)
from trainables.adversarial_training.attacks.costs import FORWARD_AND_ALL, FORWARD_AND_INPUT
from trainables.datasets.config import known_facts
from trainables.discovery import discover
from trainables.evaluation.analysis import Analysis, AnalysisTable, Provision
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


ANALYSES: AnalysisTable[TestedBatch] = AnalysisTable(
    discover(analyses, Analysis),
    {
        # η₀ … η_M, and that of all tasks jointly
        PERTURBATIONS: Provision(lambda config, n: _attacks(config, n, 2 + len(config.tasks)), _without_tasks),
        SHARED_STARTS: Provision(lambda config, n: _attacks(config, n, len(config.tasks)), _without_tasks),
        EXPLANATIONS: Provision(_maps),
        RETRAINED: Provision(_retrained),
    },
)
