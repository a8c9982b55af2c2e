"""What a person should know of how checkpoints will be chosen, before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence

from saddle.analyse.text.formatting import listed
from saddle.study.models import Study
from saddle.study.selection import selection_of
from saddle.study.trainable.loading import LoadedTrainable
from trainables.contract import Resolved

MOST_NAMED = 6


def selection_notes(
    study: Study, trainable: LoadedTrainable, names: Sequence[str], resolved: Sequence[Resolved]
) -> list[str]:
    """For which of the named configurations the trainable doubts the study's choice of checkpoints, and why.

    `names` are of arms, one for each configuration; those of a search, whose trials have none, are empty.
    """
    single_objective = study.objective is not None and len(study.objective) == 1
    if trainable.selection_doubt is None or single_objective:  # what a search maximises may well be that epoch's
        return []
    metric = selection_of(study, trainable)
    doubted: dict[str, dict[str, None]] = {}
    for name, complete in zip(names, resolved, strict=True):
        doubt = trainable.selection_doubt(complete.config, metric)
        if doubt:
            doubted.setdefault(doubt, {})[name] = None
    mend = "" if study.relation is not None else "; selected_by chooses all of them by another validation metric"
    return [
        f"checkpoints are chosen by {metric.name}, and {_whose(list(arms))} {doubt}{mend}"
        for doubt, arms in doubted.items()
    ]


def _whose(names: Sequence[str]) -> str:
    known = [name for name in names if name]
    if not known:
        return "some trials are"
    more = [f"{len(known) - MOST_NAMED} more"] if len(known) > MOST_NAMED else []
    return f"{listed([*known[:MOST_NAMED], *more])} {'is' if len(known) == 1 else 'are'}"
