"""Which figures and images a report shows, for each kind of study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from saddle.analyse.answer import Answer, compared_metric, objectives_of
from saddle.analyse.best import candidates
from saddle.analyse.importance import importance
from saddle.analyse.pairs import measure, of_arm
from saddle.analyse.wording import plural
from saddle.design import Arm, labels
from saddle.report.figures import curves, effects, search, tradeoff
from saddle.report.figures.canvas import Plate
from saddle.search.outcomes import METHOD_FAILURES, Outcome
from saddle.store.entry import Entry
from saddle.study.models import Study


def ablation_plates(
    study: Study, entries: Sequence[Entry], arms: Sequence[Arm], answer: Answer, trainable: Any
) -> list[Plate]:
    """Effects, arms seed by seed, learning curves, and robust against clean accuracy."""
    ablation = study.ablation
    assert ablation is not None
    metric = compared_metric(study, trainable.METRICS, entries, trainable.SELECTION)
    called = labels(arms)
    measured = [measure(entries, arm, metric, ablation.seed_list, name) for arm, name in zip(arms, called, strict=True)]
    groups = {name: of_arm(entries, arm) for arm, name in zip(arms, called, strict=True)}
    plates = [
        effects.forest(answer.effects, ablation.compare.alpha, ablation.compare.equivalence),
        effects.arms(measured, metric),
        curves.arm_curves(groups, trainable.SELECTION),
    ]
    return [*plates, *_optional(tradeoff.tradeoff(groups))]


def search_plates(study: Study, entries: Sequence[Entry], answer: Answer, trainable: Any) -> list[Plate]:
    """History, the Pareto front, importance, slices, learning curves, and robust against clean accuracy."""
    objectives = objectives_of(study, trainable.METRICS, trainable.SELECTION)
    found = {objective.metric: importance(study, entries, objective) for objective in objectives}
    plates = [search.history(entries, objectives, study.constraints)]
    if len(objectives) > 1:
        plates.append(search.fronts(entries, answer.front, objectives))
    plates.append(search.importances(found))
    plates.append(search.slices(study, entries, objectives[0], answer.best))
    plates.append(curves.trial_curves(entries, leaders(study, entries, answer, trainable), objectives[0].metric))
    return [*plates, *_optional(tradeoff.tradeoff(by_outcome(entries)))]


def leaders(study: Study, entries: Sequence[Entry], answer: Answer, trainable: Any) -> list[Entry]:
    """The best trials, best first: the Pareto front, or the order of the single objective."""
    if answer.front:
        return list(answer.front)
    objective = objectives_of(study, trainable.METRICS, trainable.SELECTION)[0]
    sign = -1.0 if objective.direction == "maximize" else 1.0
    found = candidates(entries, [objective], study.constraints)
    return sorted(found, key=lambda entry: sign * entry.metrics[objective.metric])


def by_outcome(entries: Sequence[Entry]) -> Mapping[str, Sequence[Entry]]:
    """Completed trials apart from the rest, whose accuracies are those of a cut training."""
    completed = [entry for entry in entries if entry.outcome == Outcome.COMPLETED]
    others = [entry for entry in entries if entry.outcome != Outcome.COMPLETED]
    return {name: group for name, group in {"completed": completed, "ended early": others}.items() if group}


def illustrated(study: Study, entries: Sequence[Entry], answer: Answer, trainable: Any) -> list[Entry]:
    """The trials whose images are worth a look: failures of the method, and one per arm or the best of a search."""
    failures = [entry for entry in entries if entry.outcome in METHOD_FAILURES][:4]
    if study.ablation is not None:
        first: dict[str | None, Entry] = {}
        for entry in sorted(entries, key=lambda entry: entry.seed):
            if entry.outcome == Outcome.COMPLETED and entry.images:
                first.setdefault(entry.arm, entry)
        return [*failures, *first.values()]
    return [*failures, *leaders(study, entries, answer, trainable)[:2]]


def _optional(plate: Plate | None) -> list[Plate]:
    return [] if plate is None else [plate]


def count_line(study: Study, entries: Sequence[Entry]) -> str:
    """`12 trials, 9 completed` or `9 replicates, 9 completed`."""
    completed = sum(entry.outcome == Outcome.COMPLETED for entry in entries)
    noun = "trial" if study.ablation is None else "replicate"
    return f"{plural(len(entries), noun)}, {completed} completed"
