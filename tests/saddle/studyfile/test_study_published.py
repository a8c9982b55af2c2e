"""Published values: a CSV file becomes part of the study, and every mistake in it is told with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from saddle.errors import StudyError
from saddle.studyfile.dump import dump_study, is_extension
from saddle.studyfile.loader import load_studies, parse_studies
from saddle.studyfile.published_tables import as_yaml, packaged_tables

STUDY = """\
study: controls
trainable: adversarial_training
ablation: {factors: {perturbation: [sta, mp]}, seeds: 3}
fixed: {tasks: [odd_even]}
published: table4.csv
"""
TABLE = """\
# where it is from
arm,metric,value,sd,n,source,epsilon,tasks,checkpoint
sta,test/clean_accuracy,0.98,0.01,3,"A, Table 1",0.3,[odd_even],best

mp,test/clean_accuracy,0.97,,,,,,
"""


def files(folder: Path, table: str = TABLE, where: str = "table4.csv", study: str = STUDY) -> str:
    (folder / where).parent.mkdir(parents=True, exist_ok=True)
    (folder / where).write_text(table)
    (folder / "controls.yaml").write_text(study)
    return str(folder / "controls.yaml")


def problems_of(path: str) -> list[str]:
    with pytest.raises(StudyError) as caught:
        load_studies(path)
    return [str(problem).replace(str(Path(path).parent) + "/", "") for problem in caught.value.problems]


@pytest.mark.parametrize("where", ["table4.csv", "published/table4.csv"])
def test_a_table_beside_the_study_becomes_part_of_it(tmp_path: Path, where: str) -> None:
    [study] = load_studies(files(tmp_path, where=where))
    assert study.published is not None
    assert study.published.file == "table4.csv"
    first, second = study.published.values
    assert (first.arm, first.metric, first.value, first.sd, first.n) == ("sta", "test/clean_accuracy", 0.98, 0.01, 3)
    assert first.source == "A, Table 1"
    assert first.conditions == {"epsilon": 0.3, "tasks": ["odd_even"], "checkpoint": "best"}
    assert (second.sd, second.n, second.conditions) == (None, None, {})
    (tmp_path / where).unlink()
    assert parse_studies(dump_study(study), "stored.yaml") == [study], "the stored study needs no file"


def test_another_table_is_no_other_study(tmp_path: Path) -> None:
    [old] = load_studies(files(tmp_path))
    [new] = load_studies(files(tmp_path, TABLE.replace("0.98", "0.981")))
    assert old != new
    assert is_extension(old, new)


def test_a_packaged_table_is_found_by_its_name(tmp_path: Path) -> None:
    [packaged] = load_studies("perturbation")
    [own] = load_studies(files(tmp_path, study=STUDY.replace("table4.csv", "s3_mnist.csv")))
    assert packaged.published == own.published
    assert {row.arm for row in packaged.published.values} == {"sta", "mta", "mp"}
    assert all(0 < row.value < 1 and "Table" in row.source for row in packaged.published.values)
    assert "mixed_perturbation/published/s3_mnist.csv" in packaged_tables()


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("", ["table4.csv:1: the file is empty; its columns are arm, metric, value and more"]),
        ("arm,metric,valu\nsta,test/a,1\n",
         ["table4.csv:1: the column value is missing; there are: arm, metric, valu; did you mean valu?"]),
        ("arm,metric,value,arm\n", ["table4.csv:1: the column 'arm' is there twice"]),
        ("arm,metric,value\n", ["table4.csv:1: the table has no rows"]),
        ("arm,metric,value\nsta,test/a\n",
         [(
            "table4.csv:2: 2 cells, and the table has 3 columns; "
            'put a cell with commas in quotes, such as "[a, b]"'
        )]),
        ("# x\narm,metric,value\nsta,test/a,much\n,accuracy,0.5\n",
         ["table4.csv:3: value: 'much' is not accepted; expected a number",
          "table4.csv:4: arm: this is missing",
          "table4.csv:4: metric: 'accuracy' is not accepted; it should match pattern '^[a-z_]+/\\S+$'"]),
        ("arm,metric,value\nsta,test/clean_accuracy,98.3\n",
         [(
            "controls.yaml:5: published.values[0].value: 98.3 can't be test/clean_accuracy of sta, "
            "which is a share of 1; write 0.983 in table4.csv"
        )]),
        ("arm,metric,value\nspa,test/clean_accuracy,0.983\n",
         [("controls.yaml:5: published: no arm of this study is named in table4.csv, which has spa; name arms as the"
          " report does; did you mean sta?")]),
    ],
)  # fmt: skip
def test_mistakes_in_a_table_are_told_with_their_lines(tmp_path: Path, table: str, expected: list[str]) -> None:
    assert problems_of(files(tmp_path, table)) == expected


def test_the_largest_table_fits_into_a_stored_study_and_a_larger_one_is_refused(tmp_path: Path) -> None:
    head = "arm,metric,value," + ",".join(f"condition_{index}" for index in range(17)) + "\n"
    row = "sta,test/clean_accuracy,0.98," + ",".join(["[a b]"] * 17) + "\n"
    [study] = load_studies(files(tmp_path, head + 200 * row))
    assert len(study.published.values) == 200
    assert parse_studies(dump_study(study), "stored.yaml") == [study]
    [problem] = problems_of(files(tmp_path, head + 201 * row))
    assert problem.startswith("table4.csv: 201 rows of 20 cells are more than the 4000 that a study may have; keep")
    [problem] = problems_of(files(tmp_path, head + 5000 * row))
    assert problem.startswith("table4.csv: the file is larger than 64 KiB")


def test_a_table_that_is_not_there_names_the_nearest(tmp_path: Path) -> None:
    path = files(tmp_path, study=STUDY.replace("table4.csv", "tabel4.csv"))
    [problem] = problems_of(path)
    assert problem.startswith("controls.yaml:5: published: no such file: 'tabel4.csv'; put it next to the study file")
    assert problem.endswith("did you mean table4.csv?")


def test_a_search_has_no_arms_to_compare_values_with(tmp_path: Path) -> None:
    search = (
        "search: {lr: {float: [1e-4, 1e-2]}}\nobjective: {maximize: validation/clean_accuracy}\nbudget: {trials: 20}"
    )
    text = STUDY.replace("ablation: {factors: {perturbation: [sta, mp]}, seeds: 3}", search)
    [problem] = problems_of(files(tmp_path, study=text))
    assert "published values are compared with arms, and this study has none" in problem


@pytest.mark.parametrize(
    ("cell", "value"),
    [("0.3", 0.3), ("200", 200), ("off", "off"), ("null", None), ("[a, b]", ["a", "b"]), ("true", True),
     ("Main+Aux1", "Main+Aux1"), ("best on test", "best on test"), ("{a: 1}", {"a": 1}), ("]", "]"), ("a, b", "a, b")],
)  # fmt: skip
def test_cells_are_read_as_a_study_file_reads_them(cell: str, value: object) -> None:
    assert as_yaml(cell) == value
