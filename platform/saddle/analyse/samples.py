"""McNemar's test: whether two trained models are right on the same test samples.

It is a statement about two models, not about the methods that trained them: its p says how sure one may be that this
model is right more often than that one on samples like these. Train both with another seed and they are other models.
What a method does is told by its seeds, which are the replicates (`effects`); this stands beside them.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saddle.design.values import canonical
from saddle.errors import UserError
from saddle.search.outcomes import Outcome
from saddle.store.entry import Entry
from saddle.study.problems import nearest

LABELS = "labels"
PREFIX = "predictions."
CLEAN = "clean"
WORST_CASE = "worst_case"
"""Right on the clean sample and under every declared attack."""

Read = Callable[[str], bytes]
"""What fetches a blob of the store."""


class NoPredictions(UserError):
    """A trial has stored no predictions of single samples, or not those that are asked for."""


class OtherSamples(UserError):
    """Two trials were not tested on the same samples."""


@dataclass(frozen=True)
class Predictions:
    """What one trained model predicted for each test sample: `labels` (N,), and (N,) for `clean` and each attack."""

    trial: str
    labels: NDArray[Any]
    predicted: Mapping[str, NDArray[Any]]

    def right(self, under: str = WORST_CASE) -> NDArray[np.bool_]:
        """Which samples, (N,) bool, it is right on: `clean`, under one attack, or in the `worst_case` under all."""
        if under == WORST_CASE:
            right = np.ones(len(self.labels), dtype=bool)
            for predicted in self.predicted.values():
                right &= predicted == self.labels
            return right
        if under not in self.predicted:
            hint = nearest(under, [WORST_CASE, *self.predicted])
            raise NoPredictions(
                f"{self.trial} has no predictions under {under!r}; "
                + (f"did you mean {hint}? " if hint else "")
                + f"there are {', '.join([WORST_CASE, *self.predicted])}"
            )
        return np.asarray(self.predicted[under] == self.labels)


@dataclass(frozen=True)
class SampleTest:
    """Two models on the same samples: on how many both, only one, or neither is right, and McNemar's exact p.

    `under` says when a model is right (see `Predictions.right`); p is two-sided and adjusted for nothing.
    """

    arm: str
    baseline: str
    under: str
    n: int
    both: int
    only_arm: int
    only_baseline: int
    neither: int
    p: float
    seed: int | None = None
    """Of both models, where they are replicates; then `arm` and `baseline` name their arms, else their trials."""
    block: Mapping[str, Any] = field(default_factory=dict)

    @property
    def difference(self) -> float:
        """The arm's share of right samples minus the baseline's."""
        return (self.only_arm - self.only_baseline) / self.n


def read_predictions(entry: Entry, read: Read) -> Predictions:
    """The stored predictions of a trial; raises `NoPredictions`."""
    found = {name.removeprefix(PREFIX): path for name, path in entry.arrays.items() if name.startswith(PREFIX)}
    if LABELS not in entry.arrays or not found:
        why = "its method stores none" if entry.outcome == Outcome.COMPLETED else f"it {entry.outcome}"
        raise NoPredictions(f"{entry.key} has no predictions of single samples: {why}")
    labels = read_array(entry.arrays[LABELS], read)
    predicted = {name: read_array(path, read) for name, path in found.items()}
    # one number for each sample: what has other shapes (pixels, several tasks) is not a prediction of this kind
    return Predictions(
        entry.key, labels, {name: array for name, array in predicted.items() if array.shape == labels.shape}
    )


def read_array(path: str, read: Read) -> NDArray[Any]:
    """An array of a trial."""
    array: NDArray[Any] = np.load(io.BytesIO(read(path)), allow_pickle=False)
    return array


def mcnemar(one: Predictions, other: Predictions, under: str = WORST_CASE) -> SampleTest:
    """McNemar's exact test (1947) of one model against another; raises `OtherSamples` and `NoPredictions`."""
    from statsmodels.stats.contingency_tables import mcnemar as exact_test

    if one.labels.shape != other.labels.shape or not np.array_equal(one.labels, other.labels):
        raise OtherSamples(
            f"{one.trial} and {other.trial} were not tested on the same samples: "
            f"{len(one.labels)} and {len(other.labels)} of them, with other labels"
        )
    ours, theirs = one.right(under), other.right(under)
    both, only_ours = int((ours & theirs).sum()), int((ours & ~theirs).sum())
    only_theirs, neither = int((~ours & theirs).sum()), int((~ours & ~theirs).sum())
    p = float(exact_test([[both, only_ours], [only_theirs, neither]], exact=True).pvalue)
    return SampleTest(one.trial, other.trial, under, len(ours), both, only_ours, only_theirs, neither, p)


def mcnemar_by_seed(
    arm: Iterable[Entry], baseline: Iterable[Entry], read: Read, *, names: tuple[str, str], under: str = WORST_CASE
) -> tuple[SampleTest, ...]:
    """The test of an arm's entries against the baseline's, seed by seed (and block by block); `names` are theirs.

    Left out are seeds at which either did not complete, stored no such predictions, or had other samples.
    """
    ours, theirs = _by_seed(arm), _by_seed(baseline)
    found = []
    for place, entry in ours.items():
        if place not in theirs:
            continue
        try:
            pair = read_predictions(entry, read), read_predictions(theirs[place], read)
            test = mcnemar(*pair, under)
        except (NoPredictions, OtherSamples, FileNotFoundError):
            continue
        found.append(replace(test, arm=names[0], baseline=names[1], seed=entry.seed, block=dict(entry.block)))
    return tuple(found)


def _by_seed(entries: Iterable[Entry]) -> Mapping[tuple[str, int], Entry]:
    """The latest completed entry of each seed in each block, in their order."""
    completed: Sequence[Entry] = [entry for entry in entries if entry.outcome == Outcome.COMPLETED]
    latest = {(canonical(dict(e.block)), e.seed): e for e in sorted(completed, key=lambda entry: entry.started)}
    return dict(sorted(latest.items()))
