"""The studies of S2: every group ranks by metrics that its trials measure, and all arms are measured alike."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import pytest

from saddle.design.study_arms import arms_of_study
from saddle.study.models import Study
from saddle.studyfile.loader import load_studies
from trainables import adversarial_training
from trainables.adversarial_training.analysis_table import ANALYSES
from trainables.contract import resolve
from trainables.datasets.registry import KNOWN

FAMILY = "robustness_interpretability"
STUDIES = {study.study: study for name in ("dose", "marked", "diffroar") for study in load_studies(f"{FAMILY}/{name}")}
RANKED = [name for name, study in STUDIES.items() if study.ablation is not None and study.ablation.compare.ranks]


def configs(study: Study) -> list[Any]:
    """The configurations of its arms, the baseline's first."""
    assert study.ablation is not None
    arms = arms_of_study(study, study.ablation.baseline)
    return [resolve(adversarial_training, {**study.settings, **arm.settings}, scale=study.scale).config for arm in arms]


@pytest.mark.parametrize("name", STUDIES)
def test_the_dose_is_the_training_and_the_threat_model_is_one(name: str) -> None:
    arms = configs(STUDIES[name])
    customary = KNOWN[arms[0].dataset].budget.epsilon
    assert [config.epsilon / customary for config in arms] == pytest.approx([0, 1 / 8, 1 / 4, 1 / 2, 1])
    alike = {(config.attack_epsilon, config.attack_steps, config.attacks, config.sensitivity_radius) for config in arms}
    assert len(alike) == 1
    assert arms[0].attack_epsilon == customary
    assert STUDIES[name].seed_list == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("name", RANKED)
def test_every_group_is_of_metrics_that_are_measured(name: str) -> None:
    study = STUDIES[name]
    assert study.ablation is not None
    [config, *_] = configs(study)
    measured = {f"test/{metric}" for chosen in ANALYSES.chosen(config) for metric in chosen.metrics}
    groups = study.ablation.compare.ranks
    for group, patterns in groups.items():
        for pattern in patterns:
            assert any(fnmatchcase(metric, pattern) for metric in measured), f"{name}, {group}: {pattern}"
    assert {"concise", "stable", "relevant"} <= groups.keys()
    assert study.ablation.compare.not_worse.keys() == {"test/clean_accuracy"}, "else no balance is recommended"


def test_marks_are_asked_for_where_there_are_masks_alone() -> None:
    by_analyses = {name: set(configs(study)[0].analyses) for name, study in STUDIES.items()}
    for name, analyses in by_analyses.items():
        assert ("marked_explanations" in analyses) == name.startswith("marked-"), name
        assert ("faithful_explanations" in analyses) == name.startswith("dose-"), name
