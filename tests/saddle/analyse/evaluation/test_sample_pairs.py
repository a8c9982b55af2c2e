"""Networks are paired seed by seed and block by block, only what is needed is read, and lost pairs have reasons."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from saddle.analyse.evaluation.sample_pairs import (
    NOT_STORED,
    OTHER_ATTACKS,
    OTHER_SAMPLES,
    UNREADABLE,
    StudyOnSamples,
    pair_samples,
    under_of,
)
from saddle.store.local import LocalStore
from saddle.trial.record import TrialRecord
from tests.support.records import changed, make_record
from trainables.contract import complete_metric

LABELS = np.arange(6)
HALF, ALL_RIGHT = [True] * 3 + [False] * 3, [True] * 6


class Blobs(LocalStore):
    """A store that notes what is read of it, and makes entries with arrays."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.seen: list[str] = []

    def read(self, path: str) -> bytes:
        self.seen.append(path)
        return super().read(path)

    def entry(self, arm: str, seed: int, right: list[bool], started: float = 0.0, **changes: Any) -> TrialRecord:
        key = f"{arm}-s{seed}-{started:g}-{'-'.join(changes.get('block', {}).values())}"
        labels = changes.pop("labels", LABELS)
        paths = {}
        for name, array in {
            "labels": labels,
            "predictions.clean": labels,
            "predictions.pgd": np.where(right, labels, -1),
            **changes.pop("more", {}),
        }.items():
            buffer = io.BytesIO()
            np.save(buffer, array)
            paths[name] = f"{key}/{name}.npy"
            self.write(paths[name], buffer.getvalue())
        given = {"outcome": "completed", "arrays": paths, **changes}
        return make_record(key, "s", seed, params={}, settings={}, metrics={}, arm=arm, started=started, **given)


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path / "runs")


def test_arms_are_compared_seed_by_seed_and_block_by_block(blobs: Blobs) -> None:
    arm = [
        blobs.entry("mp", 2, ALL_RIGHT),
        blobs.entry("mp", 1, HALF, started=1.0),
        blobs.entry("mp", 1, ALL_RIGHT, started=2.0),
        blobs.entry("mp", 3, ALL_RIGHT),
        blobs.entry("mp", 4, ALL_RIGHT, outcome="collapsed"),
        blobs.entry("mp", 5, ALL_RIGHT, arrays={}),
        blobs.entry("mp", 6, ALL_RIGHT),
        blobs.entry("mp", 7, ALL_RIGHT, block={"dataset": "mnist"}),
    ]
    baseline = [blobs.entry("sta", seed, HALF) for seed in (1, 2, 4, 5)]
    baseline.append(blobs.entry("sta", 6, HALF, labels=LABELS + 1))
    baseline.append(blobs.entry("sta", 7, HALF, block={"dataset": "digits"}))
    baseline.append(blobs.entry("sta", 7, [False] * 6, block={"dataset": "mnist"}))
    [found] = pair_samples({"mp": arm}, baseline, blobs, against="sta", under="worst_case")
    assert [(one.seed, one.only_arm, one.only_baseline, dict(one.block)) for one in found.tests] == [
        (7, 6, 0, {"dataset": "mnist"}),
        (1, 3, 0, {}),
        (2, 3, 0, {}),
    ]
    assert {(one.arm, one.baseline, one.under) for one in found.tests} == {("mp", "sta", "worst_case")}
    assert sorted(found.left_out) == [OTHER_SAMPLES, NOT_STORED]
    [clean] = pair_samples({"mp": arm}, baseline, blobs, against="sta", under="clean")
    assert (clean.tests[0].both, clean.tests[0].p) == (6, 1.0)


def test_each_network_is_read_once_and_nothing_without_a_partner(blobs: Blobs) -> None:
    arms = {name: [blobs.entry(name, seed, ALL_RIGHT) for seed in (0, 1)] for name in ("mp", "mta")}
    arms["mta"][1] = changed(arms["mta"][1], arrays={})
    baseline = [blobs.entry("sta", seed, HALF) for seed in (0, 1, 2)]
    found = pair_samples(arms, baseline, blobs, against="sta", under="worst_case")
    assert [(one.arm, len(one.tests), one.left_out) for one in found] == [("mp", 2, ()), ("mta", 1, (NOT_STORED,))]
    assert len(blobs.seen) == len(set(blobs.seen)) == 5 * 3
    blobs.seen.clear()
    for bare in (baseline, [changed(entry, arrays={}) for entry in baseline]):
        nothing = [changed(entry, arrays={}) for entry in arms["mp"]] if bare is baseline else arms["mp"]
        [one] = pair_samples({"mp": nothing}, bare, blobs, against="sta", under="worst_case")
        assert (one.tests, one.left_out) == ((), (NOT_STORED,) * 2)
    assert blobs.seen == []


def test_what_is_lost_damaged_or_attacked_otherwise_is_left_out_with_its_reason(blobs: Blobs) -> None:
    arm = [blobs.entry("mp", seed, ALL_RIGHT) for seed in range(5)]
    arm[1] = blobs.entry("mp", 1, ALL_RIGHT, more={"predictions.cw": LABELS})
    blobs.write(arm[2].arrays["predictions.pgd"], b"no array")
    baseline = [blobs.entry("sta", seed, HALF) for seed in range(5)]
    blobs.delete(baseline[3].arrays["labels"])
    baseline[4] = changed(baseline[4], fingerprints={"data": "other"})
    arm[4] = changed(arm[4], fingerprints={"data": "ours"})
    [found] = pair_samples({"mp": arm}, baseline, blobs, against="sta", under="worst_case")
    assert [test.seed for test in found.tests] == [0]
    assert found.left_out == (OTHER_ATTACKS, UNREADABLE, UNREADABLE, OTHER_SAMPLES)
    [lacking] = pair_samples({"mp": arm[:1]}, baseline, blobs, against="sta", under="cw")
    assert lacking.left_out == (NOT_STORED,)


def test_p_is_adjusted_over_all_pairs_of_all_arms(blobs: Blobs) -> None:
    arms = {name: [blobs.entry(name, seed, ALL_RIGHT) for seed in (0, 1)] for name in ("mp", "mta")}
    baseline = [blobs.entry("sta", 0, [False] * 6), blobs.entry("sta", 1, ALL_RIGHT)]
    found = StudyOnSamples("worst_case", 0.05, pair_samples(arms, baseline, blobs, against="sta", under="worst_case"))
    assert [test.p for test in found.tests] == pytest.approx([2 / 2**6, 1, 2 / 2**6, 1])
    assert found.adjusted == pytest.approx([4 * 2 / 2**6, 1, 4 * 2 / 2**6, 1])
    assert StudyOnSamples("worst_case", 0.05, ()).adjusted == []


@pytest.mark.parametrize(
    ("metric", "under"),
    [
        ("test/clean_accuracy", "clean"),
        ("test/robust_accuracy.pgd", "pgd"),
        ("test/robust_accuracy.worst_case", "worst_case"),
        ("test/robust_accuracy", "worst_case"),
        ("test/auxiliary_accuracy", "worst_case"),
    ],
)
def test_a_sample_is_right_as_the_compared_metric_counts_it(metric: str, under: str) -> None:
    assert under_of(complete_metric(metric)) == under
