"""Sample by sample: planted differences are counted and shown, absent or other predictions are told, in every form."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from saddle.analyse.evaluation.sample_pairs import StudyOnSamples, study_on_samples
from saddle.archive.studies import read_study
from saddle.cli.app import app
from saddle.design import Replicate
from saddle.report.study_sections.samples import samples_section
from saddle.report.write import markdown_of, page_of
from saddle.store.base import Store
from saddle.store.local import LocalStore
from saddle.store.open import open_store
from tests.support.s3 import S3
from tests.support.stored import store_ablation

STUDY = """\
study: planted
trainable: adversarial_training
fixed: {dataset: digits, tasks: [odd_even]}
ablation:
  factors: {perturbation: [sta, mta, mp]}
  seeds: 3
  compare: {metric: test/robust_accuracy.worst_case}
"""
IMAGES = 200
LABELS = np.arange(IMAGES) % 10


def measure(one: Replicate) -> dict[str, float]:
    return {"test/robust_accuracy.worst_case": 0.5 + 0.01 * one.seed}


def wrong(first: int, last: int) -> np.ndarray:
    """Predictions that are right but for the images from `first` to `last`."""
    predicted = LABELS.copy()
    predicted[first:last] = (predicted[first:last] + 1) % 10
    return predicted


def planted(one: Replicate) -> Mapping[str, Any]:
    """The baseline is wrong on 100 images; mp gets 40 to 42 of these right and loses 10, mta is as good, elsewhere."""
    spans = {"sta": (0, 100), "mp": (40 + one.seed, 110), "mta": (5, 105)}
    pgd = wrong(*spans[one.arm.name.partition("=")[2]])
    return {"labels": LABELS, "predictions.clean": LABELS, "predictions.pgd": pgd}


def on_samples(store: Store, most: int | None = None) -> StudyOnSamples | None:
    stored = read_study(store, "planted")
    assert stored is not None
    return study_on_samples(stored.read_results(store), store, most)


def rendered(store: Store, render: Callable[..., str]) -> str:
    stored = read_study(store, "planted")
    assert stored is not None
    return render(store, stored.read_results(store))


def section(page: str) -> str:
    """The text of the page's section, cells separated by blanks; empty where it has none."""
    found = re.search(r'<section id="samples">(.*?)</section>', page, re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", found[1]).split()) if found else ""


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "runs")


def test_a_planted_difference_is_counted_arm_by_arm(store: LocalStore) -> None:
    store_ablation(store, STUDY, measure, predict=planted, data="abc")
    found = samples_section("planted", on_samples(store))
    assert found is not None
    assert found.table is not None
    assert found.table.rows == (
        ("mta", "5", "5", "0 of 3", "0 of 3"),
        ("mp", "41.0 (40 to 42)", "10", "3 of 3", "0 of 3"),
    )
    text = section(rendered(store, page_of))
    assert "mp 41.0 (40 to 42) 10 3 of 3 0 of 3" in text
    assert "How many of 200 test images only one of two networks gets right (clean and under every attack)" in text
    assert "does not say whether the method helps" in text
    assert "Holm-adjusted over all 6 pairs" in text
    written = rendered(store, markdown_of)
    assert "### Sample by sample" in written
    assert "| mp | 41.0 (40 to 42) | 10 | 3 of 3 | 0 of 3 |" in written


def test_images_in_groups_are_compared_by_group_and_it_is_said(store: LocalStore) -> None:
    """Of tracks of ten images, four speak for mp and one against it: that is not a difference at 0.05."""
    groups = np.arange(IMAGES) // 10
    store_ablation(store, STUDY, measure, predict=lambda one: {**planted(one), "groups": groups}, data="abc")
    found = samples_section("planted", on_samples(store))
    assert found is not None
    assert found.table is not None
    assert found.table.rows[1] == ("mp", "41.0 (40 to 42)", "10", "0 of 3", "0 of 3")
    assert "McNemar’s test by group (by track, where images are frames of one)" in section(rendered(store, page_of))
    done = CliRunner().invoke(app, ["results", "planted", "--storage", store.url, "--samples"])
    assert "by group (by track" in " ".join(done.output.split())
    assert f"of {IMAGES // 10} groups" in " ".join(done.output.split())


