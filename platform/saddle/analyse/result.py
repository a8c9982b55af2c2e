"""What an answer consists of, and which metric a study asks about when its file leaves that open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from saddle.analyse.arms.collapse import FailureRate
from saddle.analyse.arms.effect import Effect
from saddle.analyse.arms.ranks.ranked_arms import RankedArms
from saddle.analyse.evaluation.badge import Badge
from saddle.analyse.relations.findings import Findings
from saddle.study.models import Study
from saddle.study.trainable.declarations import Declarations
from saddle.trial.record import TrialRecord
from trainables.contract import Metric


@dataclass(frozen=True)
class Answer:
    """`plain` answers the question in words that need no statistics; `columns` and `rows` are a table ready to print.

    A relation has `relation`; an ablation has `effects`, and `failures` if a method failed; a search has `best` (one
    objective) or `front` (several).
    """

    plain: str
    metric: Metric
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
    """The draws of data that its intervals are conditional on, or the plan of a relation, as a sentence."""
    relation: Findings | None = None
    """The findings of a relation."""
    grown: tuple[str, ...] = ()
    """Those of the warnings that say how the study grew: what was added, judged otherwise, or trained otherwise."""
    badge: Badge = field(default_factory=Badge)
    """Of a search, its best trial or front, and what is against these; of an ablation, replicates with objections."""
    statistics: str = ""
    """What `plain` rests on, as sentences: intervals, p, seeds, further measurements."""
    ranked: tuple[RankedArms, ...] = ()
    """The groups of metrics by which an ablation ranks its arms."""

    @property
    def sentence(self) -> str:
        """The whole answer: the plain words, then what they rest on."""
        return f"{self.plain} {self.statistics}".strip()


def compared_metric(study: Study, declared: Declarations, entries: Sequence[TrialRecord] = ()) -> Metric:
    """The metric that arms are compared in: the study's, else the test twin of what selects checkpoints, else a robust
    one.

    The twin counts where the trainable declares it, or a trial has it; so does its substitute (see `headline`).
    """
    stated = study.relation.gain.metric if study.relation is not None else None
    stated = study.ablation.compare.metric if study.ablation is not None else stated
    if stated:
        return declared.metric(stated)
    twin = f"test/{declared.selection.partition('/')[2]}"
    metrics = {**declared.metrics, **{name: declared.metric(name) for entry in entries for name in entry.metrics}}
    return metrics[twin] if twin in metrics else min(metrics.values(), key=headline, default=declared.metric(twin))


def headline(metric: Metric, split: str = "test") -> tuple[bool, int, bool, int]:
    """Sort key of metrics by how well they represent a trial: shown ones, of `split`, worst cases, robust, clean."""
    splits, roles = [split, "test", "validation"], ["robust", "clean"]
    role = roles.index(metric.role) if metric.role in roles else len(roles)
    place = splits.index(metric.split) if metric.split in splits else len(splits)
    return not metric.shown, place, not metric.worst_case, role
