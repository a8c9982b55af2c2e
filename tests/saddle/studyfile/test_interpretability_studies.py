"""The studies of S2: every group ranks by metrics that its trials measure, and all arms are measured alike."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from saddle.design.study_arms import arms_of_study
from saddle.execute.plan.study_plan import plan_study
from saddle.store.open import open_store
from saddle.study.models import Study
from saddle.studyfile.loader import load_studies
from trainables import adversarial_training
from trainables.adversarial_training.analysis_table import ANALYSES
from trainables.adversarial_training.cost import chosen_facts
from trainables.contract import resolve
from trainables.datasets.config import FolderDataset
from trainables.datasets.registry import KNOWN

FAMILY = "robustness_interpretability"
STUDIES = {study.study: study for name in ("dose", "marked", "diffroar") for study in load_studies(f"{FAMILY}/{name}")}
RANKED = [name for name, study in STUDIES.items() if study.ablation is not None and study.ablation.compare.ranks]


def configs(study: Study) -> list[Any]:
    """The configurations of its arms, the baseline's first."""
    assert study.ablation is not None
    arms = arms_of_study(study, study.ablation.baseline)
    given = [{**study.settings, **arm.settings} for arm in arms]
    return [resolve(adversarial_training, settings, study.recipe, study.scale).config for settings in given]


@pytest.mark.parametrize("name", STUDIES)
def test_the_dose_is_the_training_and_the_threat_model_is_one(name: str) -> None:
    arms = configs(STUDIES[name])
    known = KNOWN.get(arms[0].dataset) if isinstance(arms[0].dataset, str) else None
    customary = 8 / 255 if known is None else known.budget.epsilon
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


FULL = [name for name, study in STUDIES.items() if study.scale == "full"]


@pytest.mark.parametrize("name", FULL)
def test_full_scale_is_planned_in_gpu_hours_without_the_data(name: str, tmp_path: Path) -> None:
    plan = plan_study(STUDIES[name], open_store(str(tmp_path)), data_root=str(tmp_path))
    assert plan.gpu_hours is not None
    assert plan.gpu_hours > 10
    absent = [note for note in plan.notes if "does not exist" in note or "is not in" in note]
    assert len(absent) == 1, "the reason is said once, and nothing is refused"


def test_a_folder_that_is_there_is_what_is_planned(tmp_path: Path) -> None:
    """Of as many images as are said for the folder that is not there yet."""
    study = STUDIES["dose-imagenet-folder"]
    unseen = configs(study)[0]
    for split, count in (("train", 6), ("test", 3)):
        for name in ("cat", "dog"):
            (tmp_path / split / name).mkdir(parents=True)
            for index in range(count):
                (tmp_path / split / name / f"{index}.png").touch()
    seen = unseen.model_copy(update={"dataset": FolderDataset(folder=str(tmp_path), size=64)})
    assert chosen_facts(unseen).train == 100_000
    assert (chosen_facts(unseen).test, chosen_facts(unseen).shape) == (10_000, (3, 64, 64))
    assert (chosen_facts(seen).train, chosen_facts(seen).test, len(chosen_facts(seen).classes)) == (12, 6, 2)
