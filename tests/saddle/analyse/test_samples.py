"""McNemar's test from stored predictions: counted by hand, paired by samples, wrong input named."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from saddle.analyse.samples import (
    NoPredictions,
    OtherSamples,
    Predictions,
    mcnemar,
    mcnemar_by_seed,
    read_predictions,
)
from saddle.store.entry import Entry

LABELS = np.array([0, 1, 2, 3, 4, 5])


def predictions(clean: list[int], pgd: list[int], name: str = "t", labels: Any = LABELS) -> Predictions:
    return Predictions(name, labels, {"clean": np.array(clean), "pgd": np.array(pgd)})


def test_the_worst_case_is_right_only_where_every_prediction_is() -> None:
    one = predictions([0, 1, 2, 3, 0, 0], [0, 1, 0, 0, 4, 0])
    assert one.right("clean").tolist() == [True, True, True, True, False, False]
    assert one.right("pgd").tolist() == [True, True, False, False, True, False]
    assert one.right().tolist() == [True, True, False, False, False, False]


def test_the_counts_are_those_of_the_fourfold_table() -> None:
    arm = predictions([0, 1, 2, 3, 4, 0], [0, 1, 2, 3, 0, 0], "mp")
    baseline = predictions([0, 0, 0, 0, 4, 5], [0, 0, 0, 0, 4, 5], "sta")
    found = mcnemar(arm, baseline)
    assert (found.both, found.only_arm, found.only_baseline, found.neither, found.n) == (1, 3, 2, 0, 6)
    assert found.difference == pytest.approx(1 / 6)
    assert found.p == pytest.approx(1.0)
    clean = mcnemar(arm, baseline, "clean")
    assert (clean.both, clean.only_arm, clean.only_baseline, clean.neither) == (2, 3, 1, 0)
    assert clean.p == pytest.approx(0.625), "2 * (1 + 4) / 2**4"


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_p_is_the_binomial_tests_of_the_discordant_samples(rights: list[tuple[bool, bool]]) -> None:
    labels = np.ones(len(rights))
    one, other = (
        Predictions("t", labels, {"clean": np.array(side, dtype=float)}) for side in zip(*rights, strict=True)
    )
    found = mcnemar(one, other)
    discordant = found.only_arm + found.only_baseline
    expected = stats.binomtest(found.only_arm, discordant).pvalue if discordant else 1.0
    assert found.p == pytest.approx(expected)
    swapped = mcnemar(other, one)
    assert swapped.p == pytest.approx(found.p)
    assert swapped.difference == -found.difference


def test_other_samples_and_unknown_attacks_are_named() -> None:
    one = predictions([0] * 6, [0] * 6, "mp-s0")
    with pytest.raises(OtherSamples, match="mp-s0 and sta-s0 were not tested on the same samples"):
        mcnemar(one, predictions([0] * 6, [0] * 6, "sta-s0", labels=LABELS[::-1]))
    with pytest.raises(NoPredictions, match="under 'pdg'; did you mean pgd"):
        one.right("pdg")


class Blobs(dict[str, bytes]):
    """Stored arrays, and entries that name them."""

    def entry(self, arm: str, seed: int, right: list[bool], started: float = 0.0, **changes: Any) -> Entry:
        key = f"{arm}-s{seed}-{started:g}-{changes.get('block', '')}"
        labels = changes.pop("labels", LABELS)
        arrays = {
            "labels": labels,
            "predictions.clean": labels,
            "predictions.pgd": np.where(right, labels, -1),
        }  # all clean ones right
        paths = {}
        for name, array in {**arrays, "gradients": np.zeros((6, 2)), "predictions.pixels": np.zeros((6, 3))}.items():
            buffer = io.BytesIO()
            np.save(buffer, array)
            self[f"{key}/{name}"] = buffer.getvalue()
            paths[name] = f"{key}/{name}"
        given = {"outcome": "completed", "arrays": paths, **changes}
        return Entry(key, "s", seed, params={}, settings={}, metrics={}, arm=arm, started=started, **given)


def test_arms_are_compared_seed_by_seed_and_block_by_block() -> None:
    blobs = Blobs()
    half, all_right = [True] * 3 + [False] * 3, [True] * 6
    arm = [
        blobs.entry("mp", 2, all_right),
        blobs.entry("mp", 1, half, started=1.0),
        blobs.entry("mp", 1, all_right, started=2.0),
        blobs.entry("mp", 3, all_right),
        blobs.entry("mp", 4, all_right, outcome="collapsed"),
        blobs.entry("mp", 5, all_right, arrays={}),
        blobs.entry("mp", 6, all_right),
        blobs.entry("mp", 7, all_right, block={"dataset": "mnist"}),
    ]
    baseline = [blobs.entry("sta", seed, half) for seed in (1, 2, 4, 5)]
    baseline.append(blobs.entry("sta", 6, half, labels=LABELS + 1))
    baseline.append(blobs.entry("sta", 7, half, block={"dataset": "digits"}))
    baseline.append(blobs.entry("sta", 7, [False] * 6, block={"dataset": "mnist"}))
    found = mcnemar_by_seed(arm, baseline, blobs.__getitem__, names=("mp", "sta"))
    assert [(one.seed, one.only_arm, one.only_baseline, dict(one.block)) for one in found] == [
        (7, 6, 0, {"dataset": "mnist"}),
        (1, 3, 0, {}),
        (2, 3, 0, {}),
    ]
    assert {(one.arm, one.baseline, one.under) for one in found} == {("mp", "sta", "worst_case")}
    [clean, *_] = mcnemar_by_seed(arm, baseline, blobs.__getitem__, names=("mp", "sta"), under="clean")
    assert (clean.both, clean.p) == (6, 1.0)


def test_only_one_number_for_each_sample_is_a_prediction() -> None:
    blobs = Blobs()
    assert set(read_predictions(blobs.entry("mp", 0, [True] * 6), blobs.__getitem__).predicted) == {"clean", "pgd"}
    with pytest.raises(NoPredictions, match="it diverged"):
        read_predictions(blobs.entry("mp", 0, [True] * 6, arrays={}, outcome="diverged"), blobs.__getitem__)
