"""Adversarial training whose ranks print that they attack the test split."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainables import adversarial_training
from trainables.adversarial_training import METRICS, SELECTION, Config, evaluate, load, reevaluate, train
from trainables.contract import Report, Run

__all__ = ["METRICS", "SELECTION", "Config", "attack_test", "evaluate", "load", "reevaluate", "train"]


def attack_test(config: Config, state: Mapping[str, Any], run: Run) -> Report:
    print(f"attacked the test split as rank {run.rank} of {run.world_size}")
    return adversarial_training.attack_test(config, state, run)
