"""Predictions of single test samples, and McNemar's test of two trained models on them.

The test is a statement about two models, not about the methods that trained them: its p says how sure one may be that
this model is right more often than that one on samples like these. Trained with another seed, they are other
models. What a method does is shown by its seeds, which are the replicates (`effects`); this is in addition to them.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saddle.analyse.evaluation.evaluations import declared_attacks
from saddle.analyse.statistics.paired.mcnemar import clustered_mcnemar, mcnemar_p, several_to_a_group
from saddle.errors import NoPredictions, OtherAttacks, OtherSamples
from saddle.study.nearest import nearest
from saddle.trial.outcome import Outcome
from saddle.trial.record import TrialRecord
from trainables.contract import GROUPS, LABELS, PREDICTIONS, WORST_CASE

SUBSET = "test_subset"

Read = Callable[[str], bytes]
"""Fetches a blob of the store."""


@dataclass(frozen=True)
class Predictions:
    """What one trained model predicted for each test sample: `labels` (N,), and (N,) for `clean` and each attack."""

    trial: str
    labels: NDArray[Any]
    predicted: Mapping[str, NDArray[Any]]
    data: str | None = None
    """The fingerprint of its dataset, if it is known."""
    groups: NDArray[Any] | None = None
    """The group of each sample, (N,), where several samples show the same thing, such as frames of one track."""
    subset: int = 0
    """Which draw of test samples they are (the field `test_subset`): draws of one size may have equal labels."""
    attacks: str | None = None
    """The attacks that the worst case is over, with their budgets (see `declared_attacks`), if they are known."""

    def right(self, under: str = WORST_CASE) -> NDArray[np.bool_]:
        """Which samples, (N,) bool, it is right on: `clean`, under one attack, or in the `worst_case` under all.

        The worst case is the stored one, which may leave attacks out; else right when clean and under each attack.
        """
        if under == WORST_CASE and WORST_CASE not in self.predicted:
            right = np.ones(len(self.labels), dtype=bool)
            for predicted in self.predicted.values():
                right &= predicted == self.labels
            return right
        if under not in self.predicted:
            choices = list(dict.fromkeys([WORST_CASE, *self.predicted]))
            hint = nearest(under, choices)
            raise NoPredictions(
                f"{self.trial} has no predictions under {under!r}; "
                + (f"did you mean {hint}? " if hint else "")
                + f"there are {', '.join(choices)}"
            )
        return np.asarray(self.predicted[under] == self.labels)


@dataclass(frozen=True)
class SampleTest:
    """Two models on the same samples: on how many both, only one, or neither is right, and McNemar's exact p.

    `under` says when a model is right (see `Predictions.right`); p is two-sided and not adjusted. If samples belong
    together in groups, there are `groups` of these, and p is by group (see `clustered_mcnemar`).
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
    """Of both models, if they are replicates; then `arm` and `baseline` name their arms, else their trials."""
    block: Mapping[str, Any] = field(default_factory=dict)
    groups: int | None = None

    @property
    def difference(self) -> float:
        """The arm's share of right samples minus the baseline's."""
        return (self.only_arm - self.only_baseline) / self.n


def stores_predictions(entry: TrialRecord) -> bool:
    """Whether a trial has named predictions of single samples; reads none of them."""
    return LABELS in entry.arrays and any(name.startswith(PREDICTIONS) for name in entry.arrays)


def read_predictions(entry: TrialRecord, read: Read) -> Predictions:
    """The stored predictions of a trial; raises `NoPredictions`."""
    if not stores_predictions(entry):
        reason = "its method stores none" if entry.outcome == Outcome.COMPLETED else f"it {entry.outcome}"
        raise NoPredictions(f"{entry.key} has no predictions of single samples: {reason}")
    labels = read_array(entry.arrays[LABELS], read)
    paths = {name: path for name, path in entry.arrays.items() if name.startswith(PREDICTIONS)}
    predicted = {name.removeprefix(PREDICTIONS): read_array(path, read) for name, path in paths.items()}
    # one number for each sample: arrays of other shapes (pixels, several tasks) are not predictions of this kind
    predicted = {name: array for name, array in predicted.items() if array.shape == labels.shape}
    data = entry.fingerprints.get("data")
    groups = read_array(entry.arrays[GROUPS], read) if GROUPS in entry.arrays else None
    subset = entry.measured_params.get(SUBSET) or 0
    return Predictions(
        entry.key, labels, predicted, None if data is None else str(data), groups, int(subset), declared_attacks(entry)
    )


def read_array(path: str, read: Read) -> NDArray[Any]:
    """An array of a trial."""
    array: NDArray[Any] = np.load(io.BytesIO(read(path)), allow_pickle=False)
    return array


def mcnemar(arm: Predictions, baseline: Predictions, under: str = WORST_CASE) -> SampleTest:
    """McNemar's exact test (1947) of one model against another, by group where samples come in groups.

    Raises `OtherSamples`, `NoPredictions`, and `OtherAttacks` if the worst case of one is over other attacks.
    """
    check_comparable(arm, baseline, under)
    ours, theirs = arm.right(under), baseline.right(under)
    both, only_ours = int((ours & theirs).sum()), int((ours & ~theirs).sum())
    only_theirs, neither = int((~ours & theirs).sum()), int((~ours & ~theirs).sum())
    groups = arm.groups if arm.groups is not None else baseline.groups
    if groups is not None and several_to_a_group(groups):
        p, count = clustered_mcnemar(ours, theirs, groups), len(np.unique(groups))
    else:
        p, count = mcnemar_p(only_ours, only_theirs), None
    return SampleTest(
        arm.trial, baseline.trial, under, len(ours), both, only_ours, only_theirs, neither, p, groups=count
    )


def check_comparable(first: Predictions, other: Predictions, under: str) -> None:
    """Raise where two trials were tested on other samples, or under other attacks."""
    if first.labels.shape != other.labels.shape or not np.array_equal(first.labels, other.labels):
        raise OtherSamples(
            f"{first.trial} and {other.trial} were not tested on the same samples: "
            f"{len(first.labels)} and {len(other.labels)} of them, with other labels"
        )
    if first.groups is not None and other.groups is not None and not np.array_equal(first.groups, other.groups):
        raise OtherSamples(f"{first.trial} and {other.trial} were not tested on the same samples: their groups differ")
    if first.subset != other.subset:
        raise OtherSamples(
            f"{first.trial} and {other.trial} were not tested on the same samples: "
            f"their test_subset is {first.subset} and {other.subset}"
        )
    if first.data is not None and other.data is not None and first.data != other.data:
        raise OtherSamples(
            f"{first.trial} and {other.trial} were not tested on the same samples: "
            f"their datasets are {first.data[:12]} and {other.data[:12]}"
        )
    both_known = first.attacks is not None and other.attacks is not None
    if under == WORST_CASE and both_known and first.attacks != other.attacks:
        raise OtherAttacks(
            f"the worst case of {first.trial} is over {first.attacks}, that of {other.trial} over {other.attacks}"
        )
    if under == WORST_CASE and set(first.predicted) != set(other.predicted):
        shared = [name for name in first.predicted if name in other.predicted]
        raise OtherAttacks(
            f"the worst case of {first.trial} is over {', '.join(first.predicted)}, that of {other.trial} over "
            f"{', '.join(other.predicted)}; " + (f"both have {', '.join(shared)}" if shared else "they share none")
        )
