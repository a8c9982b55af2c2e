"""McNemar's test from stored predictions: counted by hand, paired by samples, wrong input named."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from saddle.analyse.evaluation.predictions import Predictions, mcnemar, read_predictions
from saddle.errors import NoPredictions, OtherAttacks, OtherSamples
from tests.support.records import changed, make_record

LABELS = np.array([0, 1, 2, 3, 4, 5])


def predictions(clean: list[int], pgd: list[int], name: str = "t", labels: Any = LABELS) -> Predictions:
    return Predictions(name, labels, {"clean": np.array(clean), "pgd": np.array(pgd)})


def test_the_worst_case_is_right_only_where_every_prediction_is() -> None:
    one = predictions([0, 1, 2, 3, 0, 0], [0, 1, 0, 0, 4, 0])
    assert one.right("clean").tolist() == [True, True, True, True, False, False]
    assert one.right("pgd").tolist() == [True, True, False, False, True, False]
    assert one.right().tolist() == [True, True, False, False, False, False]


def test_a_method_that_leaves_attacks_out_stores_its_own_worst_case() -> None:
    found = {"clean": LABELS, "pgd": LABELS, "l2": np.zeros(6), "worst_case": np.array([0, 1, 2, 3, 0, 0])}
    one = Predictions("t", LABELS, found)
    assert one.right().tolist() == [True, True, True, True, False, False]
    assert one.right("l2").tolist() == [True, False, False, False, False, False]
    with pytest.raises(NoPredictions, match=r"there are worst_case, clean, pgd, l2$"):
        one.right("nothing_like_it")


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


def test_equal_labels_of_other_images_are_other_samples() -> None:
    one, other = predictions([0] * 6, [0] * 6, "mp-s0"), predictions([1] * 6, [1] * 6, "sta-s0")
    with pytest.raises(OtherSamples, match="their datasets are aaa and bbb"):
        mcnemar(replace(one, data="aaa"), replace(other, data="bbb"))
    assert mcnemar(replace(one, data="aaa"), replace(other, data="aaa")).only_arm == 1
    assert mcnemar(replace(one, data="aaa"), other).only_arm == 1, "nothing is known of the other's data"


def test_worst_cases_over_other_attacks_are_not_compared() -> None:
    one = predictions([0] * 6, [0] * 6, "mp-s0")
    other = replace(one, trial="sta-s0", predicted={**one.predicted, "cw": LABELS})
    with pytest.raises(OtherAttacks, match="mp-s0 is over clean, pgd, that of sta-s0 over clean, pgd, cw; both have"):
        mcnemar(one, other)
    assert mcnemar(one, other, "pgd").both == 1


def stored(name: str, array: Any, blobs: dict[str, bytes]) -> str:
    buffer = io.BytesIO()
    np.save(buffer, array)
    blobs[name] = buffer.getvalue()
    return name


def test_only_one_number_for_each_sample_is_a_prediction() -> None:
    blobs: dict[str, bytes] = {}
    arrays = {"labels": LABELS, "predictions.clean": LABELS, "predictions.pgd": LABELS, "gradients": np.zeros((6, 2)),
              "predictions.pixels": np.zeros((6, 3))}  # fmt: skip
    entry = make_record("mp-s0", "s", 0, "completed", params={}, settings={}, metrics={}, fingerprints={"data": "abc"})
    full = changed(entry, arrays={name: stored(name, array, blobs) for name, array in arrays.items()})
    found = read_predictions(full, blobs.__getitem__)
    assert (set(found.predicted), found.data) == ({"clean", "pgd"}, "abc")
    with pytest.raises(NoPredictions, match="it diverged"):
        read_predictions(changed(entry, outcome="diverged"), blobs.__getitem__)


def test_worst_cases_over_other_sets_of_attacks_are_not_compared() -> None:
    """Their predictions have the same names whatever set of attacks they are over."""
    right = {"clean": LABELS, "worst_case": LABELS}
    one = Predictions("one", LABELS, right, attacks="quick's")
    with pytest.raises(OtherAttacks, match="quick's, that of other over standard's"):
        mcnemar(one, Predictions("other", LABELS, right, attacks="standard's"))
    assert mcnemar(one, Predictions("other", LABELS, right, attacks="quick's")).p == 1
    assert mcnemar(one, Predictions("older", LABELS, right)).p == 1, "where one doesn't say"
