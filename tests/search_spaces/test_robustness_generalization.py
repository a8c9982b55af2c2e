"""The studies of S0: that they are valid, which arms they have, and that their published values are the sources'."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from statistics import fmean, stdev

import pytest

from saddle.design.arm import labels
from saddle.design.study_arms import arms_of_study
from saddle.study.models import Study
from saddle.studyfile.loader import load_studies
from trainables import adversarial_training
from trainables.adversarial_training import Config, estimate
from trainables.adversarial_training.analysis_table import ANALYSES
from trainables.configuration import find_defaults

FOLDER = "robustness_generalization"
NAMES = ["techniques", "combined", "corruptions", "front", "cross_validation", "dimension", "hybrid"]
DATA = Path(os.environ.get("SADDLE_TEST_DATA") or Path(__file__).parents[2].parent / "shared" / "data")
FASTAT = DATA.parent / "reference/fastat/results.csv"
COLUMNS = {"clean": "test/clean_accuracy", "pgd_20": "test/robust_accuracy.pgd",
           "autoattack": "test/robust_accuracy.worst_case"}  # fmt: skip


def studies() -> list[Study]:
    return [study for name in NAMES for study in load_studies(f"{FOLDER}/{name}")]


def config_of(study: Study, settings: Mapping[str, object]) -> Config:
    given = {**study.settings, **settings}
    defaults = find_defaults(adversarial_training, given, study.recipe, study.scale)
    return Config.model_validate({**{name: one.value for name, one in defaults.items()}, **given})


@pytest.mark.parametrize("study", studies(), ids=lambda study: study.study)
def test_every_arm_is_a_configuration_whose_cost_is_known(study: Study) -> None:
    arms = arms_of_study(study, study.ablation.baseline) if study.ablation else []
    for settings in [arm.settings for arm in arms] or [{}]:
        operations, stored = estimate(config_of(study, settings))
        assert operations > 0
        assert stored > 0
    assert study.question
    assert study.question.endswith("?")
    if arms:
        assert len(set(labels(arms))) == len(arms)


def test_studies_that_need_an_analysis_ask_for_it() -> None:
    """What a verdict is on can be measured with the analyses that the study names."""
    owners = {f"test/{name}": one.name for one in ANALYSES.entries.values() for name in one.metrics}
    for study in studies():
        if study.ablation is None:
            continue
        asked = [study.ablation.compare.metric or "", *study.ablation.compare.each]
        patterns = {name.removesuffix("*") for name in asked}
        needed = {
            owner for name, owner in owners.items() for pattern in patterns if pattern and name.startswith(pattern)
        }
        assert needed <= set(study.settings.get("analyses", ())), study.study


def test_named_arms_are_there() -> None:
    by_name = {study.study: study for study in studies()}

    def arms(name: str) -> set[str]:
        study = by_name[name]
        assert study.ablation is not None
        return set(labels(arms_of_study(study, study.ablation.baseline)))

    assert {"trades=on", "n_fgsm=on", "fgsm_rs=on", "jpeg=on", "augmix=on"} <= arms("techniques-digits")
    assert {"weight_perturbation=on", "early_stopping=on", "dropout=on"} <= arms("combined-digits")
    assert len(arms("corruptions-mnist")) == 5
    assert len(arms("hybrid-digits")) == 4


@pytest.mark.parametrize(
    ("table", "dataset", "study"),
    [("fastat_cifar10", "cifar10", "techniques-cifar10"), ("fastat_combined_cifar10", "cifar10", "combined-cifar10"),
     ("fastat_tiny_imagenet", "tiny-imagenet", "techniques-tiny-imagenet")],
)  # fmt: skip
def test_fastats_values_are_the_means_of_its_runs(table: str, dataset: str, study: str) -> None:
    if not FASTAT.is_file():
        pytest.skip(f"{FASTAT} is not here")
    runs = list(csv.DictReader(FASTAT.read_text(encoding="utf-8").splitlines()))
    text = (files("search_spaces") / f"{FOLDER}/published/{table}.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))
    compared = 0
    for row in rows:
        method = row["source"].split(", ")[1]
        column = next((name for name, metric in COLUMNS.items() if metric == row["metric"]), "training_seconds")
        values = [float(run[column]) / 100 for run in runs if (run["dataset"], run["method"]) == (dataset, method)]
        decimals = 2 if column == "training_seconds" else 4
        assert float(row["value"]) == pytest.approx(fmean(values), abs=0.6 * 10**-decimals)
        assert float(row["sd"]) == pytest.approx(stdev(values), abs=0.6 * 10**-decimals)
        assert int(row["n"]) == len(values) == 3
        compared += 1
    assert compared >= 8
    by_name = {one.study: one for one in studies()}
    published = by_name[study].published
    assert published is not None
    assert len(published.values) == compared


def test_every_published_value_has_an_arm() -> None:
    for study in studies():
        if study.published is None or study.ablation is None:
            continue
        arms = arms_of_study(study, study.ablation.baseline)
        known = {*labels(arms), *(arm.name for arm in arms), "baseline"}
        unknown = {one.arm for one in study.published.values} - known
        assert not unknown, (study.study, unknown, sorted(known))
