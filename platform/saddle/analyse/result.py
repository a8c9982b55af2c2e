"""What an answer consists of, and which metric a study asks about when its file leaves that open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from saddle.analyse.badge import Badge
from saddle.analyse.collapse import FailureRate
from saddle.analyse.effect import Effect
from saddle.study.metrics import guess_direction
from saddle.study.models import Objective, Study
from saddle.trial.record import TrialRecord
from trainables.contract import Direction

PREFERRED = ("test/robust_accuracy.worst_case", "test/robust_accuracy", "test/clean_accuracy", "test/accuracy")


@dataclass(frozen=True)
class Answer:
    """`sentence` answers the question in plain words; `columns` and `rows` are a table ready to print.

    An ablation has `effects`, and `failures` where a method failed; a search has `best` (one objective) or `front`
    (several).
    """

    sentence: str
    metric: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    warnings: tuple[str, ...] = ()
    effects: tuple[Effect, ...] = ()
    failures: tuple[FailureRate, ...] = ()
    best: TrialRecord | None = None
    front: tuple[TrialRecord, ...] = ()
    block_columns: tuple[str, ...] = ()
    block_rows: tuple[tuple[str, ...], ...] = ()
    """A table of the effects in single blocks, where an ablation has any."""
    conditional: str = ""
    """On which draws of data its intervals are conditional, as a sentence."""
    badge: Badge = field(default_factory=Badge)
    """A search’s best trial or its front, unless something is against them; an ablation’s replicates that have any."""


def direction_of(metric: str, directions: Mapping[str, Direction]) -> Direction:
    """The better direction a trainable declares for a metric, or a guess by its name."""
    if metric in directions:
        return directions[metric]
    return "minimize" if guess_direction(metric) == "minimize" else "maximize"


def compared_metric(
    study: Study, directions: Mapping[str, Direction], entries: Sequence[TrialRecord] = (), selection: str | None = None
) -> str:
    """The metric an ablation compares: the study's, else the test twin of `selection`, else robust test accuracy."""
    if study.ablation is not None and study.ablation.compare.metric:
        return study.ablation.compare.metric
    known = [*directions, *(name for entry in entries for name in entry.metrics if name not in directions)]
    twin = "test/" + selection.partition("/")[2] if selection else ""
    for start in (twin, *PREFERRED, "test/", "validation/", ""):
        for metric in known:
            if metric == start or (start and start != twin and metric.startswith(start)):
                return metric
    return twin or PREFERRED[0]


def objectives_of(
    study: Study, directions: Mapping[str, Direction], selection: str | None = None
) -> tuple[Objective, ...]:
    """A search's objectives: the study's, else the metric by which its trainable selects checkpoints."""
    if study.objective:
        return tuple(study.objective)
    metric = selection or next((name for name in directions if name.startswith("validation/")), "validation/accuracy")
    return (Objective.model_validate({direction_of(metric, directions): metric}),)
