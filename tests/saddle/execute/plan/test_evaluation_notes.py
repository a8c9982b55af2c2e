"""Before anything is trained, a plan says where trials would be measured by different evaluations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from saddle.execute.plan.study_plan import plan_study
from saddle.store.open import open_store
from saddle.studyfile.loader import load_studies, parse_studies

PACKAGED = Path(__file__).parents[4] / "search_spaces"
NOTE = "trials would be measured with different "


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Own images of two classes."""
    folder = tmp_path_factory.mktemp("images")
    draw = np.random.default_rng(0)
    for split, count in (("train", 30), ("test", 10)):
        for name in ("cat", "dog"):
            (folder / split / name).mkdir(parents=True)
            for number in range(count):
                pixels = draw.integers(0, 256, (16, 16), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / split / name / f"{number}.png")
    return folder


def notes(images: Path, runs: Path, rest: str, fixed: str = "") -> list[str]:
    text = f"study: s\ntrainable: adversarial_training\nfixed: {{dataset: {{folder: {images}}}{fixed}}}\n{rest}"
    [study] = parse_studies(text, "s.yaml")
    return [note for note in plan_study(study, open_store(str(runs))).notes if note.startswith(NOTE)]


DOSES = "ablation: {factors: {epsilon: [0.0, 8/255]}, baseline: {perturbation: sta}}\n"
SEARCH = "search: {epsilon: {float: [0.01, 0.1]}}\nsampler: random\nbudget: {trials: 4}\n"
GOAL = "objective: {maximize: validation/robust_accuracy.worst_case}\n"


def test_doses_on_own_images_are_measured_by_as_many_threat_models(images: Path, tmp_path: Path) -> None:
    [note] = notes(images, tmp_path, DOSES)
    assert note.startswith(f"{NOTE}attack_epsilon (0 and 8/255)")
    assert "attack_epsilon: 8/255" in note.rpartition("fixed")[2]
    assert not notes(images, tmp_path, DOSES, ", attack_epsilon: 8/255, attack_step_size: 2/255")


def test_a_search_of_the_dose_would_find_the_weakest_evaluation(images: Path, tmp_path: Path) -> None:
    [note] = notes(images, tmp_path, SEARCH + GOAL)
    assert note.startswith(f"{NOTE}attack_epsilon (")
    assert not notes(images, tmp_path, SEARCH + GOAL, ", attack_epsilon: 0.1, attack_step_size: 0.02")


def test_other_evaluations_in_other_blocks_are_compared_with_none(images: Path, tmp_path: Path) -> None:
    blocks = "ablation: {factors: {perturbation: [sta, none]}, blocks: {attack_epsilon: [4/255, 8/255]}}\n"
    assert not notes(images, tmp_path, blocks)


@pytest.mark.parametrize("name", ["robustness_interpretability/dose", "robustness_generalization/front", "quickstart"])
def test_packaged_studies_measure_all_arms_alike(name: str, tmp_path: Path) -> None:
    for study in load_studies(name):
        if study.settings.get("dataset") in ("digits",):
            plan = plan_study(study, open_store(str(tmp_path)))
            assert not [note for note in plan.notes if note.startswith(NOTE)]
