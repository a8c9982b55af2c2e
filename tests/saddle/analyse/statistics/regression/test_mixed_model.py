"""The mixed model beside the paired intervals: the analysis of variance where that is exact, and true to its level."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from saddle.analyse.statistics.regression.mixed_model import Observation, mixed_effects

CELLS = {"--": (0, 0), "-+": (0, 1), "+-": (1, 0), "++": (1, 1)}
CONTRASTS = {
    "first": {"--": -0.5, "-+": -0.5, "+-": 0.5, "++": 0.5},
    "interaction": {"--": 1.0, "-+": -1.0, "+-": -1.0, "++": 1.0},
}


def study(
    generator: np.random.Generator, seeds: int, blocks: int = 1, interaction: float = 0.0, of_seeds: float = 2.0
) -> list[Observation]:
    """A 2 × 2 factorial with noise of one, and larger shifts of seeds and blocks."""
    shift, place = of_seeds * generator.standard_normal(seeds), 3 * generator.standard_normal(blocks)
    return [
        Observation(
            name, seed, str(block),
            float(shift[seed] + place[block] + interaction * a * b + generator.standard_normal()),
        )
        for name, (a, b) in CELLS.items() for seed in range(seeds) for block in range(blocks)
    ]  # fmt: skip


def test_in_a_balanced_design_it_is_the_analysis_of_variance() -> None:
    observations = study(np.random.default_rng(1), 6, interaction=1.5)
    table = np.array([[one.value for one in observations if one.arm == name] for name in CELLS])
    weights = np.array([CONTRASTS["interaction"][name] for name in CELLS])
    # residual of the additive model of arms and seeds
    residual = table - table.mean(1, keepdims=True) - table.mean(0, keepdims=True) + table.mean()
    freedom = 3 * 5
    error = math.sqrt((residual**2).sum() / freedom * (weights**2).sum() / 6)
    mean = float(weights @ table.mean(1))
    found = mixed_effects(observations, CONTRASTS)["interaction"]
    assert found.freedom == freedom
    assert found.mean == pytest.approx(mean, rel=1e-6)
    assert found.high - found.mean == pytest.approx(stats.t.isf(0.025, freedom) * error, rel=1e-3)
    assert found.p == pytest.approx(2 * stats.t.sf(abs(mean) / error, freedom), rel=1e-2)


@pytest.mark.parametrize(
    ("seeds", "blocks"),
    [(3, 1), pytest.param(5, 1, marks=pytest.mark.slow), pytest.param(4, 2, marks=pytest.mark.slow)],
)
def test_its_level_is_what_it_says(seeds: int, blocks: int) -> None:
    generator, studies = np.random.default_rng(2), 120
    found = [mixed_effects(study(generator, seeds, blocks), CONTRASTS) for _ in range(studies)]
    assert all(set(one) == set(CONTRASTS) for one in found), "a variance at zero must not lose the answer"
    for name in CONTRASTS:
        wrong = np.mean([one[name].p < 0.05 for one in found])
        assert wrong <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / studies)
    covered = np.mean([one["first"].low <= 0 <= one["first"].high for one in found])
    assert covered >= 0.95 - 3 * math.sqrt(0.05 * 0.95 / studies)


def test_a_planted_interaction_is_found_whatever_the_scale() -> None:
    observations = study(np.random.default_rng(3), 8, interaction=4.0)
    found = mixed_effects(observations, CONTRASTS)["interaction"]
    assert found.low > 0
    assert found.low < 4.0 < found.high
    tiny = [Observation(one.arm, one.seed, one.block, 0.5 + one.value * 1e-4) for one in observations]
    scaled = mixed_effects(tiny, CONTRASTS)["interaction"]
    assert (scaled.mean, scaled.low, scaled.high) == pytest.approx(
        (1e-4 * found.mean, 1e-4 * found.low, 1e-4 * found.high), rel=1e-3
    )
    assert scaled.p == pytest.approx(found.p, rel=0.02, abs=1e-6)


def test_seeds_that_do_not_matter_are_no_failure() -> None:
    observations = study(np.random.default_rng(4), 5, of_seeds=0.0)
    assert set(mixed_effects(observations, CONTRASTS)) == set(CONTRASTS)


def test_missing_replicates_are_borne_and_missing_arms_leave_their_contrasts_out() -> None:
    observations = study(np.random.default_rng(5), 5, interaction=9.0)
    assert mixed_effects(observations[:-2], CONTRASTS)["interaction"].low > 0
    gone = [one for one in observations if one.arm != "++"]
    assert mixed_effects(gone, {**CONTRASTS, "simple": {"-+": 1.0, "--": -1.0}}).keys() == {"simple"}
    assert mixed_effects(observations[:4], CONTRASTS) == {}
