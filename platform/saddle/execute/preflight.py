"""What can be known to fail is found before anything starts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from saddle.study.models import Study
from saddle.study.trainables import load_trainable
from trainables.contract import InProcessRun, resolve


def check_data(studies: Sequence[Study], data_root: str | None) -> None:
    """Open every dataset the studies name, and let their trainables check it against the configuration.

    Raises `trainables.datasets.DataError` saying which file is absent or corrupt and what to do.
    """
    seen: set[str] = set()
    run = InProcessRun(data_root=data_root)
    for study in studies:
        trainable = load_trainable(study.trainable)
        if "dataset" not in trainable.Config.model_fields:
            continue
        for settings in _settings(study):
            config: Any = resolve(trainable, settings, study.recipe, study.scale).config
            facts = repr((config.dataset, getattr(config, "tasks", None)))
            if facts not in seen:
                seen.add(facts)
                check = getattr(trainable, "check", None)
                check(config, run) if check else run.data(config.dataset)


def _settings(study: Study) -> list[dict[str, Any]]:
    """The study's settings, and those with each level of its factors."""
    if study.ablation is None:
        return [study.settings]
    base = {**study.settings, **study.ablation.baseline}
    return [base, *({**base, factor: level} for factor, levels in study.ablation.factors.items() for level in levels)]