def test_a_worse_arm_and_a_stricter_level(store: LocalStore) -> None:
    swapped = STUDY.replace("[sta, mta, mp]", "[mp, sta, mta]").replace("case}", "case, alpha: 1e-6}")
    store_ablation(store, swapped, measure, predict=planted)
    found = samples_section("planted", on_samples(store))
    assert found is not None
    assert found.table is not None
    assert found.table.rows[0] == ("sta", "10", "41.0 (40 to 42)", "0 of 3", "0 of 3"), "p is about 2e-5"
    relaxed = swapped.replace("alpha: 1e-6", "alpha: 1e-3").replace("planted", "relaxed")
    store_ablation(store, relaxed, measure, predict=planted)
    done = CliRunner().invoke(app, ["results", "relaxed", "--storage", store.url, "--samples"])
    [row] = [line.split() for line in done.output.splitlines() if line.split()[:1] == ["sta"]]
    assert row[-6:] == ["0", "of", "3", "3", "of", "3"]


def test_every_pair_is_a_row_of_json_and_csv(store: LocalStore) -> None:
    store_ablation(store, STUDY.replace("  seeds", "  blocks: {epochs: [1, 2]}\n  seeds"), measure, predict=planted)
    command = ["results", "planted", "--storage", store.url, "--samples"]
    rows = json.loads(CliRunner().invoke(app, [*command, "--json"]).stdout)
    assert len(rows) == 2 * 2 * 3
    mp = [row for row in rows if row["arm"] == "mp" and row["block"] == {"epochs": 1}]
    assert [(row["seed"], row["only_arm"], row["only_baseline"], row["n"]) for row in mp] == [
        (seed, 40 + seed, 10, IMAGES) for seed in range(3)
    ]
    assert all(row["p"] < row["p_adjusted"] < 0.05 for row in mp)
    listed = list(csv.DictReader(io.StringIO(CliRunner().invoke(app, [*command, "--csv"]).stdout)))
    assert [(row["arm"], row["block.epochs"], int(row["only_arm"])) for row in listed] == [
        (row["arm"], str(row["block"]["epochs"]), row["only_arm"]) for row in rows
    ]
    found = samples_section("planted", on_samples(store))
    assert found is not None
    assert found.table is not None
    assert [row[0] for row in found.table.rows][2:] == ["mp in epochs=1", "mp in epochs=2"]


def test_without_stored_predictions_there_is_a_sentence(store: LocalStore) -> None:
    store_ablation(store, STUDY, measure)
    told = "The networks are not compared image by image: 6 pairs of networks, predictions not stored (mta and mp)."
    page = rendered(store, page_of)
    assert section(page) == f"Sample by sample {told}"
    assert told in rendered(store, markdown_of)
    done = CliRunner().invoke(app, ["results", "planted", "--storage", store.url, "--samples", "--json"])
    assert json.loads(done.stdout) == []
    assert told in done.stderr


def test_other_images_are_left_out_and_told(store: LocalStore) -> None:
    def predict(one: Replicate) -> Mapping[str, Any]:
        arrays = planted(one)
        return {name: array[:-1] for name, array in arrays.items()} if "mta" in one.arm.name else arrays

    store_ablation(store, STUDY, measure, predict=predict)
    text = section(rendered(store, page_of))
    assert "Left out: 3 pairs of networks, not tested on the same images (mta)." in text
    assert "over all 3 pairs" in text


def test_very_many_are_not_read_for_a_report(store: LocalStore) -> None:
    store_ablation(store, STUDY, measure, predict=planted)
    store.delete("studies/planted/trials")  # whatever reads now, fails
    found = samples_section("planted", on_samples(store, most=5))
    assert found is not None
    assert found.table is None
    assert found.lead.startswith("Not shown: 6 pairs of networks")
    everything = on_samples(store, most=6)
    assert everything is not None
    assert (everything.too_many, everything.tests) == (0, [])


def test_where_nothing_is_paired_there_is_no_section(store: LocalStore) -> None:
    store_ablation(store, STUDY, lambda one: "collapsed" if "sta" in one.arm.name else measure(one), predict=planted)
    assert section(rendered(store, page_of)) == ""
    assert "Sample by sample" not in rendered(store, markdown_of)
    done = CliRunner().invoke(app, ["results", "planted", "--storage", store.url, "--samples"])
    assert "planted has no seed yet that both an arm and the baseline completed" in done.output
    assert done.exit_code == 2


def test_predictions_are_read_from_a_bucket(s3: S3) -> None:
    bucket = open_store(f"s3://{s3.bucket()}/saddle")
    store_ablation(bucket, STUDY, measure, predict=planted)
    assert "mp 41.0 (40 to 42) 10 3 of 3 0 of 3" in section(rendered(bucket, page_of))
