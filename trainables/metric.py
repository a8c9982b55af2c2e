"""The meaning of a reported number: its better direction, its unit, and its role for a model. Imports no torch."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

Direction = Literal["maximize", "minimize"]

Role = Literal["", "clean", "robust", "excess", "loss", "samples", "ladder start", "ladder rung", "corruption"]
"""The role of a metric (see `Metric`); empty for one that is only reported."""

METRIC_NAME = re.compile(r"(train|validation|test)/[a-z][a-z0-9_]*(\.[a-z0-9_]+)*")

FRACTION = "fraction"
"""The unit of shares of 1 and of differences between them."""

FRACTIONS = ("accuracy", "rate", "iou", "dice", "f1", "precision", "recall", "validity", "fraction", "share")
NO_FRACTIONS = ("percent", "percentage", "pct", "points")
DIFFERENCES = frozenset(("gap", "difference", "change", "drop", "gain", "loss", "above", "below", "over", "minus"))
SMALLER_IS_BETTER = ("loss", "error", "distance", "gap", "fid", "ece", "nll", "brier", "seconds")


@dataclass(frozen=True)
class Metric:
    """A metric as its trainable declares it in `METRICS`, under its name.

    `unit`: `fraction` for a share of 1 or a difference of two, which are shown in per cent and whose differences are in
    points; any other is shown as written. `low`, `high`: the least and the greatest value that it can have; for a
    fraction 0 and 1 by default, which a difference of two must change. `scale`: the scale on which steps of equal
    length mean equally much. `shown`: whether it is for people, or only for programs. `reproducible`: whether the same
    seed gives the same value; seconds aren't. `label`: its name in tables, if it differs. `chance`: the value of a
    model that guesses, `classes` for one divided by the dataset's classes; None if no model can guess.
    `best_minus_last`: the name of a metric; this one is how much better the checkpoint that validation chose is than
    the last one. It is not reported, but filled in if both were tested.

    `role`: its meaning among the metrics of its split: `clean`, the accuracy on unchanged data;
    `robust`, that under attack: under `attack`, or the `worst_case` of all that were run, and `clean` is the name of
    the metric that it can't exceed; `excess`, how much some robust accuracy nevertheless exceeds the clean one;
    `samples`, their number; `loss`, what training minimises; `ladder start`, the worst case of the samples that a
    budget ladder continues to attack, and `ladder rung`, what each larger budget leaves of it, in the order of
    declaration; `corruption`, the accuracy on images that were changed in one way that no adversary chose.
    """

    direction: Direction
    unit: str = ""
    role: Role = ""
    attack: str = ""
    worst_case: bool = False
    clean: str = ""
    scale: Literal["linear", "log", "logit"] = "linear"
    low: float | None = None
    high: float | None = None
    shown: bool = True
    reproducible: bool = True
    label: str = ""
    chance: float | Literal["classes"] | None = None
    best_minus_last: str = ""
    name: str = ""
    """Its key in `METRICS`; a declaration leaves it out."""

    def __str__(self) -> str:
        return self.name

    @property
    def split(self) -> str:
        """`train`, `validation` or `test`."""
        return self.name.partition("/")[0]

    @property
    def is_fraction(self) -> bool:
        """Whether it is a share of 1, or a difference of two."""
        return self.unit == FRACTION

    @property
    def bounds(self) -> tuple[float, float] | None:
        """The least and the greatest value that it can have; None if one of them is unknown."""
        low, high = (0.0, 1.0) if self.is_fraction else (None, None)
        low, high = (low if self.low is None else self.low, high if self.high is None else self.high)
        return None if low is None or high is None else (low, high)

    def cost(self, value: float) -> float:
        """The value, negated if larger is better: the better of two costs less."""
        return -value if self.direction == "maximize" else value


@lru_cache(maxsize=4096)  # asked of every metric of every trial
def complete_metric(name: str, declared: Metric | Direction | None = None) -> Metric:
    """The metric called `name`; what a bare direction, or no declaration at all, leaves open follows from the name.

    This is the only place that interprets names. In `SPLIT/MEASURE.DETAIL` the words of the measure, which
    underscores separate, decide: it is a fraction if one of them ends like those of `FRACTIONS` and none like those of
    `NO_FRACTIONS`, and goes down to -1 if one, also of the detail, is in `DIFFERENCES`. Smaller is better if one
    ends like those of `SMALLER_IS_BETTER`. A measure called `accuracy` or `clean_accuracy` is the clean one,
    `robust_accuracy.ATTACK` robust, both with the chance of the classes, and `MEASURE.worst_case` the worst case;
    `robust_above_clean`, `loss`, `samples`, `budget_ladder.declared` and `budget_ladder.steps_100` have the roles that
    they speak of.
    """
    if isinstance(declared, Metric):
        return replace(declared, name=name)
    split, _, rest = name.rpartition("/")
    measure, _, detail = rest.partition(".")
    words = measure.split("_")
    smaller = any(word.endswith(SMALLER_IS_BETTER) for word in words)
    direction = declared or ("minimize" if smaller else "maximize")
    metric = Metric(direction, worst_case=detail == "worst_case", name=name)
    if any(word.endswith(FRACTIONS) for word in words) and not any(word.endswith(NO_FRACTIONS) for word in words):
        low = -1.0 if DIFFERENCES & {*words, *detail.replace(".", "_").split("_")} else None
        metric = replace(metric, unit=FRACTION, low=low)
    match measure:
        case "accuracy" | "clean_accuracy" if not detail:
            return replace(metric, role="clean", chance="classes")
        case "robust_accuracy" if metric.worst_case:
            return replace(metric, role="robust", chance="classes", clean=f"{split}/clean_accuracy")
        case "robust_accuracy" if not detail.startswith("worst_case"):  # the ends of its interval are not accuracies
            return replace(metric, role="robust", chance="classes", attack=detail, clean=f"{split}/clean_accuracy")
        case "robust_above_clean":
            return replace(metric, role="excess", unit=FRACTION)
        case "loss" | "samples" if not detail:
            return replace(metric, role=measure)
        case "budget_ladder" if detail == "declared":
            return replace(metric, role="ladder start", unit=FRACTION)
        case "budget_ladder":
            return replace(metric, role="ladder rung", unit=FRACTION, label=_rung(detail))
        case _:
            return metric


def _rung(detail: str) -> str:
    """`1,000 steps` of `steps_1000`."""
    kind, _, count = detail.rpartition("_")
    return f"{int(count):,} {kind.replace('_', ' ')}" if kind and count.isdigit() else detail
