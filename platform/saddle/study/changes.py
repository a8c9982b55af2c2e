"""What of a study may change once it has run: how and where its trials are trained, not what they are.

Trials that ended under the old file count for the new one, so nothing may change that a trial's result, or the choice
of the next trial, rests on. Where and for how long trials run may change: a trial that hangs gets a time limit, a study
moves to a larger machine, a budget is raised or cut.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any

from pydantic import BaseModel

from saddle.study.models import Study


class Change(Enum):
    """How a field may differ from that of the study's earlier runs."""

    FREE = "free"
    RAISED = "raised"
    """A limit may be raised or taken away: what is done already can't be undone."""
    ADDED = "added"
    """Seeds may be added after those that there are, which stay in their order."""
    EXTENDED = "extended"
    """Units may be added; those that there are stay."""
    BY_ARMS = "by arms"
    """Anything that leaves the arms that were run unchanged: arms may be added (`saddle.archive.growth`)."""
    JUDGED = "judged"
    """How arms are compared; every change is kept and shown, unless looks have ended arms by it."""
    NEVER = "never"


SEEDS = "ablation.seeds"
"""Compared as the list of all seeds, in any form that the file gives them in."""
RELATION_SEEDS = "relation.seeds"
UNITS = "relation.units"
"""Compared as the list of all units, regardless of the families and levels that the file gives them by."""
WHOLE = (SEEDS, RELATION_SEEDS, UNITS)
"""What is compared as one value, not part by part."""

RULES = {
    "question": Change.FREE,
    "asks": Change.FREE,  # which of its hyperparameters the question is about
    "also": Change.FREE,  # which metrics are shown after the objectives
    "checkpoints": Change.FREE,  # which stay once their trials have ended
    "notify": Change.FREE,  # who is notified of its end
    "published": Change.FREE,  # values to compare with
    "nightly": Change.FREE,  # which seeds a night has; each is a separate run
    "budget.trials": Change.RAISED,
    "budget.hours": Change.FREE,
    "budget.gpu_hours": Change.FREE,
    "budget.failures_alike": Change.FREE,
    "budget.minutes_per_trial": Change.FREE,  # of trials that are still to end; the others stay unchanged
    "resources.concurrency": Change.FREE,
    "resources.slots": Change.FREE,
    "resources.cpus_per_worker": Change.FREE,
    "resources.gpus_per_worker": Change.FREE,
    "resources.trials_per_gpu": Change.FREE,
    "resources.sharing": Change.FREE,
    "resources.workers": Change.NEVER,  # a batch is shared among them, and they see other samples of it
    SEEDS: Change.ADDED,
    RELATION_SEEDS: Change.ADDED,
    UNITS: Change.EXTENDED,
    **dict.fromkeys(
        ("ablation.factors", "ablation.components", "ablation.exclude", "ablation.baseline"), Change.BY_ARMS
    ),
    "ablation.compare": Change.JUDGED,
    "ablation.compare.also": Change.FREE,  # described without a verdict
    "ablation.compare.mixed_model": Change.FREE,  # decides nothing
    # how the trials of a relation are analysed; every change is kept and shown (`study.history`)
    **dict.fromkeys(
        ("relation.gain.metric", "relation.gain.scale", "relation.gain.table", "relation.predictor", "relation.also",
         "relation.alpha"),
        Change.FREE,
    ),
    # the question itself, what is trained and measured, and what decides on the next trial
    **dict.fromkeys(
        ("study", "trainable", "recipe", "scale", "fixed", "evaluate", "search", "objective", "selected_by",
         "constraints", "sampler", "early_stopping", "ablation", "relation"),
        Change.NEVER,
    ),
}  # fmt: skip
"""The rule of each field, or of all below it; the longest name that fits counts."""


def rule_of(path: str) -> Change:
    """The rule of the field at a dotted path, such as `budget.hours`; raises `KeyError` if none was decided."""
    parts = path.split(".")
    for count in range(len(parts), 0, -1):
        name = ".".join(parts[:count])
        if name in RULES:
            return RULES[name]
    raise KeyError(path)


def may_become(rule: Change, old: Any, new: Any) -> bool:
    """Whether a value may change from `old` to `new`; None is an absent one."""
    return ALLOWED[rule](old, new)


def _raised(old: float | None, new: float | None) -> bool:
    return new is None or (old is not None and new >= old)


def _extended(old: Sequence[str] | None, new: Sequence[str] | None) -> bool:
    return set(old or ()) <= set(new or ())


def _added(old: Sequence[int] | None, new: Sequence[int] | None) -> bool:
    old, new = old or (), new or ()
    return list(new[: len(old)]) == list(old)


def seeds_to_write(old: Sequence[int], new: Sequence[int]) -> list[int]:
    """What `new` should have been: the old seeds in their order, and after them those that `new` adds."""
    return [*old, *(seed for seed in new if seed not in old)]


ALLOWED: dict[Change, Callable[[Any, Any], bool]] = {
    Change.FREE: lambda old, new: True,
    Change.RAISED: _raised,
    Change.ADDED: _added,
    Change.EXTENDED: _extended,
    **dict.fromkeys((Change.BY_ARMS, Change.JUDGED, Change.NEVER), lambda old, new: False),
}


def field_paths(model: type[BaseModel] = Study, prefix: str = "") -> list[str]:
    """The dotted paths of a model's fields, those of its sections instead of the sections themselves."""
    paths: list[str] = []
    for name, info in model.model_fields.items():
        kind: Any = info.annotation
        inner = isinstance(kind, type) and issubclass(kind, BaseModel)
        paths += field_paths(kind, f"{prefix}{name}.") if inner else [f"{prefix}{name}"]
    return paths
