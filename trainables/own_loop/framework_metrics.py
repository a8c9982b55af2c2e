"""What a framework has logged, under the names of the contract: `val_accuracy` as `validation/accuracy`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from trainables.contract import METRIC_NAME

SPLITS = {
    "train": "train", "training": "train",
    "val": "validation", "valid": "validation", "validation": "validation", "eval": "validation", "dev": "validation",
    "test": "test",
}  # fmt: skip
"""Prefixes of logged names, and the split that each means."""

PREFIX = re.compile(rf"({'|'.join(SPLITS)})[_/.-]+(?=.)", re.IGNORECASE)
NO_LETTER = re.compile(r"[^a-z0-9_.]+")


def metric_name(logged: str, split: str) -> str:
    """The name of the contract for a logged one; a name without a split is of `split`.

    `Val/F1-Score` is `validation/f1_score`. A name that doesn't begin with a letter gets the prefix `metric_`.
    """
    match = PREFIX.match(logged)
    name = logged[match.end() :] if match else logged
    name = NO_LETTER.sub("_", name.lower()).strip("._") or "metric"
    whole = f"{SPLITS[match[1].lower()] if match else split}/{name}"
    return whole if METRIC_NAME.fullmatch(whole) else f"{whole.partition('/')[0]}/metric_{name.replace('.', '_')}"


def contract_metrics(logged: Mapping[str, Any], split: str) -> dict[str, float]:
    """All numbers that were logged, under the names of the contract; raises `ValueError` if two would be one."""
    metrics: dict[str, float] = {}
    origins: dict[str, str] = {}
    for key, value in logged.items():
        name = metric_name(key, split)
        if name in origins:
            raise ValueError(f"{origins[name]!r} and {key!r} are both logged, and both are {name}; rename one")
        origins[name] = key
        metrics[name] = float(value)
    return metrics
