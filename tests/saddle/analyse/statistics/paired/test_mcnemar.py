"""McNemar's test by group: exact, the ordinary one for groups of one, and right where samples of a group are alike."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from saddle.analyse.evaluation.predictions import Predictions, mcnemar
from saddle.analyse.statistics.paired.mcnemar import clustered_mcnemar, several_to_a_group
from saddle.errors import OtherSamples

PAIRS = st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 7)), min_size=1, max_size=40)


@settings(max_examples=60)
@given(PAIRS)
def test_it_counts_every_sign_of_every_group(pairs: list[tuple[bool, bool, int]]) -> None:
    ours, theirs, groups = (np.array(column) for column in zip(*pairs, strict=True))
    differences = [int(ours[groups == g].sum()) - int(theirs[groups == g].sum()) for g in np.unique(groups)]
    sums = [
        sum(s * d for s, d in zip(signs, differences, strict=True))
        for signs in product((1, -1), repeat=len(differences))
    ]
    expected = np.mean([abs(one) >= abs(sum(differences)) for one in sums])
    assert clustered_mcnemar(ours, theirs, groups) == pytest.approx(expected)


@given(PAIRS)
def test_with_one_sample_to_a_group_it_is_mcnemars(pairs: list[tuple[bool, bool, int]]) -> None:
    ours, theirs = (np.array(column) for column in list(zip(*pairs, strict=True))[:2])
    only, discordant = int((ours & ~theirs).sum()), int((ours != theirs).sum())
    expected = binomtest(only, discordant).pvalue if discordant else 1.0
    assert clustered_mcnemar(ours, theirs, np.arange(len(ours))) == pytest.approx(expected)


def test_equal_models_differ_by_chance_as_often_as_the_level_says() -> None:
    draw, groups = np.random.default_rng(0), np.repeat(np.arange(30), 20)
    by_group = by_image = 0
    for _ in range(400):
        ours, theirs = (np.repeat(draw.random(30) < 0.6, 20) for _ in range(2))
        by_group += clustered_mcnemar(ours, theirs, groups) <= 0.05
        by_image += clustered_mcnemar(ours, theirs, np.arange(600)) <= 0.05
    print(f"\nfalse differences at 0.05 in 400: {by_group} by group, {by_image} by image")
    assert by_group <= 30
    assert by_image > 200


def predicted(right: np.ndarray, groups: np.ndarray | None) -> Predictions:
    return Predictions("t", np.ones(len(right)), {"clean": right.astype(float)}, groups=groups)


def test_two_networks_are_compared_by_group_where_samples_have_groups() -> None:
    groups = np.repeat(np.arange(4), 5)
    ours, theirs = np.ones(20, bool), np.repeat([True, True, False, False], 5)
    found = mcnemar(predicted(ours, groups), predicted(theirs, groups))
    assert (found.only_arm, found.groups, found.p) == (10, 4, 0.5)
    plain = mcnemar(predicted(ours, np.arange(20)), predicted(theirs, None))
    assert (plain.groups, plain.p) == (None, pytest.approx(2 / 2**10))
    with pytest.raises(OtherSamples, match="their groups differ"):
        mcnemar(predicted(ours, groups), predicted(theirs, groups[::-1].copy()))
    assert not several_to_a_group(None)
