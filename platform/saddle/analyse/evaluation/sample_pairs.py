"""An arm's networks against the baseline's on the same test samples: which are paired, and which can't be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from saddle.analyse.evaluation.predictions import SampleTest, mcnemar, read_predictions, stores_predictions
from saddle.analyse.statistics.paired.corrections import adjust
from saddle.analyse.study_results import StudyResults
from saddle.errors import Damaged, ForeignPath, NoPredictions, OtherAttacks, OtherSamples
from saddle.store.base import Store
from saddle.store.parallel import in_parallel
from saddle.study.values import canonical
from saddle.trial.outcome import Outcome
from saddle.trial.record import TrialRecord
from trainables.contract import CLEAN, WORST_CASE, Metric

Place = tuple[str, int]
"""A block and a seed: what two replicates that are compared share."""

NOT_STORED = "predictions not stored"
OTHER_SAMPLES = "not tested on the same images"
OTHER_ATTACKS = "not tested under the same attacks"
UNREADABLE = "stored predictions can’t be read"
REASONS = {NoPredictions: NOT_STORED, OtherSamples: OTHER_SAMPLES, OtherAttacks: OTHER_ATTACKS}


@dataclass(frozen=True)
class OnSamples:
    """An arm against the baseline: a test for each pair of networks, and why other pairs that completed have none."""

    arm: str
    baseline: str
    tests: tuple[SampleTest, ...]
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class StudyOnSamples:
    """Every arm of an ablation against its baseline; `too_many` is the number of pairs if these were not read."""

    under: str
    alpha: float
    arms: tuple[OnSamples, ...]
    too_many: int = 0

    @property
    def tests(self) -> list[SampleTest]:
        return [test for arm in self.arms for test in arm.tests]

    @property
    def adjusted(self) -> list[float]:
        """The p of each of `tests` by Holm's method over all of them."""
        return [float(p) for p in adjust([test.p for test in self.tests], "holm")] if self.tests else []


def pair_samples(
    arms: Mapping[str, Iterable[TrialRecord]],
    baseline: Iterable[TrialRecord],
    store: Store,
    *,
    against: str,
    under: str,
) -> tuple[OnSamples, ...]:
    """The entries of each arm against the baseline's, seed by seed (and block by block); `against` names the baseline.

    Entries whose partner has no stored predictions are not read, and the baseline's are read only once.
    """
    ours = {name: by_place(entries) for name, entries in arms.items()}
    theirs = by_place(baseline)

    def at(place: Place) -> dict[str, SampleTest | str]:
        replicates = {name: entries[place] for name, entries in ours.items() if place in entries}
        return against_one(replicates, theirs[place], store, against, under)

    places = [place for place in theirs if any(place in entries for entries in ours.values())]
    tested = list(in_parallel(store, at, places))
    ends = {name: [tests[name] for tests in tested if name in tests] for name in ours}
    return tuple(
        OnSamples(
            name,
            against,
            tuple(end for end in ends[name] if isinstance(end, SampleTest)),
            tuple(end for end in ends[name] if isinstance(end, str)),
        )
        for name in ours
    )


def against_one(
    arms: Mapping[str, TrialRecord], baseline: TrialRecord, store: Store, against: str, under: str
) -> dict[str, SampleTest | str]:
    """The replicates of one seed against the baseline's, each tested or with the reason why not."""
    if not stores_predictions(baseline) or not any(stores_predictions(entry) for entry in arms.values()):
        return dict.fromkeys(arms, NOT_STORED)
    try:
        theirs = read_predictions(baseline, store.read)
    except (OSError, Damaged, ForeignPath, ValueError):
        return dict.fromkeys(arms, UNREADABLE)
    tests: dict[str, SampleTest | str] = {}
    for name, entry in arms.items():
        try:
            test = mcnemar(read_predictions(entry, store.read), theirs, under)
            tests[name] = replace(test, arm=name, baseline=against, seed=entry.seed, block=dict(entry.block))
        except (NoPredictions, OtherSamples, OtherAttacks) as error:
            tests[name] = REASONS[type(error)]
        except (OSError, Damaged, ForeignPath, ValueError):
            tests[name] = UNREADABLE
    return tests


def by_place(entries: Iterable[TrialRecord]) -> dict[Place, TrialRecord]:
    """The latest completed entry of each seed in each block, in their order."""
    completed: Sequence[TrialRecord] = [entry for entry in entries if entry.outcome == Outcome.COMPLETED]
    latest = {(canonical(dict(e.block)), e.seed): e for e in sorted(completed, key=lambda entry: entry.started)}
    return dict(sorted(latest.items()))


def under_of(metric: Metric) -> str:
    """When a sample counts as right, so that the share of right ones is this metric; else the worst case."""
    if metric.role == "clean":
        return CLEAN
    return metric.attack if metric.role == "robust" and metric.attack else WORST_CASE


def study_on_samples(results: StudyResults, store: Store, most: int | None = None) -> StudyOnSamples | None:
    """The arms of an ablation against its baseline; None if no two networks can be paired, as in a search.

    More than `most` pairs are counted, and not read.
    """
    ablation, against = results.study.ablation, results.baseline
    if ablation is None or against is None:
        return None
    theirs = by_place(results.groups[against])
    ours = {name: by_place(records) for name, records in results.groups.items() if name != against}
    pairs = [
        (entry, theirs[place]) for of_block in ours.values() for place, entry in of_block.items() if place in theirs
    ]
    if not pairs:
        return None
    under = under_of(results.metric)
    alpha = ablation.compare.alpha
    stored = sum(stores_predictions(entry) and stores_predictions(partner) for entry, partner in pairs)
    if most is not None and stored > most:
        return StudyOnSamples(under, alpha, (), stored)
    groups = {name: of_block.values() for name, of_block in ours.items()}
    return StudyOnSamples(under, alpha, pair_samples(groups, theirs.values(), store, against=against, under=under))
