"""A relation in a study file: what it may say, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from saddle.errors import StudyError
from saddle.studyfile.loader import dump_study, load_studies, parse_studies, refused_differences
from saddle.studyfile.packaged import packaged_studies

RELATION = """\
study: three
trainable: fake
fixed: {tasks: [odd_even]}
relation:
  gain: {metric: test/accuracy, arm: {perturbation: mp}, over: {perturbation: sta}}
  units:
    - {family: rates, vary: {lr: [0.1, 0.2, 0.4]}, fixed: {dataset: digits}}
    - {dataset: [mnist, svhn]}
  predictor: distance
  seeds: 4
"""


def test_units_are_every_combination_of_levels_in_their_family(load: Any) -> None:
    [study] = load(RELATION)
    told = [(unit.name, unit.family) for unit in study.relation.unit_list]
    assert told == [
        ("dataset=digits, lr=0.1", "rates"),
        ("dataset=digits, lr=0.2", "rates"),
        ("dataset=digits, lr=0.4", "rates"),
        ("dataset=mnist", "datasets"),
        ("dataset=svhn", "datasets"),
    ]
    assert (study.kind, study.seed_list) == ("relation", [0, 1, 2, 3])


def test_a_relation_written_out_loads_as_the_same(load: Any) -> None:
    [study] = load(RELATION)
    assert load(dump_study(study)) == [study]


def test_a_later_relation_takes_over_what_it_does_not_say(load: Any) -> None:
    later = "---\nstudy: four\nrelation: {gain: {over: {perturbation: mta}}, seeds: 6}\n"
    first, second = load(RELATION + later)
    assert second.relation.gain.over == {"perturbation": "mta"}
    assert second.relation.gain.arm == first.relation.gain.arm
    assert second.relation.unit_list == first.relation.unit_list
    assert len(second.seed_list) == 6


@pytest.mark.parametrize(
    ("old", "new", "where", "said"),
    [
        ("predictor: distance", "predictor: test/accuracy", "relation.predictor", "both share noise"),
        ("predictor: distance", "predictor: validation/accuracy", "relation.predictor", "an accuracy shares the noise"),
        ("predictor: distance", "predictor: distanse", "relation.predictor", "unknown predictor"),
        ("predictor: distance", "predictor: distance\n  also: [distance]", "relation.also[0]", "predictor already"),
        ("over: {perturbation: sta}", "over: {perturbation: mp}", "relation.gain.arm", "are the same"),
        ("over: {perturbation: sta}", "over: {perturbatoin: sta}", "relation.gain.over.perturbatoin", "has no"),
        ("metric: test/accuracy", "metric: train/loss", "relation.gain.metric", "weren't trained on"),
        ("lr: [0.1, 0.2, 0.4]", "lr: [0.1, 0.2, 4.0]", "relation.units[0]", "lr"),
        ("lr: [0.1, 0.2, 0.4]", "lr: [0.1, 0.2, 0.1]", "relation.units", "listed twice"),
        ("[mnist, svhn]", "[mnist, svhn], perturbation: sta", "relation.units[1].perturbation", "by the arms, too"),
        ("[mnist, svhn]", "[mnist, svhn], tasks: [[odd_even]]", "relation.units[1].tasks", "is in fixed, too"),
        ("seeds: 4", "seeds: [1, 2, 1]", "relation.seeds[2]", "given twice"),
        ("over: {perturbation: sta}", "over: {perturbation: sta}, scale: log10", "relation.gain.scale", "log10"),
    ],
)
def test_each_mistake_is_told_at_its_place(refuse: Any, old: str, new: str, where: str, said: str) -> None:
    problems = refuse(RELATION.replace(old, new))
    assert [problem.where for problem in problems][:1] == [where]
    assert said in problems[0].what


def test_a_study_is_one_of_three_kinds(refuse: Any) -> None:
    [problem] = refuse(RELATION + "ablation: {factors: {lr: [0.1, 0.2]}, baseline: {lr: 0.1}}\n")
    assert problem.what == "a study is a search, an ablation or a relation, and this one has ablation and relation"


def test_what_belongs_to_a_search_is_refused(refuse: Any) -> None:
    [problem] = refuse(RELATION + "objective: {maximize: validation/accuracy}\n")
    assert problem.what == "objective belongs to a search, and this is a relation"


TABLE = "# of nobody\ndataset,gain,variance,source\nmnist,0.1,1,us\nsvhn,0.2,2,us\ndigits,0.4,3,us\n"
FROM_TABLE = """\
study: told
trainable: fake
relation:
  gain: {csv: points.csv, column: gain, metric: test/accuracy}
  units: [{dataset: [mnist, svhn, digits]}]
  predictor: {csv: points.csv, column: variance}
"""


def test_gains_and_predictors_of_a_table_are_kept_in_the_study(fakes: Any, tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text(TABLE)
    (tmp_path / "told.yaml").write_text(FROM_TABLE)
    [study] = load_studies(tmp_path / "told.yaml", trainables=fakes)
    assert study.relation is not None
    assert study.relation.gain.table is not None
    assert [study.relation.gain.table.value(unit.settings) for unit in study.relation.unit_list] == [0.1, 0.2, 0.4]
    assert study.seed_list == []
    assert parse_studies(dump_study(study), "elsewhere.yaml", trainables=fakes) == [study]


def test_a_column_that_a_table_lacks_is_named_with_the_nearest(fakes: Any, tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text(TABLE)
    (tmp_path / "told.yaml").write_text(FROM_TABLE.replace("column: variance", "column: variants"))
    with pytest.raises(StudyError, match=r"points.csv has no column 'variants'.*did you mean variance"):
        load_studies(tmp_path / "told.yaml", trainables=fakes)


def test_published_points_are_the_rows_with_a_unit_and_a_gain(fakes: Any, tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text(TABLE)
    (tmp_path / "own.yaml").write_text(RELATION + "published: points.csv\n")
    [study] = load_studies(tmp_path / "own.yaml", trainables=fakes)
    assert study.published is not None
    told = {(row.arm, row.metric): row.value for row in study.published.values}
    assert told["dataset=mnist", "published/gain"] == 0.1
    assert told["dataset=svhn", "published/variance"] == 2
    assert study.published.notes == ["of nobody"]


@pytest.mark.parametrize(
    ("old", "new", "refused"),
    [
        ("[0.1, 0.2, 0.4]", "[0.1, 0.2, 0.4, 0.8]", ""),
        ("[mnist, svhn]", "[svhn]", "dataset=mnist taken away"),
        ("seeds: 4", "seeds: 5", ""),
        ("seeds: 4", "seeds: 3", "write seeds"),
        ("predictor: distance", "predictor: lr_dose", ""),
        ("metric: test/accuracy", "metric: validation/loss", ""),
        ("arm: {perturbation: mp}", "arm: {perturbation: mta}", "relation.gain.arm"),
    ],
)
def test_what_of_a_stored_relation_may_change(fakes: Any, old: str, new: str, refused: str) -> None:
    [before] = parse_studies(RELATION, "before.yaml", trainables=fakes)
    [after] = parse_studies(RELATION.replace(old, new), "after.yaml", stored=True)
    differences = refused_differences(before, after)
    assert (refused in " ".join(differences)) if refused else differences == []


def test_the_packaged_relations_load() -> None:
    files = [name for name in packaged_studies() if name.startswith("variance_gain/")]
    kinds = {study.kind for name in files for study in load_studies(name)}
    assert (len(files), kinds) == (4, {"relation"})
