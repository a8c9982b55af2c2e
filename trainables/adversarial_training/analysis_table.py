"""The analyses of a tested network, one to a file of `analyses`, and what is made for them. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import trainables.adversarial_training.analyses as analyses
from trainables.adversarial_training.analysis import MOST_ANALYSED, PERTURBATIONS, SHARED_STARTS, TestedBatch
from trainables.adversarial_training.attacks.costs import FORWARD_AND_INPUT
from trainables.discovery import discover
from trainables.evaluation.analysis import Analysis, AnalysisTable, Provision

NETWORK = "network"
"""What costs are counted of: passes of the one network that there is."""


def _attacks(config: Any, tested: int, per_image: int) -> Mapping[str, float]:
    return {NETWORK: FORWARD_AND_INPUT * min(tested, MOST_ANALYSED) * per_image * config.attack_steps}


def _without_tasks(config: Any) -> str:
    return "" if config.tasks else "compare tasks; add auxiliary tasks"


ANALYSES: AnalysisTable[TestedBatch] = AnalysisTable(
    discover(analyses, Analysis),
    {
        # η₀ … η_M, and that of all tasks jointly
        PERTURBATIONS: Provision(lambda config, n: _attacks(config, n, 2 + len(config.tasks)), _without_tasks),
        SHARED_STARTS: Provision(lambda config, n: _attacks(config, n, len(config.tasks)), _without_tasks),
    },
)
