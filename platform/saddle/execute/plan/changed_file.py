"""What a study file makes of what is stored under its name: what is new, analysed again, or refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from saddle.analyse.text.formatting import listed, plural
from saddle.archive.growth import Growth
from saddle.archive.studies import StoredStudy, growth_of, refuse_changes, with_seeds
from saddle.design import Replicate, labels, replicates_of_study
from saddle.errors import EvaluationChanged, StudyChanged
from saddle.execute.plan.changed_code import changed_code
from saddle.search.distinct_settings import planned_trials
from saddle.store.base import Store
from saddle.store.ledger.ledger import Ledger
from saddle.study.changes import Change
from saddle.study.models import Study
from saddle.studyfile.dump import differences_under


@dataclass(frozen=True)
class ChangedFile:
    """What running the file would do to the stored run of its study, each a line for a reader.

    `new` is trained, `again` follows from stored trials, `refused` ends the run before it starts; `other_code` does so
    without `--accept-changes`.
    """

    new: Sequence[str] = ()
    again: Sequence[str] = ()
    refused: Sequence[str] = ()
    other_code: Sequence[str] = ()


def describe_change(study: Study, stored: StoredStudy, store: Store) -> ChangedFile | None:
    """What `study` makes of the stored one; None if that is unchanged and nothing is left to train.

    Data are not looked at, which may take long: whether they have changed is seen when it runs.
    """
    refused = _refusals(store, stored, study)
    if refused:
        return ChangedFile(refused=refused)
    finished = set(Ledger(store, stored.run).keys())
    study = with_seeds(study, stored.history.plans)
    growth = growth_of(stored, study)
    new = list(_new_trials(study, stored, growth, finished))
    free = differences_under(Change.FREE, stored.study, study)
    again = [*growth.judged_otherwise, *(each for each in free if each.startswith(("ablation.", "relation.", "also")))]
    change = ChangedFile(new, again, other_code=changed_code(study, store, None))
    return change if new or again or change.other_code else None


def _refusals(store: Store, stored: StoredStudy, study: Study) -> Sequence[str]:
    try:
        refuse_changes(store, stored, study)
    except StudyChanged as refusal:
        return refusal.changes
    except EvaluationChanged as refusal:
        return [str(refusal)]
    return []


def _new_trials(study: Study, stored: StoredStudy, growth: Growth, finished: set[str]) -> Iterator[str]:
    """The trials that have not ended: of a search their number, else arm by arm, those together that lack the same."""
    if study.search is not None:
        planned = planned_trials(study)
        if planned is not None and planned > len(finished):
            yield plural(planned - len(finished), "trial")
        return
    arms = stored.arms if study.relation is not None else growth.arms
    names = {arm.key: label for arm, label in zip(arms, labels(arms), strict=True)}
    added = {arm.key for arm in growth.added}
    lacking: dict[str, list[Replicate]] = {}
    for replicate in replicates_of_study(study, arms, stored.units.absent):
        if replicate.key not in finished:
            lacking.setdefault(replicate.arm.key, []).append(replicate)
    alike: dict[tuple[tuple[int, ...], int, bool], list[str]] = {}
    for key in (arm.key for arm in arms if arm.key in lacking):
        replicates = lacking[key]
        seeds = tuple(dict.fromkeys(replicate.seed for replicate in replicates))
        alike.setdefault((seeds, len(replicates), key in added), []).append(names[key])
    for (seeds, count, is_added), of_arms in alike.items():
        mark = ", added" if is_added else ""
        numbers = f"seed{'s' * (len(seeds) != 1)} {listed(map(str, seeds))}"
        yield f"{listed(of_arms)}{mark}: {plural(count * len(of_arms), 'trial')} ({numbers})"
