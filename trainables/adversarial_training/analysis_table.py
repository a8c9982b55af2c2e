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
    SHARED_STARTS,
    TestedBatch,
)
from trainables.adversarial_training.attacks.costs import FORWARD_AND_INPUT
from trainables.discovery import discover
from trainables.evaluation.analysis import Analysis, AnalysisTable, Provision
from trainables.interpretability.attributions import METHODS


def _attacks(config: Any, tested: int, per_image: int) -> Mapping[str, float]:
    return {NETWORK: FORWARD_AND_INPUT * min(tested, MOST_ANALYSED) * per_image * config.attack_steps}


def _maps(config: Any, tested: int) -> Mapping[str, float]:
    passes = sum(METHODS[name].passes for name in config.attributions)
    return {NETWORK: FORWARD_AND_INPUT * min(tested, config.explained_images) * passes}


def _without_tasks(config: Any) -> str:
    return "" if config.tasks else "compare tasks; add auxiliary tasks"


ANALYSES: AnalysisTable[TestedBatch] = AnalysisTable(
    discover(analyses, Analysis),
    {
        # η₀ … η_M, and that of all tasks jointly
        PERTURBATIONS: Provision(lambda config, n: _attacks(config, n, 2 + len(config.tasks)), _without_tasks),
        SHARED_STARTS: Provision(lambda config, n: _attacks(config, n, len(config.tasks)), _without_tasks),
        EXPLANATIONS: Provision(_maps),
    },
)
