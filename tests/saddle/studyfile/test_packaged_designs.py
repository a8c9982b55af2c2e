"""Packaged studies with a crossed design have seeds enough to show an effect."""

from __future__ import annotations

import pytest
from scipy import stats

from saddle.analyse.arms.seeds_needed import effects_count
from saddle.design import make_arms
from saddle.design.registry import designs
from saddle.study.models import Study
from saddle.studyfile.loader import load_studies
from saddle.studyfile.packaged import packaged_studies

FEWEST = 5
LARGEST_T = 6.0
"""The critical |t| of the strictest step of a family: with three seeds it was 10.9 to 17.3."""

CROSSED = [
    study
    for name in packaged_studies()
    for study in load_studies(name)
    if study.ablation is not None and designs()[study.ablation.design.name].crossed
]


def test_there_are_such_studies() -> None:
    assert {study.study for study in CROSSED} >= {"table1-synthetic", "table4-synthetic", "table7-mnist"}


@pytest.mark.parametrize("study", CROSSED, ids=lambda study: study.study)
def test_a_packaged_factorial_study_has_at_least_five_seeds(study: Study) -> None:
    ablation = study.ablation
    assert ablation is not None
    seeds = len(ablation.seed_list)
    assert seeds >= FEWEST
    effects = effects_count(ablation, make_arms(ablation, ablation.baseline, study.settings))
    assert stats.t.isf(ablation.compare.alpha / 2 / effects, seeds - 1) < LARGEST_T
